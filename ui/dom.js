// Elements made by hand. Text goes in by textContent and attributes only, never as HTML.

function make(tag, className = "", more = {}) {
  const element = Object.assign(document.createElement(tag), more);
  if (className) element.className = className;
  return element;
}

function text(tag, className, content) {
  const element = make(tag, className, { textContent: content });
  element.dir = "auto";
  return element;
}

function button(label, onclick, className = "") {
  const element = text("button", className, label);
  element.type = "button";
  element.onclick = onclick;
  return element;
}

// One that shows a sign and says in words what it does.
function signButton(sign, label, onclick, className = "") {
  const element = button(sign, onclick, className);
  element.setAttribute("aria-label", label);
  element.title = label;
  return element;
}

// `{name}` in a sentence becomes the value of that name.
function filled(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
}
