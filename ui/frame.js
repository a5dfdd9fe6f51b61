// Draws the owner's jobs into the markup of frame.html: one in the frame, all in the strip. Called anew whenever the page
// is; everything it does may be repeated. Text goes in by textContent and attributes only, never as HTML.

const COPIED_MS = 1600; // a sign says that it was

export default function ({ data, parentElement, setTriggerValue }) {
  const frame = parentElement.querySelector(".frame");
  const view = (frame.view ??= { choice: "", choices: -1, shown: "" });
  view.data = data;
  view.send = setTriggerValue;
  if (view.choices !== data.choices) Object.assign(view, { choice: data.choice, choices: data.choices });
  document.documentElement.lang = data.language;
  follow(frame, data.look, data.url, (look) => {
    view.failed = look.failed;
    view.jobs = look.jobs.filter((job) => job.state !== "cancelled" && !view.data.retried.includes(job.id));
    redraw(parentElement, view);
  });
}

// What was picked; else what is being drawn, and no other as long as it is; else what comes next; else the newest picture.
function inFrame({ jobs, choice, shown }) {
  const running = jobs.filter((job) => job.state === "running");
  return (
    jobs.find((job) => job.id === choice) ||
    running.find((job) => job.id === shown) ||
    running.at(-1) ||
    jobs.findLast((job) => job.state === "queued") ||
    jobs.find((job) => job.state === "done")
  );
}

function redraw(root, view) {
  const find = (selector) => root.querySelector(selector);
  const { words, empty } = view.data;
  const job = inFrame(view) || { id: "", state: "empty", ...empty };
  const wasDrawing = view.shown === job.id && ["queued", "running"].includes(find(".frame").dataset.state);
  view.shown = job.id;
  drawFrame(find, job, words, job.id === view.failed ? words.failed : job.reason);
  find(".said").textContent = job.state === "done" && wasDrawing ? words.ready : "";
  drawActions(find, job, words, view);
  find(".caption").hidden = !job.id;
  find(".prompt").textContent = find(".prompt").title = job.prompt || "";
  find(".facts").textContent = job.facts || "";
  const pick = (id) => {
    view.choice = id; // at once; the page is told, and says the same
    redraw(root, view);
    view.send("show", id);
  };
  fill(find(".strip"), view.jobs, job.id, words, { pick, cancel: (id) => view.send("cancel", id) });
  lightbox(find(".full"), find(".open"), job, words);
}

// `reason` for a failed job: in short where the line under the prompt tells it already.
function drawFrame(find, job, words, reason) {
  const [frame, open, note, bar] = [find(".frame"), find(".open"), find(".note"), find(".bar")];
  const done = job.state === "done";
  const active = job.state === "queued" || job.state === "running";
  frame.dataset.state = job.state;
  frame.dataset.id = job.id;
  frame.style.aspectRatio = `${job.width} / ${job.height}`;
  open.dataset.alt = job.prompt ? words.picture.replace("{prompt}", () => job.prompt) : "";
  if (job.state === "empty" || job.state === "failed") clear(open);
  open.dataset.faded = String(active && open.dataset.shows !== job.id);
  note.textContent = { empty: words.empty, queued: job.place, failed: reason }[job.state] || "";
  show(open, job.id, done ? `/app/static/img/${job.id}` : active ? job.preview : "", () => {
    if (!done || !navigator.onLine) return;
    clear(open);
    note.textContent = words.gone;
    find(".actions").hidden = true;
    open.disabled = true;
  });
  const picture = open.querySelector(".picture");
  if (picture && open.dataset.shows === job.id) picture.alt = open.dataset.alt;
  bar.hidden = !active;
  bar.firstElementChild.style.width = `${(job.share || 0) * 100}%`;
}

function drawActions(find, job, words, view) {
  const [save, alike, again, more] = [find(".save"), find(".alike"), find(".again"), find(".more")];
  save.textContent = words.save;
  alike.textContent = words.alike;
  again.textContent = words.again;
  if (job.state === "done") {
    save.href = `/app/static/img/${job.id}?download=1`;
    save.title = `PNG · ${job.width} × ${job.height}`;
  }
  alike.onclick = () => view.send("alike", job.id);
  again.onclick = () => view.send("retry", job.id);
  save.hidden = find(".also").hidden = job.state === "failed";
  again.hidden = job.state !== "failed";
  find(".actions").hidden = !job.id;
  const now = JSON.stringify([job.id, job.state, words.more]);
  if (more.dataset.now === now) return;
  more.dataset.now = now; // an open list stays open while the page looks again
  dropMenu(more, words.more, job.state === "done" ? deeds(find, job, words, view) : []);
}

function deeds(find, job, words, view) {
  const { formats, most } = view.data;
  const sizes = [2, 4].map((factor) => ({ factor, width: job.width * factor, height: job.height * factor }));
  const saves = formats.map(([kind, name]) => [filled(words.saveAs, { format: name }), () => saveAs(job.id, kind)]);
  const copy = [words.copy, () => copyPicture(find, job.id, words)];
  const larger = sizes
    .filter(({ width, height }) => Math.max(width, height) <= most)
    .map(({ factor, width, height }) => [filled(words.enlargeTo, { width, height }), () => view.send("enlarge", { id: job.id, factor })]);
  return [...saves, ...(window.ClipboardItem ? [copy] : []), null, [words.asPhoto, () => view.send("photo", job.id)], ...larger];
}

function saveAs(id, kind) {
  make("a", "", { href: `/app/static/photos/as/${id}?format=${kind}`, download: "" }).click();
}

// A browser takes a picture on its way, and only right after a click; without https there is no ClipboardItem.
async function copyPicture(find, id, words) {
  const [opener] = find(".more").children;
  const fetched = fetch(`/app/static/img/${id}?clean=1`).then((answer) => answer.blob());
  try {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": fetched })]);
    opener.textContent = "✓";
    find(".said").textContent = words.copied;
  } catch {
    opener.textContent = "!";
    find(".said").textContent = words.notCopied;
  }
  setTimeout(() => (opener.textContent = "···"), COPIED_MS);
}

function lightbox(dialog, open, job, words) {
  const close = dialog.querySelector(".close");
  const image = dialog.querySelector("img");
  open.disabled = job.state !== "done";
  open.setAttribute("aria-label", job.prompt ? `${words.enlarge}: ${job.prompt}` : words.enlarge);
  close.textContent = words.close;
  open.onclick = () => {
    image.src = `/app/static/img/${job.id}`;
    image.alt = job.prompt;
    dialog.showModal();
  };
  close.onclick = image.onclick = () => dialog.close();
}
