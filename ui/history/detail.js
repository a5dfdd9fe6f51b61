// One picture, large, with all that is known of it and all that can be done with it.

const MOST_SIDE = 8192; // pixels of the largest picture there is

// `acts` has index(id), count(), card(index), reuse(entry, what), photo(entry), enlarge(entry, factor), favourite(card),
// trash(card), restore(card), closed(id).
function newDetail(dialog, requests, words, language, acts) {
  const view = { id: "", notes: null, zoom: null, turn: 0 };

  async function open(card) {
    const turn = ++view.turn;
    const saved = view.notes?.save(); // what is opened next may be the same
    view.id = card.id;
    if (!dialog.open) {
      dialog.replaceChildren(closeButton(), waiting(card));
      dialog.showModal();
    }
    try {
      await saved;
      const entry = await requests.entry(card.id);
      if (turn === view.turn && dialog.open) draw(card, entry);
    } catch (error) {
      if (turn === view.turn) dialog.replaceChildren(closeButton(), text("p", "trouble", error.message));
    }
  }

  function waiting(card) {
    const stage = make("div", "stage");
    const pane = newPane({ ...card, has: false, error: " " }, words);
    if (card.has) pane.firstElementChild.replaceChildren(make("img", "", { alt: "", src: thumbOf(card) }));
    stage.append(pane);
    return stage;
  }

  function draw(card, entry) {
    const stage = make("div", "stage");
    const pane = newPane(entry, words);
    stage.append(pane, ...turners());
    view.zoom = newZoom([pane]);
    view.notes = noteFields(entry, requests, words, (kept) => Object.assign(entry, kept));
    const side = make("div", "side");
    side.append(
      ...heading(card, entry),
      actions(card, entry),
      factList(settingsOf(entry, words)),
      view.notes.box,
      factList(factsOf(entry, words, language)),
      ...(entry.state === "done" ? [verifier(entry, requests, words, language)] : []),
      ...lineage(entry),
      foot(card, entry),
    );
    dialog.replaceChildren(closeButton(), stage, side);
    dialog.setAttribute("aria-label", entry.prompt);
    side.scrollTop = 0;
    (dialog.querySelector("[autofocus]") ?? dialog).focus();
  }

  function closeButton() {
    return signButton("×", words.close, () => dialog.close(), "close");
  }

  function turners() {
    const at = acts.index(view.id);
    if (at < 0) return [];
    return [[-1, "‹", words.previous], [1, "›", words.next]].map(([step, sign, label]) => {
      const turner = signButton(sign, label, () => turn(step), `turn ${step < 0 ? "before" : "after"}`);
      turner.hidden = at + step < 0 || at + step >= acts.count();
      return turner;
    });
  }

  function turn(step) {
    const at = acts.index(view.id);
    const card = at < 0 ? null : acts.card(at + step);
    if (card) open(card);
  }

  function heading(card, entry) {
    const words_ = text("p", "prompt", entry.prompt);
    const row = make("div", "row");
    const copy = button(words.copy, () => copied(copy, entry.prompt, words), "link");
    row.append(copy);
    const why = entry.state === "done" ? [] : [text("p", "why", absence(entry, words))];
    return [words_, row, ...why];
  }

  function actions(card, entry) {
    const box = make("div", "actions");
    const heart = signButton("♥", words.favourite, () => mark(card), "love");
    heart.setAttribute("aria-pressed", String(card.favourite));
    const reuse = button(words.reuse, () => acts.reuse(entry, "all"), "main");
    reuse.autofocus = true;
    box.append(reuse, heart);
    if (entry.has) {
      const save = make("a", "plain", { href: `/app/static/img/${entry.id}?download=1`, textContent: words.download });
      save.setAttribute("download", "");
      box.append(save);
    }
    const more = make("div", "row");
    more.append(button(words.reuseNoSeed, () => acts.reuse(entry, "other seed"), "link"));
    if (entry.styles.length) more.append(button(words.reuseStyle, () => acts.reuse(entry, "style"), "link"));
    if (entry.has) {
      more.append(button(words.asPhoto, () => acts.photo(entry), "link"));
      for (const factor of [2, 4]) {
        const [width, height] = [entry.width * factor, entry.height * factor];
        if (Math.max(width, height) <= MOST_SIDE) more.append(button(filled(words.enlarge, { width, height }), () => acts.enlarge(entry, factor), "link"));
      }
      const clean = make("a", "link", { href: `/app/static/img/${entry.id}?download=1&clean=1`, textContent: words.clean, title: words.cleanLong });
      clean.setAttribute("download", "");
      more.append(clean);
    }
    const both = make("div", "do");
    both.append(box, more);
    return both;
  }

  function lineage(entry) {
    const shown = [[words.madeFrom, entry.lineage.parents], [words.ledTo, entry.lineage.children]].filter(([, cards]) => cards.length);
    return shown.map(([title, cards]) => {
      const section = make("section", "lineage");
      const tiles = make("div", "tiles");
      for (const card of cards) {
        const tile = signButton("", card.prompt, () => open(card), "mini");
        if (card.has) tile.append(make("img", "", { alt: "", loading: "lazy", src: thumbOf(card) }));
        tiles.append(tile);
      }
      section.append(text("h3", "", title), tiles);
      return section;
    });
  }

  function foot(card, entry) {
    const row = make("div", "row last");
    if (entry.trashed) {
      row.append(button(words.restore, () => acts.restore(card), "link"));
      return row;
    }
    row.append(
      button(words.preset, () => namePreset(row, entry), "link"),
      button(words.trashOne, () => acts.trash(card), "link"),
    );
    return row;
  }

  function namePreset(row, entry) {
    const form = make("form", "preset");
    const field = make("input", "", { type: "text", maxLength: 80, placeholder: words.presetHint, required: true });
    field.setAttribute("aria-label", words.presetHint);
    const save = button(words.save, () => {}, "plain");
    save.type = "submit";
    form.append(field, save);
    form.onsubmit = async (event) => {
      event.preventDefault();
      try {
        const { name } = await requests.send("preset", { id: entry.id, name: field.value });
        form.replaceWith(text("p", "says", filled(words.presetKept, { name })));
      } catch (error) {
        field.setCustomValidity(error.message);
        field.reportValidity();
        field.oninput = () => field.setCustomValidity("");
      }
    };
    row.before(form);
    field.focus();
  }

  function mark(card) {
    acts.favourite(card);
    dialog.querySelector(".love")?.setAttribute("aria-pressed", String(card.favourite));
  }

  dialog.onclose = () => {
    view.turn += 1;
    view.notes?.save();
    dialog.replaceChildren();
    acts.closed(view.id);
  };
  dialog.onkeydown = (event) => {
    if (event.target.matches("input, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    const card = acts.card(acts.index(view.id));
    const deed = {
      ArrowLeft: () => turn(-1),
      ArrowRight: () => turn(1),
      f: () => card && mark(card),
      r: () => acts.reuse({ id: view.id }, "all"),
      Delete: () => card && acts.trash(card),
      "+": () => view.zoom?.by(1.5),
      "-": () => view.zoom?.by(1 / 1.5),
      0: () => view.zoom?.reset(),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!deed) return;
    event.preventDefault();
    deed();
  };
  return { open, close: () => dialog.close() };
}

async function copied(element, content, words) {
  await copyText(content, element);
  element.textContent = words.copied;
  setTimeout(() => (element.textContent = words.copy), 1600);
}

// Without https only the old way is left.
async function copyText(content, near) {
  if (navigator.clipboard) return navigator.clipboard.writeText(content);
  const area = make("textarea", "", { value: content });
  near.after(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
