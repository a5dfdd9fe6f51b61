"""Stage 2: the diffusion transformer and the text encoder, trained together by flow matching on a pool of latents."""

from pathlib import Path
from random import Random

import torch
from diffusers import ZImageTransformer2DModel
from torch import Tensor
from transformers import Qwen3Model

from demo.device import half
from demo.flow import blocks, flow_loss, quicken
from demo.loop import Plan, inner_matrices, train
from demo.pool import SHARES, Pool
from demo.text import WIDTH, embed, trained_parameters
from demo.vae import LATENT_CHANNELS


def build() -> ZImageTransformer2DModel:
    """Untrained: 8.8 M parameters, 6 layers of 256 with one refiner each for pixels and words."""
    return ZImageTransformer2DModel(
        in_channels=LATENT_CHANNELS,
        dim=256,
        n_layers=6,
        n_refiner_layers=1,
        n_heads=4,
        n_kv_heads=4,
        cap_feat_dim=WIDTH,
        axes_dims=[16, 24, 24],
        axes_lens=[1024, 64, 64],
    )


def fit(
    transformer: ZImageTransformer2DModel, encoder: Qwen3Model, pools: list[Pool], batch: int, plan: Plan, folder: Path
) -> bool:
    """Train `transformer` and `encoder` in place; False when its minutes ran out."""
    if plan.compiled:
        quicken(transformer)
    device = transformer.device

    def loss_at(step: int) -> Tensor:
        pool = Random(f"base {step}").choices(pools, SHARES)[0]
        chance = torch.Generator(device).manual_seed(step)
        clean, tokens, lengths = pool.batch(batch, chance)
        with half(device):
            embeds, said = embed(encoder, tokens, lengths)
        return flow_loss(transformer, clean, embeds.float(), said, chance)

    inner = inner_matrices([*blocks(transformer), *encoder.layers[:-1]])
    return train("base", trained(transformer, encoder), loss_at, plan, folder, inner)


def trained(transformer: ZImageTransformer2DModel, encoder: Qwen3Model) -> list[torch.nn.Parameter]:
    return [*transformer.parameters(), *trained_parameters(encoder)]
