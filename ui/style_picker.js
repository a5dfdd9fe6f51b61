// The styles that are chosen, each with its strength. What was changed here is drawn at once and sent as the whole choice;
// until the server says the same, what it says of the choice is old. Text goes in by textContent only, never as HTML.

const SEARCH_FROM = 8; // as many styles want a search field
const PROMPT = ".st-key-zone-prompt textarea";
const PATIENCE_MS = 3000;

export default function ({ data, parentElement, setTriggerValue }) {
  const state = (parentElement.jimengStyles ??= { chosen: [], open: -1, sent: "", sentAt: 0 });
  state.data = data;
  state.root = parentElement;
  state.send = (chosen) => {
    state.chosen = chosen;
    state.sent = JSON.stringify(chosen);
    state.sentAt = performance.now();
    setTriggerValue("choose", chosen);
    draw(state);
  };
  const awaited = state.sent && JSON.stringify(data.chosen) !== state.sent && performance.now() - state.sentAt < PATIENCE_MS;
  if (!awaited) {
    state.chosen = data.chosen;
    state.sent = "";
  }
  draw(state);
  watchStyles(parentElement.querySelector(".rows"), ({ version, resident }) => {
    if (version !== state.data.version) return setTriggerValue("look", version);
    const now = new Set(resident);
    if (state.data.styles.every((style) => style.resident === now.has(style.sha256))) return;
    for (const style of state.data.styles) style.resident = now.has(style.sha256);
    draw(state);
  });
}

function draw(state) {
  const { data, root, chosen } = state;
  const rows = root.querySelector(".rows");
  const shown = chosen.length && state.open < chosen.length ? chosen : [...chosen, null];
  while (rows.children.length > shown.length) rows.lastElementChild.remove();
  while (rows.children.length < shown.length) rows.append(newRow(state, rows.children.length));
  shown.forEach((use, index) => drawRow(state, rows.children[index], use, index));

  root.querySelector(".label").textContent = data.words.style;
  const add = root.querySelector(".add");
  add.textContent = data.words.add;
  add.hidden = !chosen.length || shown.length > chosen.length || chosen.length >= data.most || chosen.length >= data.styles.length;
  add.onclick = () => open(state, chosen.length);
  const note = root.querySelector(".note");
  note.textContent = data.note;
  note.hidden = !data.note;
}

function newRow(state, index) {
  const row = make("div", "row");
  const head = make("div", "head");
  const pick = make("button", "pick");
  pick.type = "button";
  pick.setAttribute("role", "combobox");
  pick.setAttribute("aria-haspopup", "listbox");
  pick.onclick = () => (state.open === index ? close(state) : open(state, index));
  pick.onkeydown = (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      open(state, index);
    }
  };
  const off = make("button", "off", "×");
  off.type = "button";
  off.onclick = () => state.send(state.chosen.filter((_, n) => n !== index));
  head.append(pick, off);

  const strength = make("div", "strength");
  const label = make("label");
  const range = make("input");
  Object.assign(range, { type: "range", min: 0, max: 1.5, step: 0.05 });
  const exact = make("input");
  Object.assign(exact, { type: "number", min: -2, max: 2, step: 0.05 });
  range.oninput = () => (exact.value = Number(range.value).toFixed(2));
  range.onchange = () => weigh(Number(range.value));
  exact.onchange = () => weigh(Math.min(2, Math.max(-2, Number(exact.value) || 0)));
  const weigh = (value) => state.send(state.chosen.map((use, n) => (n === index ? { ...use, strength: value } : use)));
  strength.append(label, range, exact);
  row.append(head, strength, make("div", "words"));
  return row;
}

function drawRow(state, row, use, index) {
  const { words } = state.data;
  const style = use && state.data.styles.find((s) => s.name === use.name);
  const pick = row.querySelector(".pick");
  pick.setAttribute("aria-label", index ? `${words.style} ${index + 1}` : words.style);
  pick.setAttribute("aria-expanded", String(state.open === index));
  pick.classList.toggle("none", !style);
  const now = JSON.stringify(style ?? null);
  if (pick.dataset.now !== now) {
    pick.dataset.now = now;
    pick.replaceChildren(...(style ? [thumb(style), name(style), dot(style, words)] : [make("span", "name", words.none)]));
    const chips = style ? style.words.map((word) => chip(word, words)) : [];
    row.querySelector(".words").replaceChildren(...chips);
  }
  const off = row.querySelector(".off");
  off.setAttribute("aria-label", style ? words.off.replace("{name}", () => style.label) : "");
  off.title = off.getAttribute("aria-label");
  off.hidden = !style;

  const strength = row.querySelector(".strength");
  strength.hidden = !style;
  strength.style.display = style ? "" : "none";
  const [range, exact] = strength.querySelectorAll("input");
  strength.querySelector("label").textContent = words.strength;
  range.setAttribute("aria-label", words.strength);
  exact.setAttribute("aria-label", words.exact);
  if (style && row.getRootNode().activeElement !== exact) exact.value = use.strength.toFixed(2);
  if (style && !range.matches(":active")) range.value = use.strength;
  drawPanel(state, row, use, index);
}

