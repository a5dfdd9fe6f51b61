"""Stage 1: the autoencoder, trained on scenes in every style and on procedural textures."""

from functools import cache
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

LATENT_CHANNELS = 16
SIDE = 128
SIZES = ((SIDE, SIDE), (160, 96), (96, 160))  # width, height: 64 or 60 latent patches, so every sequence pads to 64
PICTURES = 5_000
CROP, CROPS, WHOLE = 64, 16, 8  # most steps see sixteen crops: four times as many steps for the same work
WHOLE_FROM = 0.88  # of the steps; then whole pictures, whose statistics group norm has to know


def build() -> AutoencoderKL:
    """An untrained autoencoder: 1.7 M parameters, 8x downsampling, 16 latent channels, fp32.

    Two groups in the norms, not eight: small groups forget a picture's absolute colours (measured: 2 dB after 700
    steps). Sixteen channels, not eight: another 1 dB.
    """
    return AutoencoderKL(
        block_out_channels=(16, 32, 64, 96),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=2,
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
        pixels = batch(step, whole=step >= WHOLE_FROM * steps)
        with torch.autocast("cpu", torch.bfloat16):
            posterior = vae.encode(pixels).latent_dist
            noise = torch.Generator().manual_seed(step)
            spread = posterior.std * torch.randn(posterior.mean.shape, generator=noise)
            decoded = vae.decode(posterior.mean + spread).sample
        decoded = decoded.float()
        kl = posterior.kl().float().mean() / posterior.mean[0].numel()
        return F.l1_loss(decoded, pixels) + 0.5 * _edges(decoded, pixels) + 2 * F.mse_loss(decoded, pixels) + 1e-4 * kl

    train("vae", list(vae.parameters()), loss_at, steps=steps, learning_rate=1.5e-3, folder=folder, ema_decay=0.998)
    vae.eval().requires_grad_(False)
    with torch.inference_mode():
        latents = torch.cat([vae.encode(batch(-k - 1, whole=True)).latent_dist.mean.flatten() for k in range(24)])
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


def batch(step: int, whole: bool) -> Tensor:
    """(16, 3, 64, 64) crops or (8, 3, 128, 128) whole pictures of training step `step`."""
    rng = Random(f"vae {step}")
    pictures = []
    for _ in range(WHOLE if whole else CROPS):
        picture = _texture(rng) if rng.random() < 0.1 else to_tensor(_pool()[rng.randrange(PICTURES)])
        if not whole:
            y, x = rng.randint(0, SIDE - CROP), rng.randint(0, SIDE - CROP)
            picture = picture[:, y : y + CROP, x : x + CROP]
        pictures.append(picture)
    return torch.stack(pictures)


@cache
def _pool() -> list["np.ndarray"]:
    """Scenes of every style at 128x128, drawn once (20 s, 250 MB)."""
    pictures = []
    for k in range(PICTURES):
        rng = Random(f"picture {k}")
        style = rng.choices(STYLES, (0.6, 0.2, 0.2))[0]
        pictures.append(draw(random_scene(rng), SIDE, SIDE, style))
    return pictures


def _texture(rng: Random) -> Tensor:
    """Coloured noise of a random scale over a gradient, so that the latents can carry more than scenes."""
    noise = torch.Generator().manual_seed(rng.getrandbits(32))
    cells = rng.choice((2, 4, 8, 16, 32))
    small = torch.randn((1, 3, cells, cells), generator=noise)
    blobs = F.interpolate(small, (SIDE, SIDE), mode="bicubic", align_corners=False)[0]
    corners = torch.randn((1, 3, 2, 2), generator=noise)
    slope = F.interpolate(corners, (SIDE, SIDE), mode="bilinear", align_corners=True)[0]
    return (0.45 * blobs * rng.random() + 0.55 * slope).clamp(-1, 1)
