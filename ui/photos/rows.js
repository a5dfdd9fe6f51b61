// The photos of a set as a list: each with what it looks like, how it stands, and what can be done about it.

function drawRows(list, photos, words, acts) {
  const known = new Map([...list.children].map((row) => [Number(row.dataset.position), row]));
  const rows = photos.map((photo) => {
    const row = known.get(photo.position) ?? make("li", "photo");
    const now = JSON.stringify(photo);
    if (row.dataset.now !== now) fillRow(row, photo, words, acts);
    row.dataset.now = now;
    return row;
  });
  if (rows.length !== list.children.length || rows.some((row, n) => row !== list.children[n])) list.replaceChildren(...rows);
}

function fillRow(row, photo, words, acts) {
  const { position, state } = photo;
  Object.assign(row.dataset, { position, state });
  const about = make("div", "text");
  about.append(text("p", "name", photo.name));
  const below = photo.error || (state === "failed" ? words.stopped : "") || (photo.notes ?? []).join(" ");
  if (below) about.append(text("p", photo.error || state === "failed" ? "why" : "note", below));
  const says = text("span", "state", stateOf(photo, words));
  const deeds = make("div", "deeds");
  if (state === "done") deeds.append(saver(photo, words));
  if (state === "failed" || state === "gone") deeds.append(button(words.again, () => acts.retry(photo), "link"));
  deeds.append(signButton("×", filled(words.removeName, { name: photo.name }), () => acts.remove(photo), "take"));
  const before = row.querySelector(".thumb");
  const thumb = thumbOf(photo, words, acts);
  row.replaceChildren(before && before.dataset.shows === thumb.dataset.shows ? before : thumb, about, says, deeds);
  row.style.setProperty("--share", state === "running" ? photo.share : 0);
}

function stateOf(photo, words) {
  if (photo.state === "running") return filled(words.states.running, { percent: Math.round(100 * photo.share) });
  if (photo.state === "done") return filled(words.took, { seconds: (photo.ms / 1000).toFixed(photo.ms < 9950 ? 1 : 0) });
  return words.states[photo.state];
}

function sourceOf(photo) {
  return photo.state === "done" ? `/app/static/thumb/${photo.job}` : `/app/static/photos/thumb/${photo.position}?v=${photo.thumb}`;
}

function thumbOf(photo, words, acts) {
  const shows = photo.thumb ? sourceOf(photo) : "";
  const thumb = photo.state === "done" ? signButton("", filled(words.look, { name: photo.name }), () => acts.look(photo), "thumb") : make("span", "thumb");
  thumb.dataset.shows = shows;
  if (shows) thumb.append(make("img", "", { alt: "", loading: "lazy", src: shows }));
  return thumb;
}

function saver(photo, words) {
  const save = make("a", "link", { href: `/app/static/photos/result/${photo.position}?job=${photo.job}`, textContent: words.save });
  save.setAttribute("download", "");
  save.setAttribute("aria-label", filled(words.saveName, { name: photo.name }));
  return save;
}
