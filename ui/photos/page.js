// The Photos page. The set is the server's; it is looked at again and again (live.js), and all that is done is sent there.

const PHOTOS = "/app/static/photos";
const SETTLED_MS = 500; // after the last change of a setting it is kept
const SURE_MS = 4000; // for the second click on what cannot be undone
const SOON_MS = 150;
const NOTHING = { process: "", at: 0, tag: "", again_ms: 0 };

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".layout");
  const find = (selector) => parentElement.querySelector(selector);
  document.documentElement.lang = data.language;
  const page = root.page?.key === JSON.stringify(data) ? root.page : (root.page = newPage(root, find, data));
  follow(root, root.live?.look ?? NOTHING, `${PHOTOS}/now?lang=${data.lang}`, (look) => look.tag && redraw(page, look));
}

function newPage(root, find, data) {
  const { words } = data;
  const page = { key: JSON.stringify(data), root, find, data, words, look: null, unsaved: 0 };
  page.sender = newSender(find, data, () => lookNow(page));
  page.settings = newSettings(find("fieldset"), data, () => keep(page), () => tryStrengths(page));
  page.acts = {
    retry: (photo) => send(page, "retry", { position: photo.position }),
    remove: (photo) => send(page, "remove", { position: photo.position }),
    look: (photo) => lookCloser(find(".closer"), photo, words),
    untry: () => send(page, "untry"),
    strength: (strength) => {
      page.settings.show({ ...page.settings.value, strength });
      keep(page);
      redraw(page, page.look);
    },
  };
  find(".settings").onsubmit = (event) => event.preventDefault();
  const files = find(".files");
  files.onchange = () => {
    page.sender.send([...files.files]);
    files.value = "";
  };
  const welcome = find(".welcome");
  welcome.replaceChildren(text("strong", "", words.dropHere), text("span", "", words.orPick), text("span", "kinds", words.kinds));
  welcome.onclick = () => files.click();
  dropTarget(find(".drop"), words.dropHere, (dropped) => page.sender.send(dropped));
  root.jimengTake = (pasted) => page.sender.send(pasted);
  if (!root.listens) listenForPaste(root);
  for (const drawn of [".head", ".go", ".strip", ".single", ".rows"]) {
    find(drawn).replaceChildren(); // by a page that was before
    find(drawn).dataset.now = "";
  }
  complain(page, data.problem);
  return page;
}

function listenForPaste(root) {
  root.listens = true;
  const pasted = (event) => {
    if (!root.isConnected) return document.removeEventListener("paste", pasted);
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return; // words
    event.preventDefault();
    root.jimengTake(files);
  };
  document.addEventListener("paste", pasted);
}

// --- what is shown --------------------------------------------------------------------------------------------------

function redraw(page, look) {
  const { find, words, acts, data } = page;
  const isNew = page.look?.id !== look.id;
  page.look = look;
  if (isNew || look.active || !page.unsaved) page.settings.show(look.settings);
  find("fieldset").disabled = look.active;
  const { photos } = look;
  const usable = photos.filter((photo) => photo.state !== "refused");
  const alone = photos.length === 1 && usable.length === 1;
  find(".welcome").hidden = photos.length > 0;
  find(".single").hidden = !alone;
  find(".rows").hidden = alone || !photos.length;
  page.settings.strip.hidden = !usable.length;
  if (alone) drawSingle(find(".single"), photos[0], words, acts);
  else find(".single").dataset.now = "";
  drawRows(find(".rows"), alone ? [] : photos, words, acts);
  drawStrip(find(".strip"), look.trial, page.settings.value.strength, words, acts);
  drawHead(page, photos, alone);
  drawGo(page, usable);
  document.title = look.active && usable.length ? `${count(usable, "done")}/${usable.length} · ${data.title}` : data.title;
}

function count(photos, ...states) {
  return photos.filter((photo) => states.includes(photo.state)).length;
}

