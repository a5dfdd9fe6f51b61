"""Where training runs, and how much of it: one place for what differs between a graphics card and a processor."""

from contextlib import AbstractContextManager

import torch


def best_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def half(device: torch.device) -> AbstractContextManager[None]:
    """Matrix products in bf16, where both kinds of device are fast."""
    return torch.autocast(device.type, torch.bfloat16)
