"""The latents a picture starts from: noise, or a source with noise on it."""

import torch
from torch import Tensor


def start_noise(seed: int, channels: int, width: int, height: int, vae_scale_factor: int) -> Tensor:
    """(1, channels, height / factor, width / factor) float32 on the CPU.

    Drawn by the request's own generator on the CPU, so that a seed means the same picture on every device and no
    other request can disturb it.
    """
    generator = torch.Generator("cpu").manual_seed(seed)
    shape = (1, channels, height // vae_scale_factor, width // vae_scale_factor)
    return torch.randn(shape, generator=generator, dtype=torch.float32)


def cover_with_noise(clean: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
    """`clean` latents as they are on the way from noise at `sigma`, 0 to 1: flow matching's straight line."""
    return sigma * noise + (1.0 - sigma) * clean
