// Draws what `data` says into the markup of frame.html. Called anew with every change; everything it does may be repeated.
// Text goes in by textContent and attributes only, never as HTML.

export default function ({ data, parentElement, setTriggerValue }) {
  const find = (selector) => parentElement.querySelector(selector);
  const { words } = data;
  const done = data.state === "done";
  document.documentElement.lang = data.language;

  const frame = find(".frame");
  const picture = find(".picture");
  const note = find(".note");
  const before = frame.dataset.state;
  frame.dataset.state = data.state;
  frame.dataset.id = data.id;
  frame.style.aspectRatio = `${data.width} / ${data.height}`;
  frame.dataset.stale = String(!done && !data.src);
  note.textContent = data.state === "empty" ? words.empty : "";
  if (data.state === "empty") picture.hidden = true;
  picture.alt = data.prompt ? words.picture.replace("{prompt}", () => data.prompt) : "";
  if (data.src && frame.dataset.src !== data.src) swap(frame, picture, data.src, () => gone(words.gone));
  find(".said").textContent = done && before && before !== "done" && before !== "empty" ? words.ready : "";

  const bar = find(".bar");
  bar.hidden = data.state !== "running" && data.state !== "queued";
  bar.firstElementChild.style.width = `${(data.share || 0) * 100}%`;

  const save = find(".save");
  save.textContent = words.save;
  if (done) save.href = `${data.src}?download=1`;
  const more = find(".more");
  more.textContent = words.more;
  more.onclick = () => setTriggerValue("more", data.id);
  find(".actions").hidden = data.state === "empty";

  find(".caption").hidden = data.state === "empty";
  find(".prompt").textContent = data.prompt || "";
  find(".prompt").title = data.prompt || "";
  find(".facts").textContent = data.facts || "";

  fill(find(".strip"), data, (id) => setTriggerValue("show", id));
  lightbox(find(".full"), find(".open"), data);

  function gone(message) {
    if (frame.dataset.state !== "done") return;
    picture.hidden = true;
    note.textContent = message;
    find(".actions").hidden = true;
    find(".open").disabled = true;
  }
}

// The next image takes the place of the last only once it can be drawn, so nothing flickers. While a preview is on its
// way, newer ones wait and the newest is fetched next: on a slow machine previews come more rarely, but they come.
function swap(frame, picture, src, failed) {
  frame.dataset.src = src;
  if (frame.fetching && isPreview(src)) return;
  frame.fetching = src;
  const next = new Image();
  next.src = src;
  const settled = (drawable) => {
    if (frame.fetching === src) frame.fetching = "";
    const wanted = frame.dataset.src;
    if (drawable && (wanted === src || (isPreview(src) && isPreview(wanted)))) {
      picture.src = src;
      picture.hidden = false;
    }
    if (wanted !== src && !frame.fetching) swap(frame, picture, wanted, failed);
    if (wanted === src && !drawable) failed();
  };
  next.decode().then(() => settled(true), () => settled(false));
}

function isPreview(src) {
  return src.includes("/preview/");
}

function fill(strip, data, show) {
  strip.hidden = data.strip.length < 2;
  strip.setAttribute("aria-label", data.words.latest);
  const wanted = data.strip.map((item) => item.id).join();
  if (strip.dataset.ids !== wanted) {
    strip.dataset.ids = wanted;
    const kept = new Map([...strip.children].map((button) => [button.dataset.id, button]));
    strip.replaceChildren(...data.strip.map((item) => kept.get(item.id) || thumbnail(item)));
  }
  for (const button of strip.children) {
    button.setAttribute("aria-current", String(button.dataset.id === data.id));
    button.onclick = () => show(button.dataset.id);
  }
}

function thumbnail(item) {
  const button = document.createElement("button");
  const image = document.createElement("img");
  button.type = "button";
  button.dataset.id = item.id;
  button.title = item.prompt;
  image.alt = item.prompt;
  image.loading = "lazy";
  image.src = `/app/static/thumb/${item.id}`;
  button.append(image);
  return button;
}

function lightbox(dialog, open, data) {
  const close = dialog.querySelector(".close");
  const image = dialog.querySelector("img");
  const done = data.state === "done";
  open.disabled = !done;
  open.setAttribute("aria-label", data.prompt ? `${data.words.enlarge}: ${data.prompt}` : data.words.enlarge);
  close.textContent = data.words.close;
  open.onclick = () => {
    image.src = data.src;
    image.alt = data.prompt;
    dialog.showModal();
  };
  close.onclick = image.onclick = () => dialog.close();
}
