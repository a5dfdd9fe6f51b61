"""Pictures drawn by a finished model with diffusers alone, as the demo is meant to be used: 8 steps, guidance 0."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from diffusers import ZImagePipeline
from PIL import Image
from torch import Tensor

SIDE = 256
TOGETHER = {"cpu": 4, "cuda": 64}  # pictures drawn at once


def opened(model: Path, device: str = "cpu") -> ZImagePipeline:
    """The pipeline of a model's folder in fp32, without a progress bar."""
    pipeline = ZImagePipeline.from_pretrained(model, dtype=torch.float32).to(device)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@contextmanager
def wearing(pipeline: ZImagePipeline, file: Path) -> Iterator[None]:
    """The pipeline with the style of a `.safetensors` file, and without it afterwards."""
    pipeline.load_lora_weights(str(file.parent), weight_name=file.name)
    try:
        yield
    finally:
        pipeline.unload_lora_weights()


def pictures(
    pipeline: ZImagePipeline, prompts: Sequence[str], seeds: Sequence[int], size: tuple[int, int] = (SIDE, SIDE)
) -> Tensor:
    """(n, 3, height, width) in 0..1: one picture for each prompt and its seed, `size` being (width, height)."""
    together = TOGETHER[pipeline.device.type]
    rows = []
    for first in range(0, len(prompts), together):
        some = slice(first, first + together)
        noise = [torch.Generator().manual_seed(seed) for seed in seeds[some]]
        drawn = pipeline(
            list(prompts[some]), width=size[0], height=size[1], num_inference_steps=8, guidance_scale=0.0,
            generator=noise, output_type="pt",
        )  # fmt: skip
        rows.append(drawn.images.float().cpu())
    return torch.cat(rows)


def image(picture: Tensor) -> Image.Image:
    """One (3, height, width) picture in 0..1 to look at."""
    return Image.fromarray((picture * 255).round().to(torch.uint8).permute(1, 2, 0).numpy())
