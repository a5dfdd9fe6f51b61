"""The noise a picture starts from."""

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
