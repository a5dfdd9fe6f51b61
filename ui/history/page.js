// The History page: what was looked for, in a gallery, and what can be done with it.

const FIRST = 60; // pictures asked for at once: few to begin with, for the first ones to be there soon
const LATER = 240;
const TOAST_MS = 9000;

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gallery");
  document.documentElement.lang = data.language;
  if (root.page?.key === JSON.stringify(data)) return void (root.page.act = setTriggerValue);
  const { words, language } = data;
  const find = (selector) => parentElement.querySelector(selector);
  const page = { key: JSON.stringify(data), act: setTriggerValue, find, words, language, data, next: "", asking: null, facts: null };
  root.page = page;
  page.requests = newRequests({ language: data.lang, words });
  page.finder = newFind(find, words, () => search(page));
  page.gallery = new Gallery(root, words, language, {
    more: () => more(page),
    open: (index) => page.detail.open(page.gallery.cards[index]),
    picked: () => drawSelection(page),
  });
  root.setAttribute("aria-label", words.pictures);
  page.detail = newDetail(find(".detail"), page.requests, words, language, {
    index: (id) => page.gallery.cards.findIndex((card) => card.id === id),
    count: () => page.gallery.cards.length,
    card: (index) => page.gallery.cards[index],
    photo: (entry) => page.act("act", { do: "photo", id: entry.id }),
    enlarge: (entry, factor) => page.act("act", { do: "enlarge", id: entry.id, factor }),
    reuse: (entry, what) => page.act("act", { do: "reuse", id: entry.id, what }),
    favourite: (card) => mark(page, [card], !card.favourite),
    trash: (card) => removed(page, [card]),
    restore: (card) => restored(page, [card]),
    closed: (id) => {
      const at = page.gallery.cards.findIndex((card) => card.id === id);
      if (at >= 0) page.gallery.focus(at);
    },
  });
  for (const dialog of parentElement.querySelectorAll("dialog")) closable(dialog);
  newMenu(page);
  listen(page, root);
  find(".lines").onchange = () => importLines(page);
  search(page);
  learn(page);
}

// --- what is shown --------------------------------------------------------------------------------------------------

async function search(page) {
  const { gallery, requests, finder } = page;
  page.asking?.abort();
  const asking = (page.asking = new AbortController());
  try {
    const { cards, next } = await requests.page(finder.query, "", FIRST, asking.signal);
    page.next = next;
    gallery.show(cards, ["newest", "oldest"].includes(finder.query.order));
    tell(page, "");
    drawRest(page);
  } catch (error) {
    if (error.name !== "AbortError") tell(page, error.message);
  } finally {
    if (page.asking === asking) page.asking = null;
    gallery.element.dataset.ready = "true";
  }
  gallery.draw(); // it may need more at once
}

async function more(page) {
  if (page.asking || !page.next) return;
  const asking = (page.asking = new AbortController());
  try {
    const { cards, next } = await page.requests.page(page.finder.query, page.next, LATER, asking.signal);
    page.next = next;
    page.asking = null;
    page.gallery.append(cards);
  } catch (error) {
    if (page.asking === asking) page.asking = null;
    if (error.name !== "AbortError") setTimeout(() => page.gallery.soon(), 2000); // no network: again in a while
  }
}

async function learn(page) {
  try {
    page.facets = await page.requests.facets();
    page.finder.learn(page.facets);
    drawRest(page);
  } catch (error) {
    tell(page, error.message);
  }
}

// Everything beside the pictures: what to do when there are none, and where one is.
function drawRest(page) {
  const { find, words, gallery, finder } = page;
  const { trash } = finder.query;
  const note = find(".note");
  note.hidden = !trash;
  if (trash) {
    const leave = button(words.leaveTrash, () => finder.set({ trash: false }), "link");
    const empty = button(words.emptyTrash, () => emptyTrash(page), "link");
    empty.hidden = !gallery.cards.length;
    note.replaceChildren(text("p", "", page.data.trashDays ? filled(words.inTrash, { days: page.data.trashDays }) : words.inTrashForEver), leave, empty);
  }
  const nothing = find(".empty");
  nothing.hidden = gallery.cards.length > 0;
  if (nothing.hidden) return;
  if (finder.isNarrow()) nothing.replaceChildren(text("p", "", words.nothingFound), button(words.clear, () => finder.clear(), "plain"));
  else if (trash) nothing.replaceChildren(text("p", "", words.trashEmpty));
  else nothing.replaceChildren(text("p", "", words.empty), button(words.draw, () => page.act("act", { do: "studio" }), "plain"));
}

function tell(page, problem) {
  page.find(".problem").hidden = !problem;
  page.find(".problem").textContent = problem;
}

// --- what is done ---------------------------------------------------------------------------------------------------

async function mark(page, cards, favourite) {
  const before = cards.map((card) => card.favourite);
  for (const card of cards) card.favourite = favourite; // at once
  page.gallery.draw();
  try {
    await page.requests.send("mark", { ids: cards.map((card) => card.id), favourite });
  } catch (error) {
    cards.forEach((card, n) => (card.favourite = before[n]));
    page.gallery.draw();
    toast(page, error.message);
  }
}

async function removed(page, cards) {
  const ids = new Set(cards.map((card) => card.id));
  const before = page.gallery.cards;
  if (page.finder.query.trash || !ids.size) return;
  page.find(".detail").close();
  take(page, ids);
  try {
    await page.requests.send("trash", { ids: [...ids] });
    const says = ids.size === 1 ? page.words.trashedOne : filled(page.words.trashed, { count: ids.size });
    toast(page, says, page.words.undo, async () => {
      try {
        await page.requests.send("restore", { ids: [...ids] });
        putBack(page, before, ids);
      } catch (error) {
        toast(page, error.message);
      }
    });
  } catch (error) {
    putBack(page, before, ids);
    toast(page, error.message);
  }
}

