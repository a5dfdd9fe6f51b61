// Draws a picture again, and says whether it came out the same.

const LOOK_MS = 500;
const UNSEEN_DB = 40; // from here on nobody sees a difference

function verifier(entry, requests, words, language) {
  const box = make("section", "verify");
  const says = text("p", "says", "");
  says.setAttribute("role", "status");
  const bar = make("div", "bar", { hidden: true });
  bar.append(make("div"));
  const changes = make("ul", "changes");
  const start = button(words.verify, begin, "plain");
  start.title = words.verifyLong;
  box.append(start, says, bar, changes);
  if (entry.verified) tell(entry.verified);

  async function begin() {
    start.disabled = true;
    changes.replaceChildren();
    says.textContent = words.verifying;
    says.dataset.state = "";
    bar.hidden = false;
    bar.firstElementChild.style.width = "0";
    try {
      const { job } = await requests.send("verify", { id: entry.id });
      let found = await requests.verification(entry.id, job);
      while (found.active && box.isConnected) {
        bar.firstElementChild.style.width = `${100 * found.share}%`;
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        found = await requests.verification(entry.id, job).catch(() => found); // the next time
      }
      if (box.isConnected) tell(found);
    } catch (error) {
      says.textContent = error.message;
      says.dataset.state = "trouble";
    }
    bar.hidden = true;
    start.disabled = false;
  }

  function tell(found) {
    says.dataset.state = found.identical ? "well" : "trouble";
    if (found.error) says.textContent = found.error;
    else if (found.identical) says.textContent = words.identical;
    else if (found.psnr === null) says.textContent = words.nothingAlike;
    else says.textContent = filled(found.psnr < UNSEEN_DB ? words.differs : words.nearly, { psnr: found.psnr.toFixed(1) });
    if (found.at) says.title = momentOf(found.at, language);
    const told = found.changed.map(({ what, then, now }) =>
      text("li", "", filled(words.changed, { what: words.parts[what] ?? what, then: then || words.nothing, now: now || words.nothing })),
    );
    if (!found.identical && !found.error && !told.length) told.push(text("li", "", words.nothingChanged));
    changes.replaceChildren(...told);
  }
  return box;
}
