// Shows one picture after another in the same place without a flicker.

const FADE_MS = 160;

// Puts `src` of job `id` into `host` once it can be drawn, over what is there. While a preview is on its way, newer ones
// wait and the newest is fetched next: on a slow machine previews come more rarely, but they come.
function show(host, id, src, failed = () => {}) {
  host.dataset.wanted = src;
  host.dataset.wantedBy = id;
  if (!src || host.dataset.src === src || (host.fetching && isPreview(src))) return;
  host.fetching = src;
  const next = new Image();
  next.src = src;
  const settled = (drawable) => {
    if (host.fetching === src) host.fetching = "";
    const { wanted, wantedBy } = host.dataset;
    const stillWanted = wanted === src || (wantedBy === id && isPreview(src) && isPreview(wanted));
    if (drawable && stillWanted) lay(host, next, id, src);
    if (wanted === src && !drawable) failed();
    else if (wanted !== src && !host.fetching) show(host, wantedBy, wanted, failed);
  };
  next.decode().then(() => settled(true), () => settled(false));
}

// The new image fades in over the old one; what is underneath goes when it cannot be seen any more.
function lay(host, next, id, src) {
  const below = [...host.querySelectorAll("img")];
  const before = host.querySelector(".picture");
  next.className = "picture";
  next.draggable = false;
  next.alt = before ? before.alt : host.dataset.alt || "";
  for (const image of below) {
    image.className = "under";
    image.alt = "";
  }
  if (host.dataset.faded === "true") below.forEach((image) => image.remove()); // another's, and hardly to be seen
  host.append(next);
  host.dataset.src = src;
  host.dataset.shows = id;
  host.dataset.faded = "false";
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const fade = next.animate([{ opacity: 0 }, { opacity: 1 }], { duration: still ? 0 : FADE_MS, easing: "ease-out" });
  fade.finished.then(() => below.forEach((image) => image.remove()));
}

function clear(host) {
  host.querySelectorAll("img").forEach((image) => image.remove());
  host.dataset.src = host.dataset.shows = host.dataset.wanted = "";
}

function isPreview(src) {
  return src.includes("/preview/");
}
