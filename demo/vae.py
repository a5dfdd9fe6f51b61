"""Stage 1: the autoencoder, trained on scenes in every style and on procedural textures."""

from pathlib import Path
from random import Random

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor

from demo.draw import STYLES, draw
from demo.loop import train
from demo.scenes import random_scene

LATENT_CHANNELS = 8
SIZES = ((128, 128), (160, 96), (96, 160))  # width, height: 64 or 60 latent patches, so every sequence pads to 64
BATCH = 8


def build() -> AutoencoderKL:
    """An untrained autoencoder: 1.7 M parameters, 8x downsampling, 8 latent channels, fp32."""
    return AutoencoderKL(
        block_out_channels=(16, 32, 64, 96),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=8,
        use_quant_conv=False,
        use_post_quant_conv=False,
        force_upcast=False,
        shift_factor=0.0,
        scaling_factor=1.0,
    )


def fit(folder: Path, steps: int) -> AutoencoderKL:
    """Train, then measure `shift_factor` and `scaling_factor` so that latents have mean 0 and deviation 1."""
    torch.manual_seed(1)
    vae = build()

    def loss_at(step: int) -> Tensor:
        pixels = batch(step)
        with torch.autocast("cpu", torch.bfloat16):
            posterior = vae.encode(pixels).latent_dist
            noise = torch.Generator().manual_seed(step)
            spread = 0.5 * posterior.std * torch.randn(posterior.mean.shape, generator=noise)
            decoded = vae.decode(posterior.mean + spread).sample
        decoded = decoded.float()
        kl = posterior.kl().float().mean() / posterior.mean[0].numel()
        return F.l1_loss(decoded, pixels) + 0.5 * _edges(decoded, pixels) + F.mse_loss(decoded, pixels) + 1e-5 * kl

    train("vae", list(vae.parameters()), loss_at, steps=steps, learning_rate=1.5e-3, folder=folder, ema_decay=0.998)
    vae.eval().requires_grad_(False)
    with torch.inference_mode():
        latents = torch.cat([vae.encode(batch(-k - 1)).latent_dist.mean.flatten() for k in range(24)])
    vae.register_to_config(shift_factor=float(latents.mean()), scaling_factor=float(1 / latents.std()))
    return vae


def _edges(a: Tensor, b: Tensor) -> Tensor:
    """L1 between the pictures' gradients, at full and at half size: keeps outlines crisp."""
    loss = torch.zeros(())
    for _ in range(2):
        loss = loss + F.l1_loss(a.diff(dim=2), b.diff(dim=2)) + F.l1_loss(a.diff(dim=3), b.diff(dim=3))
        a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    return loss


def to_tensor(pixels: "np.ndarray") -> Tensor:
    """(height, width, 3) uint8 -> (3, height, width) float32 in -1..1."""
    return torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1) / 127.5 - 1


def batch(step: int) -> Tensor:
    """(8, 3, height, width): the pictures of training step `step`."""
    rng = Random(f"vae {step}")
    width, height = rng.choices(SIZES, (0.7, 0.15, 0.15))[0]
    pictures = []
    for _ in range(BATCH):
        if rng.random() < 0.1:
            pictures.append(_texture(rng, width, height))
        else:
            style = rng.choices(STYLES, (0.6, 0.2, 0.2))[0]
            pictures.append(to_tensor(draw(random_scene(rng, width / height), width, height, style)))
    return torch.stack(pictures)


def _texture(rng: Random, width: int, height: int) -> Tensor:
    """Coloured noise of a random scale over a gradient, so that the latents can carry more than scenes."""
    noise = torch.Generator().manual_seed(rng.getrandbits(32))
    cells = rng.choice((2, 4, 8, 16, 32))
    small = torch.randn((1, 3, cells, cells), generator=noise)
    blobs = F.interpolate(small, (height, width), mode="bicubic", align_corners=False)[0]
    corners = torch.randn((1, 3, 2, 2), generator=noise)
    slope = F.interpolate(corners, (height, width), mode="bilinear", align_corners=True)[0]
    return (0.45 * blobs * rng.random() + 0.55 * slope).clamp(-1, 1)
