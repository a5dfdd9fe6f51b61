// Presets as a row of names: a click uses one. What is done is sent as {do, name}; the page answers with new data.

export default function ({ data, parentElement, setTriggerValue }) {
  const find = (selector) => parentElement.querySelector(selector);
  const view = (find(".list").view ??= { editing: false, naming: null });
  Object.assign(view, { data, send: (what, name, more = {}) => setTriggerValue("act", { do: what, name, ...more }) });
  if (!data.presets.length) view.editing = false;
  draw(find, view);
}

function draw(find, view) {
  const { data } = view;
  const { words, presets } = data;
  find(".head").hidden = find(".list").hidden = !presets.length;
  find(".label").textContent = words.presets;
  const edit = find(".edit");
  edit.textContent = view.editing ? words.done : words.edit;
  edit.onclick = () => {
    view.editing = !view.editing;
    draw(find, view);
  };
  find(".list").replaceChildren(...presets.map((preset) => one(find, view, preset)));
  const keep = find(".keep");
  keep.textContent = presets.length ? words.add : words.keep;
  keep.hidden = view.naming !== null;
  keep.onclick = () => name(find, view, "");
  drawForm(find, view);
  const told = find(".told");
  told.hidden = !data.dropped;
  told.querySelector("span").textContent = filled(words.dropped, { name: data.dropped });
  told.querySelector("button").textContent = words.undo;
  told.querySelector("button").onclick = () => view.send("undo", data.dropped);
  find(".problem").hidden = !data.problem;
  find(".problem").textContent = data.problem;
}

function one(find, view, preset) {
  const { words } = view.data;
  const box = make("span", "one");
  const use = button(preset.name, () => view.send("apply", preset.name), "use");
  use.title = preset.about;
  box.append(use);
  if (view.editing) {
    box.append(
      signButton("✎", filled(words.rename, preset), () => name(find, view, preset.name), "sign"),
      signButton("×", filled(words.drop, preset), () => view.send("drop", preset.name), "sign"),
    );
  }
  return box;
}

// Ask for a name: a new one for the preset that is called `old`, or for the settings as they are.
function name(find, view, old) {
  view.naming = old;
  draw(find, view);
  const field = find(".name input");
  field.value = old;
  field.select();
  field.focus();
}

function drawForm(find, view) {
  const { words, most } = view.data;
  const form = find(".name");
  const field = form.querySelector("input");
  const close = () => {
    view.naming = null;
    draw(find, view);
  };
  form.hidden = view.naming === null;
  field.maxLength = most;
  field.placeholder = words.name;
  field.setAttribute("aria-label", words.name);
  form.querySelector(".save").textContent = words.save;
  const cancel = form.querySelector(".cancel");
  cancel.textContent = "×";
  cancel.setAttribute("aria-label", words.cancel);
  cancel.onclick = close;
  form.onkeydown = (event) => {
    if (event.key === "Escape") close(); // no more than that: a handler that gives back false stops the typing
  };
  form.onsubmit = (event) => {
    event.preventDefault();
    if (!field.value.trim()) return;
    view.naming ? view.send("rename", view.naming, { to: field.value }) : view.send("save", field.value);
    close();
  };
}
