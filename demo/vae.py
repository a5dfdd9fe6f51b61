"""Stage 1: the autoencoder, trained on pictures in every style and on textures."""

from functools import cache
from pathlib import Path
from random import Random

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor

from demo import linear
from demo.device import half
from demo.draw import STYLES, Subject, draw_batch
from demo.loop import Plan, checkpoint, train
from demo.portraits import random_portrait
from demo.scenes import random_scene
from demo.textures import textures

LATENT_CHANNELS = 16
CHANNELS = (32, 32, 64, 128, 128)  # 16 at full size would be slower: bf16 convolutions take 32 at once (measured)
FACTOR = 2 ** (len(CHANNELS) - 1)
SIDE, CROP = 256, 128
WHOLE_FROM = 0.85  # of the steps; then whole pictures, whose statistics group norm has to know
TEXTURES = 0.3  # of the pool
SEEN_FIRST = 200  # pictures that the linear code is made of
BASE_LOOK = 0.5  # of the drawn pictures; the rest is shared by the styles


def build(latent_channels: int = LATENT_CHANNELS) -> AutoencoderKL:
    """An untrained autoencoder: 4.0 M parameters, 16x downsampling, fp32.

    Two groups in the norms, not eight: small groups forget a picture's absolute colours (measured: 2 dB after 700
    steps).
    """
    return AutoencoderKL(
        block_out_channels=CHANNELS,
        down_block_types=("DownEncoderBlock2D",) * len(CHANNELS),
        up_block_types=("UpDecoderBlock2D",) * len(CHANNELS),
        layers_per_block=1,
        latent_channels=latent_channels,
        norm_num_groups=2,
        use_quant_conv=False,
        use_post_quant_conv=False,
        force_upcast=False,
        shift_factor=0.0,
        scaling_factor=1.0,
    )


def random_subject(rng: Random, aspect: float = 1.0) -> Subject:
    """A portrait, when the picture is not wide, or a little scene."""
    return random_portrait(rng) if aspect <= 1 and rng.random() < 0.4 else random_scene(rng, aspect)


def fit(vae: AutoencoderKL, plan: Plan, pictures: int, batch: int, folder: Path) -> bool:
    """Train `vae` in place on `batch` crops a step, then on whole pictures; False when its minutes ran out.

    Ends by measuring `shift_factor` and `scaling_factor`, so that latents have mean 0 and deviation 1.
    """
    vae.to(memory_format=torch.channels_last)  # a third faster on a processor (measured)

    @cache
    def pool() -> Tensor:
        return picture_pool(pictures, vae.device)

    def loss_at(step: int) -> Tensor:
        chance = torch.Generator().manual_seed(step)
        whole = step >= WHOLE_FROM * plan.steps
        count, side = (max(1, batch * CROP**2 // SIDE**2), SIDE) if whole else (batch, CROP)
        return _loss(vae, _crops(pool(), count, side, chance), chance)

    if plan.steps and not checkpoint("vae", folder).exists():
        linear.start(vae, _signed(pool()[:: max(1, pictures // SEEN_FIRST)]))
    done = train("vae", list(vae.parameters()), loss_at, plan, folder)
    measure(vae)
    return done


def measure(vae: AutoencoderKL) -> None:
    """Set the scale and shift of latents from a few pictures in the base look."""
    subjects = [random_subject(Random(f"measured {k}")) for k in range(48)]
    pictures = 2 * draw_batch(subjects, SIDE, SIDE, device=vae.device) - 1
    with torch.inference_mode():
        latents = torch.cat([vae.encode(p[None]).latent_dist.mean.flatten() for p in pictures])
    vae.register_to_config(shift_factor=float(latents.mean()), scaling_factor=float(1 / latents.std()))


def picture_pool(count: int, device: torch.device) -> Tensor:
    """(count, 3, 256, 256) uint8: drawn pictures in every style, then textures. The same for the same count."""
    drawn = int(count * (1 - TEXTURES))
    pool = torch.empty((count, 3, SIDE, SIDE), dtype=torch.uint8, device=device)
    rng = Random("vae pool")
    step = 64
    for first in range(0, drawn, step):
        size = min(step, drawn - first)
        style = "" if rng.random() < BASE_LOOK else rng.choice(STYLES[1:])
        subjects = [random_subject(Random(f"picture {first + k}")) for k in range(size)]
        pool[first : first + size] = _bytes(draw_batch(subjects, SIDE, SIDE, style, device))
    for first in range(drawn, count, step):
        size = min(step, count - first)
        pool[first : first + size] = _bytes(textures(size, SIDE, first, device))
    return pool


def _bytes(pictures: Tensor) -> Tensor:
    return (pictures * 255).round().to(torch.uint8)


def _signed(pictures: Tensor) -> Tensor:
    """uint8 to -1..1, laid out as convolutions like it."""
    return (pictures.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def _crops(pool: Tensor, count: int, side: int, chance: torch.Generator) -> Tensor:
    """(count, 3, side, side) in -1..1, from random places of random pictures, half of them mirrored."""
    rows = torch.randint(len(pool), (count,), generator=chance).tolist()
    corners = torch.randint(SIDE - side + 1, (count, 2), generator=chance).tolist()
    cut = [pool[r, :, y : y + side, x : x + side] for r, (y, x) in zip(rows, corners, strict=True)]
    cut[::2] = [c.flip(-1) for c in cut[::2]]
    return _signed(torch.stack(cut))


def _loss(vae: AutoencoderKL, pixels: Tensor, chance: torch.Generator) -> Tensor:
    """L1, squares and edges, and a little KL."""
    with half(pixels.device):
        posterior = vae.encode(pixels).latent_dist
        noise = torch.randn(posterior.mean.shape, generator=chance).to(pixels.device)
        decoded = vae.decode(posterior.mean + posterior.std * noise).sample
    decoded = decoded.float()
    kl = posterior.kl().float().mean() / posterior.mean[0].numel()
    return F.l1_loss(decoded, pixels) + 0.5 * _edges(decoded, pixels) + 2 * F.mse_loss(decoded, pixels) + 1e-4 * kl


def _edges(a: Tensor, b: Tensor) -> Tensor:
    """L1 between the pictures' gradients, at full and at half size: keeps outlines crisp."""
    loss = a.new_zeros(())
    for _ in range(2):
        loss = loss + F.l1_loss(a.diff(dim=2), b.diff(dim=2)) + F.l1_loss(a.diff(dim=3), b.diff(dim=3))
        a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    return loss


def psnr(vae: AutoencoderKL, pictures: Tensor) -> float:
    """dB between (n, 3, H, W) `pictures` in 0..1 and what the autoencoder makes of them; the mean over pictures."""
    with torch.inference_mode():
        rows = []
        for picture in pictures.to(vae.device):
            again = vae.decode(vae.encode(2 * picture[None] - 1).latent_dist.mean).sample[0]
            rows.append(-10 * torch.log10((again * 0.5 + 0.5).clamp(0, 1).sub(picture).square().mean()))
    return float(torch.stack(rows).mean())
