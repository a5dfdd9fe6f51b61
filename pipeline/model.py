"""Load the base model once, each component in its own dtype, and refuse one that cannot draw.

Weights are read from safetensors only: a pickle is never opened, code beside a model never run.
"""

import logging
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, ZImageTransformer2DModel
from diffusers.utils import logging as diffusers_logging
from safetensors import SafetensorError
from torch import nn
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_logging

from core.engine import ModelInfo
from core.errors import N_, UserError
from pipeline.describe import locate

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Model:
    """The loaded components. Read-only by agreement: whoever needs a scheduler makes one from `scheduler_config`."""

    transformer: ZImageTransformer2DModel
    text_encoder: nn.Module
    tokenizer: Any
    vae: AutoencoderKL
    scheduler_config: dict[str, Any]
    device: torch.device
    dtype: torch.dtype

    @property
    def latent_channels(self) -> int:
        return int(self.transformer.in_channels)

    @property
    def vae_scale_factor(self) -> int:
        """Pixels a side of one latent pixel."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))


def pick_device(wanted: str) -> torch.device:
    """`wanted` is "auto", "cuda", "mps" or "cpu". Raises UserError when it is not there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return torch.device(next(name for name, available in there.items() if available))
    if not there.get(wanted, False):
        raise UserError(
            N_('There is no device "{device}" that torch can use here. Set [model] device to "auto".'), device=wanted
        )
    return torch.device(wanted)


def pick_dtype(device: torch.device) -> torch.dtype:
    """bf16 where the device has it, else fp32. Never fp16: it overflows inside the transformer (black pictures)."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return torch.bfloat16 if device.type == "mps" else torch.float32


def load(info: ModelInfo, device: torch.device) -> Generator[float, None, Model]:
    """Yields the fraction done and returns the model for `device`, still in the host's memory.

    Raises UserError, naming the component that cannot be used.
    """
    folder = locate(info.path, weights=True)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # ours is what people see
    diffusers_logging.disable_progress_bar()
    dtype = pick_dtype(device)
    yield 0.05
    transformer = _component(folder, "transformer", ZImageTransformer2DModel, dtype)
    yield 0.55
    text_encoder = _component(folder, "text_encoder", AutoModel, dtype)
    yield 0.85
    vae = _component(folder, "vae", AutoencoderKL, torch.float32)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
        scheduler = FlowMatchEulerDiscreteScheduler.from_pretrained(folder / "scheduler", local_files_only=True)
    except Exception as error:
        raise _unusable("tokenizer, scheduler", error) from error
    if device.type == "cuda":  # cuDNN would run fp32 convolutions in TF32, which shows in a decode
        torch.backends.cudnn.allow_tf32 = False
    yield 0.95
    return Model(transformer, text_encoder, tokenizer, vae, dict(scheduler.config), device, dtype)


def _component(folder: Path, name: str, kind: Any, dtype: torch.dtype) -> Any:
    try:
        module, report = kind.from_pretrained(
            folder / name, dtype=dtype, use_safetensors=True, local_files_only=True, output_loading_info=True
        )
    except torch.OutOfMemoryError:
        raise
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
        raise _unusable(name, error) from error
    if missing := sorted(report["missing_keys"]) + sorted(map(str, report.get("mismatched_keys", ()))):
        raise _unusable(name, ValueError(f"{len(missing)} weights are missing or misshapen, {missing[0][:80]} first"))
    module = module.eval().requires_grad_(False)
    for key, weight in module.named_parameters():
        if not torch.isfinite(weight).all():
            raise _unusable(name, ValueError(f"{key} holds values that are not numbers"))
    return module


def _unusable(name: str, error: Exception) -> UserError:
    log.error("model component %s cannot be used", name, exc_info=error)
    return UserError(
        N_("The model's {component} cannot be used: {why}. Fetch the model again, or change [model] path."),
        component=name,
        why=(str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip("."),
    )
