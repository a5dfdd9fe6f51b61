"""The contact sheet of `demo/README.md`: the model's own examples, plain and in every style. `python -m demo.sheet`."""

import json
from pathlib import Path

import torch
from diffusers import ZImagePipeline
from PIL import Image

HERE = Path(__file__).parent
SIDE, SHOWN = 256, 192  # pixels as drawn, and on the sheet
SEED = 1


def rows(model: Path, styles: Path) -> list[list[Image.Image]]:
    """Pictures by style, the plain ones first; in each row the model's English examples."""
    prompts = json.loads((model / "studio.json").read_text("utf-8"))["examples"]["en"]
    pipeline = ZImagePipeline.from_pretrained(model, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)

    def drawn() -> list[Image.Image]:
        noise = [torch.Generator().manual_seed(SEED) for _ in prompts]
        asked = {"height": SIDE, "width": SIDE, "num_inference_steps": 8, "guidance_scale": 0.0}
        return list(pipeline(prompts, generator=noise, **asked).images)

    found = [drawn()]
    for file in sorted(styles.glob("*.safetensors")):
        pipeline.load_lora_weights(str(styles), weight_name=file.name)
        found.append(drawn())
        pipeline.unload_lora_weights()
    return found


def sheet(pictures: list[list[Image.Image]]) -> Image.Image:
    whole = Image.new("RGB", (SHOWN * len(pictures[0]), SHOWN * len(pictures)))
    for y, row in enumerate(pictures):
        for x, picture in enumerate(row):
            whole.paste(picture.resize((SHOWN, SHOWN), Image.Resampling.LANCZOS), (x * SHOWN, y * SHOWN))
    return whole


if __name__ == "__main__":
    sheet(rows(HERE / "model", HERE.parent / "lora")).save(HERE / "sheet.webp", quality=80)
