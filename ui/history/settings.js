// The settings of a picture in plain words: what one chose, and how it came about. Lists of [label, value].

function settingsOf(entry, words) {
  const label = words.settings;
  const styles = entry.styles.map(({ name, strength }) => `${name} ${decimal(strength)}`).join("\n");
  return [
    [label.startedFrom, entry.input],
    [label.style, styles || words.none],
    [label.redrawn, entry.redrawn ? `${Math.round(entry.redrawn * 100)} %` : ""],
    [label.size, `${entry.width} × ${entry.height}`],
    [label.seed, String(entry.seed)],
    [label.steps, String(entry.steps)],
    [label.guidance, entry.guidance ? decimal(entry.guidance) : words.off],
    [label.leaveOut, entry.negative],
    [label.model, entry.model],
  ].filter(([, value]) => value);
}

function factsOf(entry, words, language) {
  const label = words.settings;
  const { text: reading, denoise, decode } = entry.parts;
  const seconds = (ms) => filled(words.seconds, { seconds: (ms / 1000).toFixed(ms < 9950 ? 1 : 0) });
  const parts = [[words.parts.text, reading], [words.parts.denoise, denoise], [words.parts.decode, decode]]
    .filter(([, ms]) => ms)
    .map(([name, ms]) => `${name} ${ms < 100 ? `${Math.round(ms)} ms` : seconds(ms)}`);
  return [
    [label.made, momentOf(entry.at, language)],
    [label.took, entry.duration ? [seconds(entry.duration), parts.length > 1 ? parts.join(" · ") : ""].filter(Boolean).join("\n") : ""],
    [label.file, entry.has ? entry.file : ""],
    [label.bytes, entry.bytes ? sizeOf(entry.bytes) : ""],
    [label.batch, entry.batch ? `${entry.batch.slice(0, 12)} · ${entry.batchIndex + 1}` : ""],
  ].filter(([, value]) => value);
}

function momentOf(at, language) {
  return new Date(at).toLocaleString(language, { dateStyle: "long", timeStyle: "short" });
}

function sizeOf(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1000))} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function decimal(number) {
  return String(Math.round(number * 100) / 100);
}

function factList(rows) {
  const list = make("dl", "facts");
  for (const [label, value] of rows) list.append(text("dt", "", label), text("dd", "", value));
  return list;
}
