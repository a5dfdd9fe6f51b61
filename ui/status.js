// The line under the prompt. It draws what came with the page, then what the frame's looks find.

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".now");
  root.view = { data, send: setTriggerValue };
  if (!root.look || root.look.process !== data.look.process || data.look.at > root.look.at) root.look = data.look;
  draw(root);
  if (root.listening) return;
  root.listening = true;
  const listen = ({ detail }) => {
    if (!root.isConnected) return window.removeEventListener("jimeng:now", listen);
    root.look = detail;
    draw(root);
  };
  window.addEventListener("jimeng:now", listen);
}

function draw(root) {
  const { look } = root;
  const { data, send } = root.view;
  const find = (selector) => root.querySelector(selector);
  const problem = data.refused ? "" : look.problem;
  find(".trouble").hidden = !problem;
  find(".why").textContent = problem;
  find(".again").hidden = !look.failed;
  find(".again").textContent = data.words.again;
  find(".again").onclick = () => send("retry", look.failed);
  find(".text").textContent = problem ? "" : look.status;
  find(".cancel").hidden = !look.active;
  find(".cancel").textContent = look.active > 1 ? data.words.cancelAll : data.words.cancel;
  find(".cancel").onclick = () => send("cancel", "");
}
