"""The weights in the tree are diffusers' own: plain diffusers loads them, styles too, and draws the same every time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from diffusers import ZImagePipeline

PROMPTS = ("a red house on a green meadow", "a blue boat on the sea at sunset", "一颗黄色的星星，夜晚，雪地")
SIDE = 128


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """The number of threads decides in which order numbers are summed, and so the last bits of a picture."""
    usual = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(usual)


def load(demo_model: Path) -> ZImagePipeline:
    pipeline = ZImagePipeline.from_pretrained(demo_model, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def drawn(pipeline: ZImagePipeline, prompt: str) -> torch.Tensor:
    noise = torch.Generator().manual_seed(7)
    size = {"height": SIDE, "width": SIDE, "num_inference_steps": 8, "guidance_scale": 0.0}
    return pipeline(prompt, generator=noise, output_type="pt", **size).images


def test_three_prompts_give_the_same_bits_each_time_the_model_is_loaded(demo_model: Path) -> None:
    first, second = load(demo_model), load(demo_model)
    for prompt in PROMPTS:
        assert torch.equal(drawn(first, prompt), drawn(second, prompt))


def test_every_style_loads_and_changes_the_picture(demo_model: Path, demo_styles: Path) -> None:
    pipeline = load(demo_model)
    plain = drawn(pipeline, PROMPTS[0])
    files = sorted(demo_styles.glob("*.safetensors"))
    assert files
    for file in files:
        pipeline.load_lora_weights(str(demo_styles), weight_name=file.name)
        assert (drawn(pipeline, PROMPTS[0]) - plain).abs().mean() > 0.01, file.stem
        pipeline.unload_lora_weights()
    assert torch.equal(drawn(pipeline, PROMPTS[0]), plain)
