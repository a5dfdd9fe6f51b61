// Two pictures in one place, with a line to draw: the second is seen to the right of it.

// `pane` shows the first, `paper` is the second; it lies over the first from now on.
function overlay(pane, paper, label) {
  const over = make("div", "over");
  over.append(paper);
  const line = make("input", "line", { type: "range", min: 0, max: 100, step: 0.1, value: 50 });
  line.setAttribute("aria-label", label);
  const mark = make("div", "mark");
  const draw = () => pane.style.setProperty("--cut", `${line.value}%`);
  line.oninput = draw;
  const drag = (event) => {
    const box = pane.getBoundingClientRect();
    line.value = (100 * (event.clientX - box.left)) / box.width;
    draw();
  };
  mark.onpointerdown = (event) => {
    event.stopPropagation(); // it is no drag of the picture
    mark.setPointerCapture(event.pointerId);
    mark.onpointermove = drag;
  };
  mark.onpointerup = mark.onpointercancel = () => (mark.onpointermove = null);
  line.onpointerdown = mark.ondblclick = (event) => event.stopPropagation();
  pane.append(over, mark, line);
  draw();
}
