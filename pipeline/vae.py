"""Latents to pixels and back, in fp32 whatever the transformer runs in: lower precision shows as banding."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from torch import Tensor

from core.engine import Frame

TILE = 512  # pixels a side; a decode then takes 0.8 GB for a picture of any size (1024 x 1024 in one go: 3.2 GB)
LARGE = 1536 * 1024  # pixels; beyond, pictures are decoded and encoded in tiles, on every card and in every memory tier


def decode(vae: AutoencoderKL, latents: Tensor, tiled: bool = False) -> Frame:
    """(1, C, h, w) latents of the sampler to a picture; the rounding is diffusers' `VaeImageProcessor`'s.

    `tiled`, and always for pictures that are `LARGE`, bounds the memory it takes, and where tiles meet they are
    blended: other bits, which hardly show. The size alone decides it otherwise, so that no card draws what another
    does not.
    """
    pixels = latents.shape[-1] * latents.shape[-2] * _factor(vae) ** 2
    with _tiles(vae, tiled or pixels > LARGE):
        return to_frame(decode_pixels(vae, latents)[0])


def _factor(vae: AutoencoderKL) -> int:
    """Pixels a latent stands for, a side."""
    return int(2 ** (len(vae.config.block_out_channels) - 1))


@contextmanager
def _tiles(vae: AutoencoderKL, wanted: bool) -> Iterator[None]:
    """diffusers' tiling, which does nothing before its tiles are made smaller than the picture."""
    before = vae.use_tiling, vae.tile_sample_min_size, vae.tile_latent_min_size
    vae.use_tiling, vae.tile_sample_min_size, vae.tile_latent_min_size = wanted, TILE, TILE // _factor(vae)
    try:
        yield
    finally:
        vae.use_tiling, vae.tile_sample_min_size, vae.tile_latent_min_size = before


@torch.inference_mode()
def decode_pixels(vae: AutoencoderKL, latents: Tensor) -> Tensor:
    """(n, C, h, w) latents of the sampler to (n, 3, H, W) fp32 in 0..1."""
    raw = latents.to(vae.dtype) / vae.config.scaling_factor + vae.config.shift_factor
    image: Tensor = vae.decode(raw, return_dict=False)[0]
    return (image * 0.5 + 0.5).clamp(0, 1)


def encode_source(vae: AutoencoderKL, pixels: Tensor, tiled: bool = False) -> Tensor:
    """`encode`, in tiles where memory asks for it and for pictures that are `LARGE`."""
    with _tiles(vae, tiled or pixels.shape[-1] * pixels.shape[-2] > LARGE):
        return encode(vae, pixels)


@torch.inference_mode()
def encode(vae: AutoencoderKL, pixels: Tensor) -> Tensor:
    """(n, 3, H, W) fp32 in -1..1 to the sampler's latents, (n, C, H / f, W / f): the posterior's mean, no sampling."""
    mean = vae.encode(pixels).latent_dist.mean
    return (mean - vae.config.shift_factor) * vae.config.scaling_factor


def to_frame(image: Tensor) -> Frame:
    """(3, H, W) in 0..1 to a frame; only bytes leave the device."""
    pixels = to_bytes(image)
    return Frame(width=pixels.shape[1], height=pixels.shape[0], rgb=pixels.tobytes())


def to_bytes(image: Tensor) -> NDArray[np.uint8]:
    """(3, H, W) in 0..1 to (H, W, 3) bytes on the host."""
    pixels: NDArray[np.uint8] = (image * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().cpu().numpy()
    return pixels
