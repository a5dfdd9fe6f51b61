// Looking closely: wheel, pinch and drag move all pictures of one group alike, in parts of their size.

const MOST_ZOOM = 16;

// `panes` are elements with .paper in them. Returns {reset(), by(factor)}.
function newZoom(panes, changed = () => {}) {
  const view = { scale: 1, x: 0, y: 0 }; // x, y: what is in the middle, in sizes of the pane, from its middle
  const fingers = new Map();
  let pinched = 0;

  const draw = () => {
    const most = (view.scale - 1) / 2 / view.scale;
    view.x = Math.max(-most, Math.min(most, view.x));
    view.y = Math.max(-most, Math.min(most, view.y));
    for (const pane of panes) {
      for (const paper of pane.querySelectorAll(".paper")) {
        paper.style.transform = `scale(${view.scale}) translate(${-view.x * 100}%, ${-view.y * 100}%)`;
      }
      pane.dataset.zoomed = String(view.scale > 1);
    }
    changed(view.scale);
  };
  // `at`: the point that stays where it is, in sizes of the pane from its middle.
  const zoom = (factor, at = { x: 0, y: 0 }) => {
    const scale = Math.max(1, Math.min(MOST_ZOOM, view.scale * factor));
    view.x += at.x / view.scale - at.x / scale;
    view.y += at.y / view.scale - at.y / scale;
    view.scale = scale;
    draw();
  };
  const inPane = (pane, { clientX, clientY }) => {
    const box = pane.getBoundingClientRect();
    return { x: (clientX - box.left) / box.width - 0.5, y: (clientY - box.top) / box.height - 0.5 };
  };

  for (const pane of panes) {
    pane.onwheel = (event) => {
      event.preventDefault();
      zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), inPane(pane, event));
    };
    pane.ondblclick = (event) => (view.scale > 1 ? reset() : zoom(3, inPane(pane, event)));
    pane.onpointerdown = (event) => {
      if (event.button) return;
      pane.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, event);
      pinched = 0;
    };
    pane.onpointermove = (event) => {
      const before = fingers.get(event.pointerId);
      if (!before) return;
      fingers.set(event.pointerId, event);
      const box = pane.getBoundingClientRect();
      const part = 1 / fingers.size;
      view.x -= ((event.clientX - before.clientX) / box.width / view.scale) * part;
      view.y -= ((event.clientY - before.clientY) / box.height / view.scale) * part;
      if (fingers.size === 2) {
        const [a, b] = [...fingers.values()];
        const apart = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
        const middle = { clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 };
        if (pinched) zoom(apart / pinched, inPane(pane, middle));
        pinched = apart;
      }
      draw();
    };
    pane.onpointerup = pane.onpointercancel = (event) => {
      fingers.delete(event.pointerId);
      pinched = 0;
    };
  }
  const reset = () => {
    Object.assign(view, { scale: 1, x: 0, y: 0 });
    draw();
  };
  reset();
  return { reset, by: zoom };
}

function newPane(entry, words) {
  const pane = make("div", "pane");
  const paper = make("div", "paper");
  pane.style.setProperty("--shape", `${entry.width} / ${entry.height}`);
  if (entry.has) {
    const image = make("img", "", { alt: entry.prompt, draggable: false, src: `/app/static/img/${entry.id}` });
    image.style.backgroundImage = `url("${thumbOf(entry)}")`; // until it is there
    image.onload = () => (image.style.backgroundImage = "");
    image.onerror = () => paper.replaceChildren(text("p", "", words.gone));
    paper.append(image);
  } else {
    paper.append(text("p", "", absence(entry, words)));
  }
  pane.append(paper);
  return pane;
}
