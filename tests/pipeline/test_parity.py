"""The same request gives the same bits as diffusers' own pipeline, whatever else runs in between."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from diffusers import ZImagePipeline
from PIL import Image

from core.engine import Event, Picture
from core.request import GenerationRequest, StyleUse
from pipeline.engine import TorchEngine
from tests.pipeline.conftest import draw, request

ROOT = Path(__file__).parents[2]


def reference_bytes(pipeline: ZImagePipeline, wanted: GenerationRequest) -> bytes:
    return (
        pipeline(
            wanted.prompt,
            negative_prompt=wanted.negative_prompt,
            width=wanted.width,
            height=wanted.height,
            num_inference_steps=wanted.num_inference_steps,
            guidance_scale=wanted.guidance_scale,
            generator=torch.Generator("cpu").manual_seed(wanted.seed),
        )
        .images[0]
        .tobytes()
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"seed": 0, "num_inference_steps": 1},
        {"seed": 2**53 - 1, "num_inference_steps": 9},
        {"width": 160, "height": 96},
        {"width": 96, "height": 160, "num_inference_steps": 3},
        {"width": 224, "height": 64},
        {"guidance_scale": 1.5},
        {"guidance_scale": 4.0, "negative_prompt": "a blue boat", "num_inference_steps": 3},
        {"prompt": "一只橙色的猫，紫色背景 🐈"},
        {"prompt": "a cat\n\twith a very long tail, " * 6},
    ],
    ids=str,
)
def test_a_request_gives_the_bits_of_the_reference_pipeline(
    engine: TorchEngine, reference: ZImagePipeline, changes: dict[str, object]
) -> None:
    wanted = request(**changes)
    assert draw(engine, wanted).rgb == reference_bytes(reference, wanted)


@pytest.mark.parametrize("strength", [1.0, 0.35, -0.5])
def test_a_style_gives_the_bits_of_peft(
    engine: TorchEngine, reference: ZImagePipeline, demo_styles: Path, strength: float
) -> None:
    wanted = request(styles=(StyleUse("sketch", strength),))
    reference.load_lora_weights(str(demo_styles), weight_name="sketch.safetensors", adapter_name="sketch")
    reference.set_adapters(["sketch"], [strength])
    styled = draw(engine, wanted).rgb
    assert styled == reference_bytes(reference, wanted)
    assert styled != draw(engine, request()).rgb


def test_interleaved_requests_give_the_bits_of_each_alone(engine: TorchEngine) -> None:
    wanted = [
        request(seed=1),
        request("a blue boat at night", seed=2, styles=(StyleUse("cartoon", 0.8),), num_inference_steps=5),
        request("a cat", width=160, height=96, guidance_scale=2.0, styles=(StyleUse("sketch"),)),
    ]
    alone = [draw(engine, w).rgb for w in wanted]
    running = [engine.generate(w) for w in wanted]
    last: list[Event | None] = [None] * len(wanted)
    while any(not isinstance(event, Picture) for event in last):
        for k, events in enumerate(running):
            if not isinstance(last[k], Picture):
                last[k] = next(events)
    assert [event.frame.rgb for event in last if isinstance(event, Picture)] == alone


def test_global_seeds_of_torch_change_nothing(engine: TorchEngine) -> None:
    torch.manual_seed(1)
    first = draw(engine, request()).rgb
    torch.manual_seed(2)
    before = torch.get_rng_state()
    assert draw(engine, request()).rgb == first
    assert torch.equal(torch.get_rng_state(), before)


def test_a_seed_gives_the_same_picture_in_a_fresh_process(engine: TorchEngine, tmp_path: Path) -> None:
    wanted = request(seed=11, styles=(StyleUse("cartoon", 0.7),))
    output = tmp_path / "out.png"
    command = [sys.executable, "-m", "studio", "draw", wanted.prompt, "-o", str(output), "--seed", "11", "--steps", "4"]
    subprocess.run([*command, "--style", "cartoon:0.7", "--size", "128x128"], cwd=ROOT, check=True)
    with Image.open(output) as image:
        assert image.tobytes() == draw(engine, wanted).rgb
