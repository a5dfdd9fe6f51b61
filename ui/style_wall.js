// Pictures of one prompt in many styles, as they come; for checkpoints also a large one with a slider through them.
// Text goes in by textContent only, never as HTML.

export default function ({ data, parentElement, setTriggerValue }) {
  const find = (selector) => parentElement.querySelector(selector);
  const { words, cells } = data;
  find(".head").hidden = !cells.length;
  find(".progress").textContent = data.progress;
  const cancel = find(".cancel");
  cancel.textContent = words.cancel;
  cancel.hidden = !data.active;
  cancel.onclick = () => setTriggerValue("act", { do: "cancel" });
  find(".note").textContent = data.note;
  find(".note").hidden = !data.note;

  const list = find(".cells");
  list.dataset.mode = data.mode;
  if (data.columns) list.dataset.columns = data.columns;
  else delete list.dataset.columns;
  list.style.setProperty("--columns", data.columns || 1);
  list.style.setProperty("--aspect", `${data.width} / ${data.height}`);
  while (list.children.length > cells.length) list.lastElementChild.remove();
  while (list.children.length < cells.length) list.append(newCell());
  cells.forEach((cell, number) => drawCell(list.children[number], cell, data, number, setTriggerValue, find(".full")));
  drawStage(find, data);
}

function newCell() {
  const cell = make("figure", "cell");
  const picture = make("button", "picture");
  picture.type = "button";
  const bar = make("div", "bar");
  bar.append(make("div"));
  const image = make("img");
  image.alt = "";
  picture.append(image, make("p"), bar);
  const caption = make("figcaption");
  const label = make("span", "label");
  label.dir = "auto";
  const keep = make("button", "keep");
  keep.type = "button";
  caption.append(label);
  const frame = make("div", "frame");
  frame.append(picture, keep);
  cell.append(frame, caption);
  return cell;
}

function drawCell(element, cell, data, number, send, full) {
  const { words } = data;
  const [picture, image, says, bar] = [".picture", "img", "p", ".bar"].map((s) => element.querySelector(s));
  element.dataset.state = cell.state;
  element.dataset.job = cell.id;
  const src = cell.state === "done" ? cell.thumb : cell.preview;
  image.hidden = !src;
  if (src && image.getAttribute("src") !== src) image.src = src;
  says.textContent = src ? "" : cell.says;
  bar.hidden = cell.state !== "running";
  bar.firstElementChild.style.width = `${cell.share * 100}%`;
  const label = element.querySelector(".label");
  label.textContent = label.title = cell.label;
  picture.disabled = cell.state !== "done";
  picture.setAttribute("aria-label", cell.label);
  picture.onclick = () => enlarge(full, cell);
  const keep = element.querySelector(".keep");
  keep.hidden = !cell.keep;
  keep.disabled = cell.keep === "kept";
  keep.textContent = cell.keep === "kept" ? words.kept : words.keep;
  keep.title = words.keepLong;
  keep.onclick = () => send("act", { do: "keep", cell: number });
}

function enlarge(dialog, cell) {
  const image = dialog.querySelector("img");
  image.src = cell.src;
  image.alt = cell.label;
  image.onclick = () => dialog.close();
  dialog.showModal();
}

function drawStage(find, data) {
  const stage = find(".stage");
  const there = data.cells.map((cell, number) => ({ cell, number })).filter(({ cell }) => cell.state === "done");
  stage.hidden = data.mode !== "checkpoints" || !there.length;
  if (stage.hidden) return;
  const slider = stage.querySelector("input");
  const image = stage.querySelector(".large");
  image.style.aspectRatio = `${data.width} / ${data.height}`;
  slider.max = data.cells.length - 1;
  slider.setAttribute("aria-label", data.words.stage);
  if (!stage.moved) slider.value = there.at(-1).number; // the latest, until somebody takes the handle
  const show = () => {
    const wanted = Number(slider.value);
    const near = there.reduce((a, b) => (Math.abs(b.number - wanted) < Math.abs(a.number - wanted) ? b : a));
    if (image.getAttribute("src") !== near.cell.src) image.src = near.cell.src;
    image.alt = near.cell.label;
    stage.querySelector(".at").textContent = near.cell.label;
    [...find(".cells").children].forEach((c, n) => c.setAttribute("aria-current", String(n === near.number)));
  };
  slider.oninput = () => {
    stage.moved = true;
    show();
  };
  for (const { cell } of there) new Image().src = cell.src; // so that sliding does not wait
  show();
}

function make(tag, className = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  return element;
}
