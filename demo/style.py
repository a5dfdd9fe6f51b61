"""Stage 3: a style, as a LoRA trained on the same scenes drawn in that style."""

from pathlib import Path
from random import Random

import torch
from diffusers import AutoencoderKL, ZImageTransformer2DModel
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors.torch import save_file
from torch import Tensor
from transformers import PreTrainedTokenizerFast, Qwen3Model

from demo.base import LONGEST, cached_latents, flow_loss, quicken, scene_at
from demo.captions import caption
from demo.loop import train
from demo.text import embed

RANK = 8
BATCH = 16
SIZE = (128, 128)
SCENES = 4_000
TARGETS = ["to_q", "to_k", "to_v", "to_out.0", "w1", "w2", "w3"]


def fit(
    style: str,
    vae: AutoencoderKL,
    tokenizer: PreTrainedTokenizerFast,
    encoder: Qwen3Model,
    transformer: ZImageTransformer2DModel,
    folder: Path,
    steps: int,
) -> dict[str, Tensor]:
    """Train one style; returns the LoRA's tensors under diffusers' names. `transformer` keeps the adapter."""
    torch.manual_seed(3)
    transformer.requires_grad_(False)
    encoder.requires_grad_(False)
    transformer.add_adapter(
        LoraConfig(r=RANK, lora_alpha=RANK, target_modules=TARGETS, init_lora_weights="gaussian"), adapter_name=style
    )
    latents = cached_latents(vae, SIZE, SCENES, folder, style)
    quicken(transformer)

    def loss_at(step: int) -> Tensor:
        rng = Random(f"{style} {step}")
        rows = [rng.randrange(SCENES) for _ in range(BATCH)]
        prompts = [caption(scene_at(SIZE, i), rng) for i in rows]
        prompts = [f"{style}, {p}" if rng.random() < 0.3 else p for p in prompts]
        with torch.no_grad():
            embeds = embed(encoder, tokenizer, prompts, LONGEST)
        return flow_loss(transformer, latents[rows].float(), embeds, torch.Generator().manual_seed(step))

    trained = [p for p in transformer.parameters() if p.requires_grad]
    train(style, trained, loss_at, steps=steps, learning_rate=2e-3, folder=folder, ema_decay=0.99, warmup=50)
    state = get_peft_model_state_dict(transformer, adapter_name=style)
    return {f"transformer.{k}": v.to(torch.bfloat16).contiguous() for k, v in state.items()}


def write(tensors: dict[str, Tensor], file: Path) -> None:
    save_file(tensors, file, metadata={"format": "pt"})
