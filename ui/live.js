// Looks at the owner's jobs again and again, as often as there is something to see, and tells the page by an event.
// It stops when the element it is for has left the page.

const NOW = "jimeng:now";
const HIDDEN_MS = 5000; // while nobody can see the page
const TROUBLE_MS = 2000; // after a look that failed

// `first` came with the page. `changed` is called with the latest look, now and for every new one.
function follow(element, first, url, changed) {
  const live = (element.live ??= begin(element));
  live.url = url;
  live.changed = changed;
  if (isNewer(first, live.look)) live.look = first;
  tell(live);
  wait(element, live);
}

function begin(element) {
  const live = { look: null, timer: 0, asking: false, failed: false };
  const wake = () => {
    if (element.isConnected) return void (document.hidden || ask(element, live));
    document.removeEventListener("visibilitychange", wake);
    window.removeEventListener("online", wake);
  };
  document.addEventListener("visibilitychange", wake);
  window.addEventListener("online", wake);
  return live;
}

function isNewer(look, than) {
  return !than || look.process !== than.process || look.at > than.at;
}

function tell(live) {
  live.changed(live.look);
  window.dispatchEvent(new CustomEvent(NOW, { detail: live.look }));
}

function wait(element, live) {
  clearTimeout(live.timer);
  const pause = live.failed ? TROUBLE_MS : document.hidden ? HIDDEN_MS : live.look.again_ms;
  live.timer = setTimeout(() => element.isConnected && ask(element, live), pause);
}

async function ask(element, live) {
  if (live.asking) return;
  live.asking = true;
  try {
    const answer = await fetch(`${live.url}&seen=${live.look.tag}`);
    const look = answer.status === 200 ? await answer.json() : null;
    const recovered = live.failed && answer.status < 500;
    live.failed = answer.status >= 500;
    if (look && isNewer(look, live.look)) live.look = look;
    if (look || recovered) tell(live);
  } catch {
    live.failed = true; // no network, or the studio is starting anew
  } finally {
    live.asking = false;
  }
  if (element.isConnected) wait(element, live);
}
