// Note and tags of one picture. They are kept while one types, without a button: what could not be sent is sent again, also
// when the page is left.

const PAUSE_MS = 700; // in typing
const AGAIN_MS = 3000;

// `kept` is called with {note, tags} as the studio has them from now on.
function noteFields(entry, requests, words, kept) {
  const box = make("div", "notes");
  const note = make("textarea", "", { value: entry.note, rows: 2, maxLength: 10_000, placeholder: words.noteHint });
  const tags = make("input", "", { type: "text", value: entry.tags.join(", "), maxLength: 1_000, placeholder: words.tagsHint });
  const says = text("p", "says", "");
  says.setAttribute("role", "status");
  const fields = [[words.note, note], [words.tags, tags]].map(([name, field]) => {
    const label = text("label", "", name);
    field.dir = "auto";
    label.append(field);
    return label;
  });
  box.append(...fields, says);

  const now = () => ({ note: note.value, tags: tags.value.split(/[,，;；]/).map((tag) => tag.trim()).filter(Boolean) });
  let [sent, timer, sending] = [JSON.stringify(now()), 0, Promise.resolve()];
  const save = (leaving = false) => {
    clearTimeout(timer);
    const wanted = now();
    const as = JSON.stringify(wanted);
    if (as === sent) return sending;
    const before = sent;
    sent = as;
    // One after the other: the last one that was typed is the last one that is kept.
    sending = (leaving ? Promise.resolve() : sending).then(() => requests.send("annotate", { id: entry.id, ...wanted }, { keepalive: leaving })).then(
      () => {
        says.textContent = words.kept;
        says.dataset.state = "kept";
        kept(wanted);
      },
      (error) => {
        if (sent === as) sent = before;
        says.textContent = filled(words.notKept, { why: error.message });
        says.dataset.state = "trouble";
        timer = setTimeout(save, AGAIN_MS);
      },
    );
    return sending;
  };
  for (const field of [note, tags]) {
    field.oninput = () => {
      says.textContent = "";
      grow(note);
      clearTimeout(timer);
      timer = setTimeout(save, PAUSE_MS);
    };
    field.onblur = () => save();
  }
  const leave = () => {
    if (!box.isConnected) window.removeEventListener("pagehide", leave);
    save(true);
  };
  window.addEventListener("pagehide", leave);
  requestAnimationFrame(() => grow(note));
  return { box, save };
}

function grow(area) {
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight + 2}px`;
}
