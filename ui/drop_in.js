// A picture that is dropped, picked or pasted is sent to be read; what is found in it goes to the page.

export default function ({ data, parentElement, setTriggerValue }) {
  const find = (selector) => parentElement.querySelector(selector);
  const { words } = data;
  const [pick, says, field] = [find(".pick"), find(".says"), find(".file")];
  const tell = (what, state) => {
    says.hidden = !what;
    says.textContent = what;
    says.dataset.state = state;
  };
  const take = async ([file]) => {
    if (!file) return;
    if (file.size > data.most_mb << 20) return tell(filled(words.tooLarge, { most: data.most_mb }), "refused");
    tell(words.reading, "busy");
    try {
      const answer = await fetch(data.url, { method: "PUT", headers: { "Content-Type": "application/octet-stream" }, body: file });
      const found = await answer.json();
      if (!answer.ok) return tell(found.error, "refused");
      tell("", "");
      document.activeElement?.blur(); // a field in which one types keeps what is typed
      setTriggerValue("fill", found);
    } catch {
      tell(words.cut, "refused");
    }
  };
  pick.textContent = words.pick;
  pick.onclick = () => field.click();
  field.onchange = () => {
    take([...field.files]);
    field.value = "";
  };
  dropTarget(find(".drop"), words.dropHere, take);
  parentElement.jimengTake = take;
  if (parentElement.jimengListens) return;
  parentElement.jimengListens = true;
  const pasted = (event) => {
    if (!pick.isConnected) return document.removeEventListener("paste", pasted);
    const files = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith("image/"));
    if (!files.length) return; // words
    event.preventDefault();
    parentElement.jimengTake(files);
  };
  document.addEventListener("paste", pasted);
}
