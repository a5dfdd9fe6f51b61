// Files may be dropped anywhere on the page; `veil` covers it meanwhile and says what will happen.
function dropTarget(veil, says, take) {
  veil.querySelector("p").textContent = says;
  veil.take = take;
  if (veil.listens) return;
  veil.listens = true;
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  const on = (kind, handle) => {
    const listener = (event) => {
      if (!veil.isConnected) return document.removeEventListener(kind, listener);
      if (carriesFiles(event)) handle(event);
    };
    document.addEventListener(kind, listener);
  };
  on("dragover", (event) => {
    event.preventDefault();
    veil.hidden = false;
  });
  on("dragleave", (event) => {
    if (!event.relatedTarget) veil.hidden = true;
  });
  on("drop", (event) => {
    event.preventDefault();
    veil.hidden = true;
    veil.take([...event.dataTransfer.files]);
  });
}
