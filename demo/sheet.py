"""The contact sheet of `demo/README.md`: the model's own examples, plain and in every style. `python -m demo.sheet`."""

import json
from pathlib import Path

from PIL import Image

from demo import sample

HERE = Path(__file__).parent
SHOWN = 192  # pixels of a picture's side on the sheet
SEED = 1


def rows(model: Path, styles: Path) -> list[list[Image.Image]]:
    """Pictures by style, the plain ones first; in each row the model's English examples."""
    prompts = json.loads((model / "studio.json").read_text("utf-8"))["examples"]["en"]
    pipeline = sample.opened(model)

    def drawn() -> list[Image.Image]:
        return [sample.image(one) for one in sample.pictures(pipeline, prompts, [SEED] * len(prompts))]

    found = [drawn()]
    for file in sorted(styles.glob("*.safetensors")):
        with sample.wearing(pipeline, file):
            found.append(drawn())
    return found


def sheet(pictures: list[list[Image.Image]]) -> Image.Image:
    whole = Image.new("RGB", (SHOWN * len(pictures[0]), SHOWN * len(pictures)))
    for y, row in enumerate(pictures):
        for x, picture in enumerate(row):
            whole.paste(picture.resize((SHOWN, SHOWN), Image.Resampling.LANCZOS), (x * SHOWN, y * SHOWN))
    return whole


if __name__ == "__main__":
    sheet(rows(HERE / "model", HERE.parent / "lora")).save(HERE / "sheet.webp", quality=80)
