// All styles as cards, with search, upload by drag and drop, and details. What is done to a style is sent as {do, name};
// the page answers with new data. Text goes in by textContent only, never as HTML.

export default function ({ data, parentElement, setTriggerValue }) {
  const find = (selector) => parentElement.querySelector(selector);
  const { words } = data;
  const view = (find(".cards").view ??= { open: "" });
  view.data = data;
  view.act = (what, style, more = {}) => setTriggerValue("act", { do: what, name: style.name, ...more });

  const search = find(".search");
  search.placeholder = words.search;
  search.setAttribute("aria-label", words.search);
  search.hidden = data.styles.length < 2;
  search.oninput = () => drawCards(find, view);
  drawCards(find, view);
  drawDetails(find(".details"), view);

  tell(find(".told"), data.removed && words.removed.replace("{name}", () => data.removed));
  find(".told button").textContent = words.undo;
  find(".told button").onclick = () => setTriggerValue("act", { do: "undo", name: "" });
  tell(find(".problem"), data.problem);

  const settings = { url: data.upload, most_mb: data.most_mb, language: data.language };
  const upload = uploads(find(".uploads"), words, settings, (name) => setTriggerValue("act", { do: "look", name }));
  const files = find(".files");
  find(".add").textContent = words.addStyles;
  find(".add").onclick = () => files.click();
  files.onchange = () => {
    upload([...files.files]);
    files.value = "";
  };
  dropTarget(find(".drop"), words.dropHere, upload);
  watchStyles(find(".cards"), ({ version }) => {
    if (version !== view.data.version) setTriggerValue("act", { do: "look", name: "" });
  });
}

function tell(element, text) {
  element.hidden = !text;
  (element.querySelector("span") ?? element).textContent = text || "";
}

function drawCards(find, view) {
  const { styles, words } = view.data;
  const wanted = find(".search").value.toLowerCase().trim();
  const shown = styles.filter((s) => !wanted || [s.name, s.title, s.author, ...s.words].join(" ").toLowerCase().includes(wanted));
  const empty = find(".empty");
  empty.hidden = shown.length > 0;
  empty.textContent = styles.length ? words.nothing : words.empty;
  const cards = find(".cards");
  const kept = new Map([...cards.children].map((card) => [card.dataset.now, card]));
  cards.replaceChildren(...shown.map((style) => kept.get(JSON.stringify(style)) ?? newCard(style, words)));
  for (const card of cards.children) {
    card.onclick = () => {
      view.open = card.dataset.name;
      drawDetails(find(".details"), view);
    };
  }
}

function newCard(style, words) {
  const card = make("button", "card");
  card.type = "button";
  card.dataset.name = style.name;
  card.dataset.state = style.state;
  card.dataset.now = JSON.stringify(style);
  const name = style.title.toLowerCase() === style.label.toLowerCase() ? [] : [text("span", "line", style.label)];
  const said = { looking: words.looking, unusable: style.problem }[style.state];
  const below = said
    ? [text("span", style.state === "unusable" ? "line why" : "line", said)]
    : [style.words.join(", "), style.coverage].filter(Boolean).map((line) => text("span", "line", line));
  card.append(thumb(style), text("span", "title", style.title), ...name, ...below);
  return card;
}

function drawDetails(dialog, view) {
  const style = view.data.styles.find((s) => s.name === view.open);
  if (!style) return dialog.close();
  const now = JSON.stringify([style, view.data.words]);
  if (dialog.dataset.now !== now) {
    dialog.dataset.now = now;
    dialog.replaceChildren(...details(dialog, style, view));
  }
  dialog.onclose = () => (view.open = "");
  dialog.onclick = (event) => {
    if (event.target === dialog) dialog.close(); // beside it
  };
  if (!dialog.open) dialog.showModal();
}

function details(dialog, style, view) {
  const { words } = view.data;
  const close = button("×", () => dialog.close(), "close");
  close.setAttribute("aria-label", words.close);
  const about = make("div");
  about.append(text("h2", "", style.title));
  if (style.author) about.append(text("p", "by", words.by.replace("{author}", () => style.author)));
  if (style.problem) about.append(text("p", "why", style.problem));
  if (style.description) about.append(text("p", "text", style.description));
  const facts = make("dl");
  for (const [label, value] of style.facts) facts.append(text("dt", "", label), text("dd", "", value));
  about.append(facts, actions(dialog, style, view));
  const body = make("div", "body");
  body.append(thumb(style), about);
  return [close, body];
}

function actions(dialog, style, view) {
  const { words } = view.data;
  const row = make("div", "actions");
  const use = button(words.use, () => view.act("use", style), "main");
  use.disabled = style.state !== "ready";
  const rename = button(words.rename, () => {
    const form = make("form");
    const field = Object.assign(make("input"), { type: "text", value: style.name, maxLength: 200 });
    field.setAttribute("aria-label", words.newName);
    const save = button(words.save, () => {});
    save.type = "submit";
    form.append(field, save);
    form.onsubmit = (event) => {
      event.preventDefault();
      dialog.close();
      view.act("rename", style, { to: field.value });
    };
    row.replaceWith(form);
    field.select();
  });
  const remove = button(words.remove, () => {
    dialog.close();
    view.act("remove", style);
  });
  row.append(use, rename, remove);
  return row;
}

function thumb(style) {
  const element = make(style.src ? "img" : "span", "thumb");
  if (style.src) Object.assign(element, { src: style.src, alt: "", loading: "lazy" });
  else element.textContent = [...style.title][0].toUpperCase();
  element.setAttribute("aria-hidden", "true");
  return element;
}
