// Photos on their way to the server, one after the other, so that they keep their order. What the server refuses is its
// own to tell; here stay only those that did not arrive, to be sent again.

function newSender(find, data, arrived) {
  const { words } = data;
  const queue = [];
  const sender = { total: 0, done: 0, busy: false, send, get active() { return sender.busy || queue.length > 0; } };

  function send(files) {
    if (!sender.active) Object.assign(sender, { total: 0, done: 0 });
    for (const file of files) {
      if (file.size > data.most_mb << 20) unsent(file, filled(words.tooLarge, { most: data.most_mb }), false);
      else queue.push(file), (sender.total += 1);
    }
    if (!sender.busy) sendAll();
    tell();
  }

  async function sendAll() {
    sender.busy = true;
    while (queue.length) {
      const file = queue.shift();
      tell(file.name);
      const problem = await put(file);
      sender.done += 1;
      if (problem) unsent(file, problem, true);
      arrived();
      tell();
    }
    sender.busy = false;
    tell();
  }

  function put(file) {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open("PUT", `${data.upload}?${new URLSearchParams({ name: file.name, lang: data.lang })}`);
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.upload.onprogress = ({ loaded, total }) => tell(file.name, total ? loaded / total : 0);
      request.onload = () => resolve(request.status === 201 ? "" : reason(request) || words.cut);
      request.onerror = () => resolve(words.cut);
      request.send(file);
    });
  }

  function reason(request) {
    try {
      return JSON.parse(request.responseText).error;
    } catch {
      return "";
    }
  }

  function tell(name = "", part = 0) {
    const box = find(".sending");
    box.hidden = !sender.active;
    box.querySelector("p").textContent = [filled(words.sending, { done: sender.done, total: sender.total }), name].filter(Boolean).join(" · ");
    box.querySelector(".bar > div").style.width = `${(100 * (sender.done + part)) / Math.max(1, sender.total)}%`;
  }

  function unsent(file, why, again) {
    const line = make("li");
    const says = make("div", "text");
    says.append(text("p", "name", file.name), text("p", "why", why));
    line.append(says);
    if (again) line.append(button(words.again, () => (line.remove(), send([file])), "link"));
    line.append(signButton("×", words.remove, () => line.remove(), "take"));
    find(".unsent").append(line);
  }

  return sender;
}
