// A button that opens a short list of deeds. `box` holds the two, one after the other.

// `items` are [label, act]; null is a line between two of them. May be called again, with others.
function dropMenu(box, label, items) {
  const [opener, menu] = box.children;
  let leaving = 0;
  const open = (wanted) => {
    clearTimeout(leaving); // what was about to close it belongs to the time before
    menu.hidden = !wanted;
    opener.setAttribute("aria-expanded", String(wanted));
  };
  opener.textContent = "···";
  opener.setAttribute("aria-label", label);
  opener.title = label;
  menu.replaceChildren(...items.map((item) => (item ? entry(...item) : make("hr"))));
  open(false);

  function entry(name, act) {
    const element = button(name, () => {
      open(false);
      opener.focus();
      act();
    });
    element.setAttribute("role", "menuitem");
    return element;
  }

  opener.onclick = () => {
    open(menu.hidden);
    if (!menu.hidden) menu.firstElementChild.focus();
  };
  box.onkeydown = (event) => {
    if (menu.hidden) return;
    const entries = [...menu.querySelectorAll("button")];
    const at = entries.indexOf(menu.getRootNode().activeElement);
    if (event.key === "Escape") {
      open(false);
      opener.focus();
    } else if (["ArrowDown", "ArrowUp"].includes(event.key)) {
      event.preventDefault();
      entries[(at + (event.key === "ArrowDown" ? 1 : entries.length - 1)) % entries.length].focus();
    } else return;
    event.stopPropagation();
  };
  box.onfocusout = (event) => {
    clearTimeout(leaving);
    if (!box.contains(event.relatedTarget)) leaving = setTimeout(() => box.matches(":focus-within") || open(false), 120); // a click on it comes first
  };
}
