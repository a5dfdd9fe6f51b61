// Files on their way to the server, one after the other, each with a line that says how far it is.

const SHOWN_MS = 4000; // how long a line tells that all went well

// `settled` is called after each file that has become a style.
function uploads(list, words, settings, settled) {
  const queue = (list.queue ??= { files: [], busy: false });
  Object.assign(queue, { words, settings, settled });
  return (files) => {
    for (const file of files) queue.files.push({ file, line: uploadLine(list, file.name, words) });
    next(queue);
  };
}

function uploadLine(list, fileName, words) {
  const line = document.createElement("li");
  const [name, says, bar] = ["span", "span", "div"].map((tag) => document.createElement(tag));
  name.textContent = fileName;
  name.dir = "auto";
  says.className = "says";
  says.textContent = words.waiting;
  bar.className = "bar";
  bar.append(document.createElement("div"));
  line.append(name, says, bar);
  list.append(line);
  return line;
}

async function next(queue) {
  if (queue.busy) return;
  queue.busy = true;
  while (queue.files.length) {
    const { file, line } = queue.files.shift();
    const says = line.querySelector(".says");
    const refusal = await send(file, line, says, queue);
    line.dataset.state = refusal ? "refused" : "done";
    says.textContent = refusal || queue.words.added;
    if (refusal) continue; // stays, to be read
    queue.settled(file.name);
    setTimeout(() => line.remove(), SHOWN_MS);
  }
  queue.busy = false;
}

// Resolves to why the file was refused, or to nothing.
function send(file, line, says, { words, settings }) {
  const mb = 1 << 20;
  if (file.size > settings.most_mb * mb) return words.tooLarge.replace("{most}", settings.most_mb);
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const query = new URLSearchParams({ name: file.name, lang: settings.language });
    request.open("PUT", `${settings.url}?${query}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = ({ loaded, total }) => {
      line.querySelector(".bar > div").style.width = `${(100 * loaded) / total}%`;
      says.textContent = loaded < total ? `${(loaded / mb).toFixed(0)} / ${(total / mb).toFixed(0)} MB` : words.looking;
    };
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
