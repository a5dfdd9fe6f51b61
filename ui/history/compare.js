// Two to four pictures beside each other, moved and enlarged alike; two also one over the other, with a line to draw.
// Below, their settings: what differs stands out.

const MOST_COMPARED = 4;

async function compare(dialog, ids, requests, words) {
  const entries = await Promise.all(ids.slice(0, MOST_COMPARED).map((id) => requests.entry(id)));
  const head = make("header");
  const stage = make("div", "stage");
  const ways = make("div", "ways");
  const same = sameRows(entries, words);
  head.append(text("h2", "", words.compare), ways, signButton("×", words.close, () => dialog.close(), "close"));
  dialog.replaceChildren(head, stage, table(entries, same, words));

  let zoom = null;
  const show = (over) => {
    stage.dataset.over = String(over);
    stage.style.setProperty("--count", entries.length);
    const panes = entries.map((entry) => newPane(entry, words));
    if (over) overlay(panes[0], panes.pop().firstElementChild, words.line);
    stage.replaceChildren(...panes);
    zoom = newZoom(panes);
    for (const one of ways.children) one.setAttribute("aria-pressed", String(one.dataset.over === String(over)));
  };
  if (entries.length === 2 && entries.every((entry) => entry.has)) {
    for (const [over, label] of [[false, words.sideBySide], [true, words.slider]]) {
      const way = button(label, () => show(over), "chip");
      way.dataset.over = String(over);
      ways.append(way);
    }
  }
  show(false);
  dialog.onkeydown = (event) => {
    if (event.target.matches("input")) return;
    if (event.key === "+" || event.key === "=") zoom.by(1.5);
    else if (event.key === "-") zoom.by(1 / 1.5);
    else if (event.key === "0") zoom.reset();
  };
  dialog.tabIndex = -1;
  dialog.showModal();
  dialog.focus();
}

// Label, one value a picture, and whether they are all the same.
function sameRows(entries, words) {
  const columns = entries.map((entry) => new Map([[words.settings.prompt, entry.prompt], ...settingsOf(entry, words)]));
  const labels = [...new Set(columns.flatMap((column) => [...column.keys()]))];
  return labels.map((label) => {
    const values = columns.map((column) => column.get(label) ?? "–");
    return { label, values, same: values.every((value) => value === values[0]) };
  });
}

function table(entries, rows, words) {
  const box = make("div", "table");
  const differing = rows.filter((row) => !row.same);
  box.append(text("p", "says", differing.length ? words.differ : words.noDifference));
  const grid = make("table");
  for (const { label, values, same } of [...differing, ...rows.filter((row) => row.same)]) {
    const row = make("tr", same ? "same" : "differs");
    const head = text("th", "", label);
    head.scope = "row";
    row.append(head, ...(same ? [Object.assign(text("td", "", values[0]), { colSpan: entries.length })] : values.map((value) => text("td", "", value))));
    grid.append(row);
  }
  box.append(grid);
  return box;
}