// Out of the gallery; the next one has the focus.
function take(page, ids) {
  const { gallery } = page;
  const at = gallery.cards.findIndex((card) => ids.has(card.id));
  gallery.keep(gallery.cards.filter((card) => !ids.has(card.id)));
  if (gallery.cards.length) gallery.focus(Math.min(at, gallery.cards.length - 1));
  drawRest(page);
}

// Where they were, if what was looked for is the same still.
function putBack(page, before, ids) {
  const { gallery } = page;
  const there = new Set(gallery.cards.map((card) => card.id));
  const known = new Set(before.map((card) => card.id));
  if (![...there].every((id) => known.has(id)) && there.size <= before.length) return search(page);
  const later = gallery.cards.filter((card) => !known.has(card.id));
  gallery.keep([...before.filter((card) => there.has(card.id) || ids.has(card.id)), ...later]);
  drawRest(page);
  gallery.focus(gallery.cards.findIndex((card) => ids.has(card.id)));
}

async function restored(page, cards) {
  const ids = new Set(cards.map((card) => card.id));
  try {
    await page.requests.send("restore", { ids: [...ids] });
    page.find(".detail").close();
    take(page, ids);
    toast(page, ids.size === 1 ? page.words.restoredOne : filled(page.words.restored, { count: ids.size }));
  } catch (error) {
    toast(page, error.message);
  }
}

function emptyTrash(page) {
  ask(page, page.words.emptyTrashAsk, page.words.emptyTrashSay, page.words.emptyTrash, async () => {
    const { count } = await page.requests.send("empty", {});
    search(page);
    learn(page);
    toast(page, count === 1 ? page.words.emptiedOne : filled(page.words.emptied, { count }));
  });
}

function forget(page) {
  ask(page, page.words.forgetAsk, page.words.forgetSay, page.words.forget, async () => {
    await page.requests.send("forget", {});
    page.finder.clear();
    learn(page);
    toast(page, page.words.forgotten);
  });
}

function download(page, cards, clean) {
  const form = page.find(".zip");
  form.action = `${HISTORY}/zip?lang=${page.data.lang}`;
  form.elements.ids.value = cards.map((card) => card.id).join(",");
  form.elements.clean.value = clean ? "1" : "";
  form.submit();
}

async function importLines(page) {
  const field = page.find(".lines");
  const [file] = field.files;
  field.value = "";
  if (!file) return;
  toast(page, page.words.importing);
  try {
    const answer = await fetch(`/upload/history?lang=${page.data.lang}`, { method: "PUT", headers: { "Content-Type": "application/octet-stream" }, body: file });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.error);
    const skipped = told.skipped.map(({ line, why }) => filled(page.words.skippedLine, { line, why }));
    search(page);
    learn(page);
    const says = filled(page.words.imported, { count: told.count });
    if (skipped.length) notice(page, says, [filled(page.words.skipped, { count: told.skippedCount }), ...skipped]);
    else toast(page, says);
  } catch (error) {
    toast(page, error.message || page.words.cut);
  }
}

// --- keyboard -------------------------------------------------------------------------------------------------------

function listen(page, root) {
  const onKey = (event) => {
    if (!root.isConnected) return document.removeEventListener("keydown", onKey);
    const at = event.composedPath()[0];
    if (page.find("dialog[open]") || at.matches?.("input:not([type=button]), textarea, select") || at.closest?.(".menu")) return;
    const deed = keyDeed(page, event);
    if (!deed) return;
    event.preventDefault();
    deed();
  };
  document.addEventListener("keydown", onKey);
  const seen = async () => {
    if (!root.isConnected) return document.removeEventListener("visibilitychange", seen);
    if (document.hidden || page.find("dialog[open]") || page.gallery.picked.size || scrollerOf(root).scrollTop > 200) return;
    const { cards } = await page.requests.page(page.finder.query, "", 1).catch(() => ({ cards: [] }));
    if (cards.length && cards[0].id !== page.gallery.cards[0]?.id) {
      search(page);
      learn(page);
    }
  };
  document.addEventListener("visibilitychange", seen);
}

function keyDeed(page, event) {
  const { gallery, find } = page;
  const chosen = gallery.chosen();
  const cards = chosen.length ? chosen : [gallery.cards[gallery.at]].filter(Boolean);
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "a") return () => gallery.pick(gallery.cards.map((card) => card.id), true);
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  if (event.key.startsWith("Arrow") && event.target.closest?.(".gallery") === null && gallery.cards.length) return () => gallery.focus(gallery.at);
  return {
    f: () => cards.length && mark(page, cards, !cards.every((card) => card.favourite)),
    r: () => cards.length && page.act("act", { do: "reuse", id: cards[0].id, what: "all" }),
    c: () => chosen.length > 1 && compareChosen(page),
    "/": () => find(".words").focus(),
    "?": () => showHelp(page),
    Delete: () => (page.finder.query.trash ? null : removed(page, cards)),
    Backspace: () => (page.finder.query.trash ? null : removed(page, cards)),
    Escape: () => gallery.pick([], true),
  }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
}

function compareChosen(page) {
  const ids = page.gallery.chosen().map((card) => card.id);
  compare(page.find(".compare"), ids, page.requests, page.words).catch((error) => toast(page, error.message));
}
