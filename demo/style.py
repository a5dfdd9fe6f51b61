"""Stage 3: a style, as a LoRA trained on the same pictures drawn in that style; and what lies beside its file."""

import json
from pathlib import Path
from random import Random

import torch
from diffusers import ZImageTransformer2DModel
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors.torch import save_file
from torch import Tensor
from transformers import Qwen3Model

from demo import sample
from demo.device import half
from demo.flow import flow_loss, quicken
from demo.loop import Plan, fingerprint, train
from demo.pool import SHARES, Pool
from demo.text import embed

RANK = 24
TARGETS = ["to_q", "to_k", "to_v", "to_out.0", "w1", "w2", "w3"]
SHOWN = "a red house on a meadow by day"
ABOUT = {
    "cartoon": ("Cartoon", "Flat colours and black outlines."),
    "sketch": ("Sketch", "Pencil on paper: lines and hatching."),
    "pixel": ("Pixel", "Large square pixels, as in old games."),
    "neon": ("Neon", "Glowing tubes in the dark."),
    "watercolor": ("Watercolour", "Pale washes on uneven paper."),
    "blueprint": ("Blueprint", "White lines on blue, over a fine grid."),
}


def fit(
    style: str,
    transformer: ZImageTransformer2DModel,
    encoder: Qwen3Model,
    pools: list[Pool],
    batch: int,
    plan: Plan,
    folder: Path,
) -> dict[str, Tensor] | None:
    """Train one style; its tensors under diffusers' names, or None when its minutes ran out.

    `transformer` keeps the adapter.
    """
    name = f"{style}-{fingerprint(transformer)}"
    transformer.requires_grad_(False)
    encoder.requires_grad_(False)
    transformer.add_adapter(
        LoraConfig(r=RANK, lora_alpha=RANK, target_modules=TARGETS, init_lora_weights="gaussian"), adapter_name=style
    )
    if plan.compiled:
        quicken(transformer)
    device = transformer.device

    def loss_at(step: int) -> Tensor:
        pool = Random(f"{style} {step}").choices(pools, SHARES)[0]
        chance = torch.Generator(device).manual_seed(step)
        clean, tokens, lengths = pool.batch(batch, chance)
        with torch.no_grad(), half(device):
            embeds, said = embed(encoder, tokens, lengths)
        return flow_loss(transformer, clean, embeds.float(), said, chance)

    trained = [p for p in transformer.parameters() if p.requires_grad]
    if not train(name, trained, loss_at, plan, folder, inner=trained):
        return None
    state = get_peft_model_state_dict(transformer, adapter_name=style)
    return {f"transformer.{k}": v.to("cpu", torch.bfloat16).contiguous() for k, v in state.items()}


def write(style: str, tensors: dict[str, Tensor], folder: Path) -> None:
    """The style's file, and beside it what a person should know of it."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / f"{style}.safetensors", metadata={"format": "pt"})
    describe(style, folder)


def describe(style: str, folder: Path) -> None:
    name, description = ABOUT[style]
    about = {"name": name, "trigger_words": [style], "description": description, "author": "Jimeng Studio"}
    (folder / f"{style}.json").write_text(json.dumps(about, ensure_ascii=False, indent=2) + "\n", "utf-8")


def show(style: str, model: Path, folder: Path) -> None:
    """Draw the style's thumbnail with the finished `model`, in its own first size."""
    width, height = json.loads((model / "studio.json").read_text("utf-8"))["sizes"][0]
    pipeline = sample.opened(model)
    with sample.wearing(pipeline, folder / f"{style}.safetensors"):
        (drawn,) = sample.pictures(pipeline, [SHOWN], [1], (width, height))
    sample.image(drawn).save(folder / f"{style}.preview.webp", quality=85)