// How far a set is, and what can be done with all of it.
function drawHead(page, photos, alone) {
  const { find, words, look } = page;
  const box = find(".head");
  const now = JSON.stringify([look.state, look.active, alone, Math.round(look.left_s ?? -1), photos.map((photo) => photo.state)]);
  box.hidden = !photos.length || alone;
  if (box.hidden || box.dataset.now === now) return;
  box.dataset.now = now;
  const done = count(photos, "done");
  const usable = photos.length - count(photos, "refused");
  const parts = [done || look.active ? filled(words.drawn, { done, all: usable }) : filled(usable === 1 ? words.ready1 : words.ready, { count: usable })];
  if (count(photos, "failed", "gone")) parts.push(filled(words.failedCount, { count: count(photos, "failed", "gone") }));
  if (count(photos, "refused")) parts.push(filled(words.refusedCount, { count: count(photos, "refused") }));
  if (look.state === "paused") parts.push(words.paused);
  else if (look.left_s !== null && look.left_s !== undefined) parts.push(filled(words.left, { time: clock(look.left_s) }));
  const bar = make("div", "bar");
  bar.append(make("div"));
  bar.firstChild.style.width = `${(100 * done) / Math.max(1, usable)}%`;
  bar.hidden = !look.active && !done;
  const deeds = make("div", "deeds");
  if (look.state === "running") deeds.append(button(words.pause, () => send(page, "pause"), "plain"));
  if (look.state === "paused") deeds.append(button(words.resume, () => send(page, "resume"), "plain"));
  if (look.active) deeds.append(button(words.stop, () => send(page, "cancel"), "plain"));
  if (done || look.active) {
    const zip = make("a", "plain", { href: `${PHOTOS}/zip?of=${look.id}`, textContent: look.active ? words.zipLive : words.zip });
    zip.setAttribute("download", "");
    if (look.active) zip.title = words.zipHint;
    deeds.append(zip);
  }
  if (!look.active) {
    deeds.append(button(words.addMore, () => find(".files").click(), "plain"), newSet(page, photos));
  }
  const line = make("p", "sum");
  line.textContent = parts.join(" · ");
  box.replaceChildren(line, deeds, bar);
}

function newSet(page, photos) {
  const { words } = page;
  let sure = photos.every((photo) => ["done", "refused"].includes(photo.state));
  const clear = button(words.newSet, () => {
    if (sure) return send(page, "close");
    sure = true;
    clear.textContent = words.newSetSure;
    setTimeout(() => {
      sure = false;
      clear.textContent = words.newSet;
    }, SURE_MS);
  }, "plain quietly");
  return clear;
}

function drawGo(page, usable) {
  const { find, words, look } = page;
  const left = count(usable, "waiting", "failed", "gone");
  const all = usable.length;
  const again = !left && all > 0;
  const says = look.active ? words.drawing : again ? (all === 1 ? words.drawAgain1 : words.drawAgain) : left > 1 ? filled(words.drawMany, { count: left }) : words.draw1;
  const box = find(".go");
  const now = JSON.stringify([says, all > 0, look.active]);
  if (box.dataset.now === now) return;
  box.dataset.now = now;
  const go = button(says, () => draw(page, again), again ? "plain" : "main");
  go.disabled = look.active || !all;
  box.replaceChildren(go);
}

function clock(seconds) {
  const whole = Math.max(1, Math.round(seconds));
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function complain(page, problem) {
  page.find(".problem").hidden = !problem;
  page.find(".problem").textContent = problem;
}

// --- what is done ---------------------------------------------------------------------------------------------------

function keep(page) {
  clearTimeout(page.unsaved);
  page.unsaved = setTimeout(async () => {
    await send(page, "settings", { settings: page.settings.value });
    page.unsaved = 0;
  }, SETTLED_MS);
}

async function draw(page, again) {
  clearTimeout(page.unsaved);
  page.find(".go button").disabled = true;
  const done = await send(page, "draw", { settings: page.settings.value, again });
  page.unsaved = 0;
  if (!done) page.find(".go button").disabled = false;
}

function tryStrengths(page) {
  const first = page.look.photos.find((photo) => photo.state !== "refused");
  if (first) send(page, "try", { position: first.position, settings: page.settings.value });
}

// What the server refuses is told; true when it was done.
async function send(page, what, order = {}) {
  const { data, words } = page;
  let problem = "";
  try {
    const answer = await fetch(`${PHOTOS}/${what}?lang=${data.lang}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(order) });
    if (!answer.ok) problem = (await answer.json().catch(() => ({}))).error || words.cut;
  } catch {
    problem = words.cut;
  }
  complain(page, problem);
  lookNow(page);
  return !problem;
}

function lookNow(page) {
  const { live, isConnected } = page.root;
  if (!live || !isConnected) return;
  if (live.asking) setTimeout(() => lookNow(page), SOON_MS); // that answer may be of before
  else ask(page.root, live);
}
