// What is looked for: words, filters with how many there are of each, and the order. Each change is told by `changed`.

const TYPING_MS = 220;
const FILTERS = ["style", "size", "status", "model"]; // lists of values, several at once
const DAY_MS = 86_400_000;
const EVERYTHING = { words: "", style: [], least: "", most: "", size: [], status: [], model: [], since: "", until: "", batch: "", favourites: false, trash: false, order: "newest" };

function newFind(find, words, changed) {
  const state = { query: structuredClone(EVERYTHING), facets: null, timer: 0 };
  const field = find(".words");
  field.placeholder = words.search;
  field.setAttribute("aria-label", words.search);
  const look = () => {
    clearTimeout(state.timer);
    if (state.query.words !== field.value.trim()) set({ words: field.value.trim() });
  };
  field.oninput = () => {
    clearTimeout(state.timer);
    state.timer = setTimeout(look, TYPING_MS);
  };
  find(".find").onsubmit = (event) => {
    event.preventDefault();
    look();
  };
  const order = find(".order");
  order.setAttribute("aria-label", words.order);
  order.replaceChildren(...Object.entries(words.orders).map(([value, label]) => make("option", "", { value, textContent: label })));
  order.onchange = () => set({ order: order.value });
  const toggle = find(".filters");
  toggle.onclick = () => {
    find(".panel").hidden = !find(".panel").hidden;
    draw();
  };

  function set(change) {
    Object.assign(state.query, change);
    draw();
    changed();
  }

  function draw() {
    const active = tags(state.query, words);
    const panel = find(".panel");
    toggle.textContent = active.length ? `${words.filters} · ${active.length}` : words.filters;
    toggle.setAttribute("aria-expanded", String(!panel.hidden));
    order.value = state.query.order;
    const focused = panel.getRootNode().activeElement?.dataset?.key;
    if (!panel.hidden) panel.replaceChildren(...groups(state, words, set));
    if (focused) [...panel.querySelectorAll("[data-key]")].find((one) => one.dataset.key === focused)?.focus();
    const chips = active.map(([label, change]) => {
      const chip = button(label, () => set(change), "chip");
      chip.setAttribute("aria-label", filled(words.without, { name: label }));
      return chip;
    });
    if (chips.length) chips.push(button(words.clear, clear, "quiet"));
    find(".chips").replaceChildren(...chips);
    find(".chips").hidden = !chips.length || !panel.hidden;
  }

  function clear() {
    field.value = "";
    set({ ...structuredClone(EVERYTHING), order: state.query.order, trash: state.query.trash });
  }

  draw();
  return {
    query: state.query,
    set,
    clear,
    isNarrow: () => Boolean(state.query.words) || tags(state.query, words).length > 0,
    learn(facets) {
      state.facets = facets;
      draw();
    },
  };
}

// Every filter that is on: what it is called, and what takes it off.
function tags(query, words) {
  const found = FILTERS.flatMap((name) =>
    query[name].map((value) => [labelOf(name, value, words), { [name]: query[name].filter((one) => one !== value) }]),
  );
  if (query.least || query.most) found.push([`${words.strength} ${query.least || "…"} – ${query.most || "…"}`, { least: "", most: "" }]);
  if (query.since || query.until) found.push([timeOf(query), { since: "", until: "" }]);
  if (query.batch) found.push([`${words.batch} ${query.batch.slice(0, 8)}`, { batch: "" }]);
  if (query.favourites) found.push([words.favourites, { favourites: false }]);
  return found;
}

function labelOf(name, value, words) {
  if (name === "status") return words.statuses[value] ?? value;
  return name === "size" ? value.replace("x", " × ") : value;
}

function timeOf({ since, until }) {
  const day = (ms) => (ms ? new Date(ms).toLocaleDateString() : "…");
  return `${day(since)} – ${day(until && until - 1)}`;
}

function groups(state, words, set) {
  const { query, facets } = state;
  const shown = FILTERS.map((name) => {
    const known = new Map(facets?.[name] ?? []);
    for (const value of query[name]) if (!known.has(value)) known.set(value, 0);
    return known.size > (name === "model" ? 1 : 0) ? group(words[name], [...known].map(([value, count]) => choice(name, value, count, query, words, set))) : null;
  });
  if (query.style.length || facets?.style.length) shown.splice(1, 0, strengths(query, words, set));
  shown.push(times(query, words, set));
  if (facets?.batch.length || query.batch) shown.push(batches(query, facets, words, set));
  const favourites = chip(words.favourites, query.favourites, () => set({ favourites: !query.favourites }), "favourites");
  shown.push(group(words.marked, [favourites]));
  return shown.filter(Boolean);
}

function group(title, members) {
  const box = make("div", "group");
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", title);
  const list = make("div", "choices");
  list.append(...members);
  box.append(text("h3", "", title), list);
  return box;
}

function chip(label, on, onclick, key) {
  const element = button(label, onclick, "chip");
  element.setAttribute("aria-pressed", String(on));
  element.dataset.key = key;
  return element;
}

function choice(name, value, count, query, words, set) {
  const on = query[name].includes(value);
  const to = on ? query[name].filter((one) => one !== value) : [...query[name], value];
  const element = chip(labelOf(name, value, words), on, () => set({ [name]: to }), `${name} ${value}`);
  if (count) element.append(make("span", "count", { textContent: count.toLocaleString() }));
  return element;
}

function strengths(query, words, set) {
  const number = (name, label) => {
    const field = make("input", "number", { type: "number", min: -2, max: 2, step: 0.05, value: query[name], placeholder: label });
    field.setAttribute("aria-label", `${words.strength}: ${label}`);
    field.dataset.key = name;
    field.onchange = () => set({ [name]: field.value });
    return field;
  };
  return group(words.strength, [number("least", words.from), number("most", words.to)]);
}

function times(query, words, set) {
  const today = new Date().setHours(0, 0, 0, 0);
  const spans = { "": words.anyTime, 0: words.today, 6: words.lastWeek, 29: words.lastMonth };
  const chips = ["", 0, 6, 29].map((days) => {
    const since = days === "" ? "" : new Date(today - days * DAY_MS).setHours(0, 0, 0, 0);
    return chip(spans[days], query.since === since && !query.until, () => set({ since, until: "" }), `time ${days}`);
  });
  const date = (name, label, shift) => {
    const value = query[name] ? isoDay(query[name] - shift) : "";
    const field = make("input", "date", { type: "date", value });
    field.setAttribute("aria-label", label);
    field.title = label;
    field.dataset.key = name;
    field.onchange = () => {
      const moment = field.value ? new Date(`${field.value}T00:00`) : null;
      if (moment && shift) moment.setDate(moment.getDate() + 1);
      set({ [name]: moment ? moment.getTime() : "" });
    };
    return field;
  };
  const box = group(words.time, [...chips, date("since", words.from, 0), date("until", words.to, 1)]);
  box.classList.add("wide");
  return box;
}

function batches(query, facets, words, set) {
  const select = make("select");
  select.setAttribute("aria-label", words.batch);
  select.dataset.key = "batch";
  const known = facets?.batch ?? [];
  select.append(make("option", "", { value: "", textContent: words.any }));
  for (const [value, count] of known) select.append(make("option", "", { value, textContent: `${value.slice(0, 24)} (${count})` }));
  select.value = query.batch;
  select.onchange = () => set({ batch: select.value });
  return group(words.batch, [select]);
}

function isoDay(ms) {
  const day = new Date(ms);
  const two = (n) => String(n).padStart(2, "0");
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}
