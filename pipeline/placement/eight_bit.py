"""A block's weights in 8 bits, unpacked for each use: half the memory of bf16, and other pixels.

Matrices are kept as fp8 (e4m3: 4 bits of exponent, 3 of mantissa), each row times a power of two that brings its
largest number to the top of the range. Powers of two are exact in bf16 too, so what is lost is what 3 bits of mantissa
lose: at most 6 % of a weight. All that is no matrix stays as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.placement.block import Block

_KIND = torch.float8_e4m3fn
_MOST = 448.0  # the largest number of it


@dataclass(frozen=True, slots=True)
class _Packed:
    """`scale` is (rows, 1), or None for a weight that is kept as it is."""

    numbers: Tensor
    scale: Tensor | None

    def to(self, device: torch.device) -> "_Packed":
        scale = None if self.scale is None else self.scale.to(device, non_blocking=True)
        return _Packed(self.numbers.to(device, non_blocking=True), scale)

    def pinned(self) -> "_Packed":
        return _Packed(_pinned(self.numbers), None if self.scale is None else _pinned(self.scale))

    @property
    def nbytes(self) -> int:
        return self.numbers.nbytes + (0 if self.scale is None else self.scale.nbytes)


class InEightBits:
    """A block's home: on the device while its component has its turn, in the host's memory before and after."""

    def __init__(self, block: Block, device: torch.device) -> None:
        self._device = device
        packed = {name: pack(weight.data) for name, weight in block.weights.items()}
        self._host = {name: weight.pinned() for name, weight in packed.items()} if device.type == "cuda" else packed
        self.nbytes = sum(weight.nbytes for weight in packed.values())
        self._there: Mapping[str, _Packed] | None = None

    def come(self) -> None:
        if self._there is None:
            self._there = {name: weight.to(self._device) for name, weight in self._host.items()}

    def leave(self) -> None:
        self._there = None

    def fill(self, run: Tensor, views: Mapping[str, Tensor]) -> None:
        self.come()
        for name, weight in (self._there or {}).items():
            views[name].copy_(weight.numbers)
            if weight.scale is not None:
                views[name].mul_(weight.scale)


def _pinned(tensor: Tensor) -> Tensor:
    try:
        return tensor.view(torch.uint8).pin_memory().view(tensor.dtype)
    except RuntimeError:  # the system limits how much may be pinned: slower, but right
        return tensor


@torch.inference_mode(False)
def pack(weight: Tensor) -> _Packed:
    """A matrix (rows, columns) in 8 bits, anything else as it is; on the CPU."""
    if weight.dim() != 2:
        return _Packed(weight.detach().cpu().clone(), None)
    matrix = weight.detach().cpu()
    largest = matrix.abs().amax(dim=1, keepdim=True).float().clamp(min=torch.finfo(torch.bfloat16).tiny * _MOST)
    scale = torch.exp2(torch.ceil(torch.log2(largest / _MOST)))
    return _Packed((matrix.float() / scale).to(_KIND), scale.to(weight.dtype))
