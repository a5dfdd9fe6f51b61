// One photo looked at: as it was, as it is drawn, and both with a line to draw between them.

// `pane` of a photo; `after` is the address of its picture, "" while there is none.
function beforeAfter(photo, after, words) {
  const pane = make("div", "pane");
  const before = `/app/static/photos/before/${photo.position}?job=${photo.job}`;
  pane.append(paperOf(after ? before : `/app/static/photos/thumb/${photo.position}?v=${photo.thumb}`, words.before, pane));
  if (after) overlay(pane, paperOf(after, words.after, pane), words.line);
  return pane;
}

function paperOf(src, alt, pane) {
  const paper = make("div", "paper");
  const image = make("img", "", { alt, src, draggable: false });
  image.onload = () => {
    pane.style.aspectRatio = `${image.naturalWidth} / ${image.naturalHeight}`;
    pane.style.setProperty("--shape", image.naturalWidth / image.naturalHeight);
  };
  paper.append(image);
  return paper;
}

function lookCloser(dialog, photo, words) {
  const head = make("header");
  head.append(text("h2", "", photo.name), saver(photo, words), signButton("×", words.close, () => dialog.close(), "close"));
  dialog.replaceChildren(head, beforeAfter(photo, `/app/static/img/${photo.job}`, words));
  dialog.onclick = (event) => {
    if (event.target === dialog) dialog.close();
  };
  dialog.showModal();
}

// In place of the list, for a set of one.
function drawSingle(box, photo, words, acts) {
  const now = JSON.stringify([photo.state, photo.job, photo.error]);
  if (box.dataset.now !== now) {
    box.dataset.now = now;
    box.dataset.state = photo.state;
    const after = photo.state === "done" ? `/app/static/img/${photo.job}` : "";
    const deeds = make("div", "deeds");
    if (after) deeds.append(saver(photo, words));
    if (photo.state === "failed" || photo.state === "gone") deeds.append(button(words.again, () => acts.retry(photo), "link"));
    deeds.append(button(words.otherPhoto, () => acts.remove(photo), "link"));
    const about = make("div", "about");
    about.append(text("p", "name", photo.name), text("p", "state", ""), deeds);
    if (photo.error) about.append(text("p", "why", photo.error));
    for (const note of photo.notes ?? []) about.append(text("p", "note", note));
    const pane = beforeAfter(photo, after, words);
    pane.append(make("img", "preview", { alt: "", hidden: true }), make("div", "bar"));
    pane.querySelector(".bar").append(make("div"));
    box.replaceChildren(pane, about);
  }
  box.querySelector(".state").textContent = stateOf(photo, words);
  const preview = box.querySelector(".preview");
  preview.hidden = photo.state !== "running" || !photo.preview;
  if (!preview.hidden) preview.src = `/app/static/preview/${photo.job}?v=${photo.preview}`;
  box.querySelector(".bar").hidden = photo.state !== "running";
  box.querySelector(".bar > div").style.width = `${100 * (photo.share ?? 0)}%`;
}

// One photo at several strengths; a click takes one.
function drawStrip(box, trial, strength, words, acts) {
  box.hidden = !trial;
  if (!trial) return;
  const now = JSON.stringify([trial, strength]);
  if (box.dataset.now === now) return;
  box.dataset.now = now;
  const head = make("div", "stripHead");
  head.append(text("h3", "", words.pickStrength), button(words.close, acts.untry, "link"));
  const tiles = make("div", "tiles");
  for (const job of trial.jobs) {
    const tile = button("", () => acts.strength(job.strength), "tile");
    tile.setAttribute("aria-pressed", String(Math.abs(job.strength - strength) < 0.01));
    tile.dataset.state = job.state;
    const frame = make("span", "frame");
    if (job.state === "done") frame.append(make("img", "", { alt: "", src: `/app/static/thumb/${job.id}` }));
    frame.style.setProperty("--share", job.share);
    tile.append(frame, text("span", "word", strengthWord(job.strength, words)), text("span", "part", `${Math.round(job.strength * 100)} %`));
    if (job.error) tile.title = job.error;
    tiles.append(tile);
  }
  box.replaceChildren(head, tiles);
}
