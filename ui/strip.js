// The row of small frames: what waits and is being drawn, what failed, and the latest pictures.

// `acts` has pick(id) and cancel(id). Tiles are kept from look to look, so that nothing in them blinks.
function fill(strip, jobs, current, words, acts) {
  strip.hidden = jobs.length < 2;
  strip.setAttribute("aria-label", words.latest);
  const kept = new Map([...strip.children].map((tile) => [tile.dataset.id, tile]));
  const tiles = jobs.map((job) => kept.get(job.id) || makeTile(job, acts));
  const asBefore = tiles.length === strip.children.length && tiles.every((tile, n) => tile === strip.children[n]);
  if (!asBefore) strip.replaceChildren(...tiles);
  jobs.forEach((job, n) => draw(tiles[n], job, job.id === current, words));
}

function makeTile(job, acts) {
  const tile = document.createElement("div");
  const [pick, cancel] = [document.createElement("button"), document.createElement("button")];
  const [sheet, meter] = [document.createElement("div"), document.createElement("i")];
  tile.className = "tile";
  tile.dataset.id = job.id;
  sheet.className = "sheet"; // has the picture's shape, whatever is on it
  sheet.style.aspectRatio = `${job.width} / ${job.height}`;
  sheet.style[job.width >= job.height ? "width" : "height"] = "100%";
  pick.className = "pick";
  cancel.className = "drop";
  cancel.textContent = "×";
  pick.type = cancel.type = "button";
  pick.onclick = () => acts.pick(job.id);
  cancel.onclick = () => acts.cancel(job.id);
  pick.append(meter);
  sheet.append(pick, cancel);
  tile.append(sheet);
  return tile;
}

function draw(tile, job, isCurrent, words) {
  const active = job.state === "queued" || job.state === "running";
  const [pick, cancel] = tile.firstElementChild.children;
  const meter = pick.querySelector("i");
  tile.dataset.state = job.state;
  pick.setAttribute("aria-current", String(isCurrent));
  pick.title = [job.prompt, job.place || job.reason].filter(Boolean).join("\n");
  pick.setAttribute("aria-label", pick.title);
  cancel.hidden = !active;
  cancel.title = words.drop;
  cancel.setAttribute("aria-label", words.drop);
  meter.hidden = !active;
  meter.style.setProperty("--share", job.share);
  pick.dataset.mark = job.state === "failed" ? "!" : "";
  if (job.state === "failed") clear(pick);
  else show(pick, job.id, job.state === "done" ? `/app/static/thumb/${job.id}` : job.preview);
}
