// How the photos are drawn: few choices, and the rest folded away. `changed` is called with all of them.

const STRENGTHS = [[0.25, "barely"], [0.45, "lightly"], [0.65, "clearly"], [0.85, "freely"], [1, "anew"]];

function strengthWord(strength, words) {
  return words.strengths[(STRENGTHS.find(([most]) => strength <= most + 1e-6) ?? STRENGTHS.at(-1))[1]];
}

function newSettings(fieldset, data, changed, tryStrengths) {
  const { words } = data;
  const fields = {};
  const settings = {};

  const row = (name, label, control, ...beside) => {
    const box = make("label", `field ${name}`);
    box.append(text("span", "label", label), control, ...beside);
    fields[name] = control;
    return box;
  };
  const choice = (options) => {
    const select = make("select");
    for (const [value, label] of options) select.append(make("option", "", { value, textContent: label }));
    return select;
  };
  const range = (min, max, step) => make("input", "", { type: "range", min, max, step });

  const styles = choice([["", words.none], ...data.styles]);
  const says = text("span", "says", "");
  const strength = row("strength", words.strength, range(10, 100, 5), says);
  const strip = button(words.tryFive, tryStrengths, "link");
  const prompt = make("textarea", "", { rows: 2, maxLength: 4000, placeholder: words.promptHint });
  const camera = row("camera_data", words.cameraData, make("input", "", { type: "checkbox" }), text("span", "hint", words.cameraDataHint));
  const fold = make("details", "fold");
  const quality = row("quality", words.quality, range(1, 100, 1), text("span", "says", ""));
  fold.append(
    text("summary", "", words.more),
    quality,
    row("background", words.background, make("input", "", { type: "color" }), text("span", "hint", words.backgroundHint)),
    row("seed", words.seed, make("input", "", { type: "number", min: 0, max: data.most_seed, step: 1 }), text("span", "hint", words.seedHint)),
    camera,
  );
  fieldset.replaceChildren(
    row("style", words.style, styles),
    strength,
    strip,
    row("prompt", words.prompt, prompt),
    row("longest", words.longest, choice(data.sides.map((side) => [side, filled(words.pixels, { side })]))),
    row("format", words.format, choice(data.formats.map((kind) => [kind, kind === "png" ? words.lossless : words.formats[kind]]))),
    fold,
  );

  const read = {
    style: () => fields.style.value,
    strength: () => Number(fields.strength.value) / 100,
    prompt: () => fields.prompt.value,
    longest: () => Number(fields.longest.value),
    seed: () => Math.min(data.most_seed, Math.max(0, Math.floor(Number(fields.seed.value)) || 0)),
    format: () => fields.format.value,
    quality: () => Number(fields.quality.value),
    background: () => fields.background.value,
    camera_data: () => fields.camera_data.checked,
  };
  const draw = () => {
    says.textContent = `${strengthWord(settings.strength, words)} · ${Math.round(settings.strength * 100)} %`;
    quality.querySelector(".says").textContent = settings.quality;
    quality.hidden = settings.format === "png";
  };
  for (const [name, field] of Object.entries(fields)) {
    field.name = name;
    field.oninput = () => {
      settings[name] = read[name]();
      draw();
      changed(settings);
    };
  }
  return {
    value: settings,
    strip,
    show(given) {
      Object.assign(settings, given);
      fields.camera_data.checked = given.camera_data;
      for (const [name, field] of Object.entries(fields)) {
        if (field.type === "checkbox") continue;
        const wanted = String(name === "strength" ? Math.round(given[name] * 100) : given[name]);
        if (field.tagName === "SELECT" && ![...field.options].some((one) => one.value === wanted)) field.append(make("option", "", { value: wanted, textContent: wanted }));
        if (field.value !== wanted) field.value = wanted;
      }
      draw();
    },
  };
}
