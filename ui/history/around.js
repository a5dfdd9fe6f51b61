// Around the gallery: the bar of what is selected, the menu, what is told for a while, and small dialogs.

function drawSelection(page) {
  const { find, words, gallery } = page;
  const bar = find(".selection");
  const cards = gallery.chosen();
  bar.hidden = !cards.length;
  find(".foot").dataset.selecting = gallery.element.dataset.selecting = String(cards.length > 0);
  if (!cards.length) return bar.replaceChildren();
  bar.setAttribute("aria-label", words.selection);
  const count = text("span", "number", cards.length === 1 ? words.selectedOne : filled(words.selected, { count: cards.length.toLocaleString() }));
  const deeds = page.finder.query.trash
    ? [button(words.restore, () => restored(page, cards))]
    : [
        ...(cards.length > 1 && cards.length <= MOST_COMPARED ? [button(words.compare, () => compareChosen(page))] : []),
        button(cards.every((card) => card.favourite) ? words.unfavourite : words.favourite, () => {
          mark(page, cards, !cards.every((card) => card.favourite));
          drawSelection(page);
        }),
        ...(cards.some((card) => card.has) ? [button(words.zip, () => download(page, cards, false)), button(words.zipClean, () => download(page, cards, true))] : []),
        button(words.trash, () => removed(page, cards)),
      ];
  const all = page.next ? [button(words.selectAll, () => selectAll(page))] : [];
  bar.replaceChildren(count, ...deeds, ...all, signButton("×", words.deselect, () => gallery.pick([], true), "close"));
}

// Also what was not scrolled to yet.
async function selectAll(page) {
  const { gallery } = page;
  toast(page, page.words.gathering);
  while (page.next && gallery.element.isConnected) {
    if (page.asking) await new Promise((resolve) => setTimeout(resolve, 50));
    else await more(page);
  }
  gallery.pick(gallery.cards.map((card) => card.id), true);
  toast(page, "");
}

function newMenu(page) {
  const { find, words } = page;
  const away = () => Object.assign(document.createElement("a"), { href: `${HISTORY}/lines`, download: "" }).click();
  dropMenu(find(".more"), words.more, [
    [words.exportLines, away],
    [words.importLines, () => find(".lines").click()],
    [words.openTrash, () => page.finder.set({ trash: true })],
    [words.keys, () => showHelp(page)],
    null,
    [words.forget, () => forget(page)],
  ]);
}

// Says something for a while; nothing takes it away at once.
function toast(page, says, label = "", act = null) {
  const box = page.find(".toast");
  clearTimeout(box.timer);
  box.hidden = !says;
  const gone = () => (box.hidden = true);
  const deed = label ? [button(label, () => (gone(), act()))] : [];
  box.replaceChildren(text("span", "", says), ...deed);
  const wait = () => (box.timer = setTimeout(() => (box.matches(":hover, :focus-within") ? wait() : gone()), TOAST_MS));
  wait();
}

// --- small dialogs --------------------------------------------------------------------------------------------------

function closable(dialog) {
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // beside it
  });
}

function ask(page, question, says, label, act) {
  const dialog = page.find(".ask");
  const why = text("p", "trouble", "");
  const sure = button(label, async () => {
    sure.disabled = true;
    try {
      await act();
      dialog.close();
    } catch (error) {
      why.textContent = error.message;
      sure.disabled = false;
    }
  }, "danger");
  const row = make("div", "actions");
  row.append(button(page.words.cancel, () => dialog.close(), "plain"), sure);
  dialog.replaceChildren(text("h2", "", question), text("p", "", says), why, row);
  dialog.showModal();
}

function notice(page, title, lines) {
  const dialog = page.find(".ask");
  const list = make("ul");
  list.append(...lines.map((line) => text("li", "", line)));
  const row = make("div", "actions");
  row.append(button(page.words.close, () => dialog.close(), "plain"));
  dialog.replaceChildren(text("h2", "", title), list, row);
  dialog.showModal();
}

function showHelp(page) {
  const dialog = page.find(".help");
  const list = make("dl");
  for (const [keys, says] of page.words.keyList) list.append(text("dt", "", keys), text("dd", "", says));
  dialog.replaceChildren(text("h2", "", page.words.keys), list, signButton("×", page.words.close, () => dialog.close(), "close"));
  dialog.tabIndex = -1;
  dialog.showModal();
  dialog.focus();
}