function drawPanel(state, row, use, index) {
  const panel = row.querySelector(".panel");
  if (state.open !== index) {
    panel?.remove();
    return;
  }
  const now = JSON.stringify([state.data.styles, state.chosen]);
  if (panel?.dataset.now === now) return;
  const others = new Set(state.chosen.filter((_, n) => n !== index).map((u) => u.name));
  const list = make("ul");
  list.id = `styles-${index}`;
  list.tabIndex = -1;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", state.data.words.style);
  const choose = (wanted) => {
    const kept = { name: wanted, strength: use?.strength ?? 1 };
    state.open = -1;
    state.send(wanted ? [...state.chosen.slice(0, index), kept, ...state.chosen.slice(index + 1)] : state.chosen.filter((_, n) => n !== index));
    row.querySelector(".pick")?.focus();
  };
  const offered = state.data.styles.filter((style) => !others.has(style.name));
  list.append(option(null, state.data.words.none, !use, () => choose("")));
  for (const style of offered) list.append(option(style, style.label, use?.name === style.name, () => choose(style.name)));

  const fresh = make("div", "panel");
  fresh.dataset.now = now;
  if (offered.length >= SEARCH_FROM) fresh.append(search(state, list));
  fresh.append(list);
  fresh.onkeydown = (event) => onKey(state, event, list);
  fresh.addEventListener("focusout", (event) => {
    if (state.open === index && !state.drawing && !fresh.contains(event.relatedTarget)) close(state, false);
  });
  state.drawing = true; // to take away what has the focus is not to leave it
  panel ? panel.replaceWith(fresh) : row.append(fresh);
  state.drawing = false;
  activate(list, list.querySelector("[aria-selected=true]") ?? list.firstElementChild);
  (fresh.querySelector(".search") ?? list).focus({ preventScroll: true });
}

function option(style, label, selected, choose) {
  const item = make("li", style ? "" : "none");
  item.setAttribute("role", "option");
  item.setAttribute("aria-label", label);
  item.setAttribute("aria-selected", String(selected));
  item.dataset.find = style ? [style.name, style.title, ...style.words].join(" ").toLowerCase() : "";
  item.append(...(style ? [thumb(style), name(style)] : [make("span", "name", label)]));
  item.onmousedown = (event) => event.preventDefault(); // keeps the focus, and with it the list
  item.onclick = choose;
  item.onmousemove = () => activate(item.parentElement, item);
  return item;
}

function search(state, list) {
  const field = make("input", "search");
  field.type = "search";
  field.placeholder = state.data.words.search;
  field.setAttribute("aria-label", state.data.words.search);
  field.oninput = () => {
    const wanted = field.value.toLowerCase().trim();
    for (const item of list.children) item.hidden = Boolean(wanted) && !item.dataset.find.includes(wanted);
    activate(list, [...list.children].find((item) => !item.hidden));
  };
  return field;
}

function onKey(state, event, list) {
  const items = [...list.children].filter((item) => !item.hidden);
  const at = items.findIndex((item) => item.dataset.active === "true");
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (next !== undefined && items.length) {
    activate(list, items[(next + items.length) % items.length]);
    event.preventDefault();
  } else if (event.key === "Enter" || (event.key === " " && event.target === list)) {
    items[at]?.click();
    event.preventDefault();
  } else if (event.key === "Escape") {
    close(state);
    event.stopPropagation();
  }
}

function activate(list, item) {
  for (const other of list.children) other.dataset.active = String(other === item);
  item?.scrollIntoView({ block: "nearest" });
}

function open(state, index) {
  state.open = index;
  draw(state);
}

function close(state, focus = true) {
  const index = state.open;
  state.open = -1;
  draw(state);
  if (focus) state.root.querySelectorAll(".pick")[index]?.focus();
}

function thumb(style) {
  const element = make(style.src ? "img" : "span", "thumb", style.src ? "" : [...style.title][0].toUpperCase());
  element.setAttribute("aria-hidden", "true");
  if (style.src) Object.assign(element, { src: style.src, alt: "", loading: "lazy" });
  return element;
}

function name(style) {
  const element = make("span", "name", style.label);
  element.dir = "auto";
  element.title = style.title === style.label ? style.label : `${style.title}\n${style.label}`;
  return element;
}

function dot(style, words) {
  const element = make("span", "dot");
  element.hidden = !style.resident;
  element.title = words.resident;
  return element;
}

function chip(word, words) {
  const button = make("button", "word", word);
  button.type = "button";
  button.dir = "auto";
  button.title = words.insert.replace("{word}", () => word);
  button.onclick = () => insert(word);
  return button;
}

// What is being typed is known to the browser only, so the word goes in here, and not by way of the server.
function insert(word) {
  const area = document.querySelector(PROMPT);
  if (!area) return;
  const text = area.value.trimEnd();
  if (!text.toLowerCase().includes(word.toLowerCase())) {
    const setter = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set;
    setter.call(area, text ? `${text}${/[,，]$/.test(text) ? " " : ", "}${word}` : word);
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
  area.focus();
  area.setSelectionRange(area.value.length, area.value.length);
}

function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}
