"""Models to measure on: random weights (speed does not depend on their values) in the real architecture."""

from dataclasses import replace
from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, ZImagePipeline, ZImageTransformer2DModel

from pipeline.describe import describe
from pipeline.engine import TorchEngine
from pipeline.model import Model

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "demo" / "model"
MIDDLE = {"dim": 640, "n_layers": 8, "n_refiner_layers": 1, "n_heads": 8, "axes_dims": [16, 32, 32]}
FULL: dict[str, object] = {"dim": 3840, "n_layers": 30, "n_refiner_layers": 2, "n_heads": 30, "axes_dims": [32, 48, 48]}


def random_engine(full: bool = False, previews: bool = True) -> TorchEngine:
    """The demo model with its transformer replaced by a random one of 60 M, or 6.2 B (`full`), parameters."""
    engine = TorchEngine(describe(str(DEMO)), ROOT / "lora", previews=previews)
    for _ in engine.load():
        pass
    model, shape = engine.model, FULL if full else MIDDLE
    default = torch.get_default_dtype()
    torch.set_default_dtype(model.dtype)
    try:
        with model.device:
            transformer = ZImageTransformer2DModel(
                in_channels=model.latent_channels,
                n_kv_heads=shape["n_heads"],
                cap_feat_dim=model.transformer.config.cap_feat_dim,
                axes_lens=[1024, 512, 512],
                **shape,
            )
    finally:
        torch.set_default_dtype(default)
    engine.use(replace(model, transformer=transformer.eval().requires_grad_(False)))
    return engine


def reference(model: Model) -> ZImagePipeline:
    """diffusers' own pipeline over the very same components."""
    pipeline = ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler.from_config(model.scheduler_config),
        vae=model.vae,
        text_encoder=model.text_encoder,
        tokenizer=model.tokenizer,
        transformer=model.transformer,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def count_parameters(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())
