"""Models to measure on: random weights (speed does not depend on their values) in the real architecture."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, ZImagePipeline, ZImageTransformer2DModel
from safetensors.torch import save_file
from torch import nn
from transformers import AutoModel, AutoTokenizer, Qwen3Config

from pipeline.describe import describe
from pipeline.engine import TorchEngine
from pipeline.model import Model

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "demo" / "model"
MIDDLE = {"dim": 640, "n_layers": 8, "n_refiner_layers": 1, "n_heads": 8, "axes_dims": [16, 32, 32]}
FULL: dict[str, object] = {"dim": 3840, "n_layers": 30, "n_refiner_layers": 2, "n_heads": 30, "axes_dims": [32, 48, 48]}
TINY: dict[str, object] = {"dim": 64, "n_layers": 2, "n_refiner_layers": 1, "n_heads": 2, "axes_dims": [8, 12, 12]}
FULL_PARAMETERS = 6_154_908_736  # of Z-Image-Turbo's transformer
FULL_TEXT = Qwen3Config(
    hidden_size=2560, intermediate_size=9728, num_hidden_layers=36, num_attention_heads=32, num_key_value_heads=8,
    head_dim=128, vocab_size=151_936, max_position_embeddings=40_960, rms_norm_eps=1e-6, tie_word_embeddings=True,
    rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0}, use_cache=False,
)  # fmt: skip
FULL_VAE: dict[str, Any] = {
    "block_out_channels": [128, 256, 512, 512], "layers_per_block": 2, "latent_channels": 16, "norm_num_groups": 32,
    "down_block_types": ["DownEncoderBlock2D"] * 4, "up_block_types": ["UpDecoderBlock2D"] * 4,
    "scaling_factor": 0.3611, "shift_factor": 0.1159, "use_quant_conv": False, "use_post_quant_conv": False,
    "force_upcast": True, "sample_size": 1024,
}  # fmt: skip
FULL_SCHEDULER: dict[str, Any] = {"num_train_timesteps": 1000, "shift": 3.0, "use_dynamic_shifting": False}


def random_engine(full: bool = False, previews: bool = True) -> TorchEngine:
    """The demo model with its transformer replaced by a random one of 60 M, or 6.2 B (`full`), parameters."""
    engine = TorchEngine(describe(str(DEMO)), ROOT / "lora", previews=previews)
    for _ in engine.load():
        pass
    engine.use(with_random_transformer(engine.model, FULL if full else MIDDLE))
    return engine


def with_random_transformer(model: Model, shape: Mapping[str, object]) -> Model:
    """`model` with another transformer that fits the rest of it."""
    caption = model.transformer.config.cap_feat_dim
    made = random_transformer(model.latent_channels, shape, caption, model.device, model.dtype)
    return replace(model, transformer=made)


def random_transformer(
    channels: int, shape: Mapping[str, object], caption: int, device: torch.device, dtype: torch.dtype
) -> ZImageTransformer2DModel:
    """For latents of so many `channels`, and `caption` features a token of the prompt."""
    with _made_as(dtype, device):
        made = ZImageTransformer2DModel(
            in_channels=channels, n_kv_heads=shape["n_heads"], cap_feat_dim=caption, axes_lens=[1536, 512, 512], **shape
        )
    return made.eval().requires_grad_(False)


def full_model(device: torch.device, dtype: torch.dtype) -> Model:
    """All of Z-Image-Turbo at its real size, made on the device; only the tokenizer is the demo's."""
    with _made_as(dtype, device):
        text_encoder = AutoModel.from_config(FULL_TEXT, dtype=dtype)
    with _made_as(torch.float32, device):
        vae = AutoencoderKL(**FULL_VAE)
    for module in (text_encoder, vae):
        module.to(device).eval().requires_grad_(False)
    tokenizer = AutoTokenizer.from_pretrained(DEMO / "tokenizer", local_files_only=True)
    scheduler = dict(FlowMatchEulerDiscreteScheduler(**FULL_SCHEDULER).config)
    channels = int(FULL_VAE["latent_channels"])
    transformer = random_transformer(channels, FULL, FULL_TEXT.hidden_size, device, dtype)
    return Model(transformer, text_encoder, tokenizer, vae, scheduler, device, dtype)


@contextmanager
def _made_as(dtype: torch.dtype, device: torch.device) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with device:
            yield
    finally:
        torch.set_default_dtype(before)


def copied(vae: AutoencoderKL, dtype: torch.dtype) -> AutoencoderKL:
    """Another one with the same weights, in `dtype`."""
    with vae.device:
        made = AutoencoderKL.from_config(vae.config)
    made.load_state_dict(vae.state_dict())
    return made.to(dtype=dtype).eval().requires_grad_(False)


def write_styles(folder: Path, transformer: nn.Module, count: int, rank: int, dtype: torch.dtype) -> list[Path]:
    """Small random styles on every linear layer of the main blocks, in diffusers' layout."""
    folder.mkdir(parents=True)
    files = []
    for k in range(count):
        generator = torch.Generator().manual_seed(k)
        tensors = {}
        for name, module in transformer.named_modules():
            if isinstance(module, nn.Linear) and name.startswith("layers."):
                for part, shape in (("A", (rank, module.in_features)), ("B", (module.out_features, rank))):
                    values = torch.randn(shape, generator=generator) * 0.01
                    tensors[f"transformer.{name}.lora_{part}.weight"] = values.to(dtype)
        files.append(folder / f"s{k}.safetensors")
        save_file(tensors, files[-1])
    return files


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
