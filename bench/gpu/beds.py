"""What is measured on: the full-size model where there is a graphics card, else the demo model; or the least of all."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from bench.gpu.rivals import Bed
from bench.models import (
    DEMO,
    FULL_PARAMETERS,
    ROOT,
    TINY,
    count_parameters,
    full_model,
    with_random_transformer,
    write_styles,
)
from pipeline.describe import describe
from pipeline.engine import TorchEngine
from pipeline.model import Model, pick_device, pick_dtype

SIDES = (1024, 512, 2048)  # the most wanted first
SMALL_SIDES = (128, 256)


def full(folder: Path) -> Bed:
    """6.155 B parameters of transformer, 4.02 B of text encoder, and the VAE, with random weights."""
    device = pick_device("cuda")
    torch.backends.cudnn.allow_tf32 = False  # as our engine has it; for diffusers as well, or pictures would differ
    model = full_model(device, pick_dtype(device))
    found = count_parameters(model.transformer)
    if found != FULL_PARAMETERS:
        raise ValueError(f"the transformer has {found:,} parameters, and not {FULL_PARAMETERS:,}")
    sizes = tuple((side, side) for side in SIDES)
    info = replace(describe(str(DEMO)), name="Z-Image-Turbo's size, random weights", size_multiple=16, max_side=4096,
                   sizes=sizes, num_inference_steps=8, knows={}, examples={})  # fmt: skip
    engine = TorchEngine(info, folder, "cuda", previews=False, cache_folder=folder.parent / "cache")
    engine.use(model)
    return Bed(engine, SIDES, 8, 5, 32, write_styles(folder, model.transformer, 2, 32, model.dtype), "inductor")


def demo(folder: Path) -> Bed:
    """The demo model as it is."""
    engine = demo_engine(folder, folder.parent / "cache")
    styles = write_styles(folder, engine.model.transformer, 2, 16, torch.bfloat16)
    return Bed(engine, SMALL_SIDES, 8, 7, 16, styles, "inductor")


def tiny(folder: Path) -> Bed:
    """To see that everything runs; its times mean nothing."""
    engine = demo_engine(folder, folder.parent / "cache")
    engine.use(with_random_transformer(engine.model, TINY))
    styles = write_styles(folder, engine.model.transformer, 2, 4, torch.bfloat16)
    return Bed(engine, (64,), 2, 1, 4, styles, traced)


def demo_engine(styles: Path = ROOT / "lora", cache: Path | None = None) -> TorchEngine:
    """Drawing with the demo model, on the processor."""
    info = describe(str(DEMO))
    info = replace(info, max_side=max(info.max_side, *SMALL_SIDES))
    engine = TorchEngine(info, styles, "cpu", previews=False, cache_folder=cache)
    for _ in engine.load():
        pass
    return engine


def traced(graph: torch.fx.GraphModule, inputs: object) -> Callable[..., object]:
    """A compiler that takes no time: what was traced is run as it is."""
    return graph.forward


def parameters(model: Model) -> dict[str, str]:
    """How large the parts are, as text."""
    parts = {"transformer": model.transformer, "text encoder": model.text_encoder, "VAE": model.vae}
    return {name: f"{count_parameters(part) / 1e9:.4f} B parameters" for name, part in parts.items()}
