"""What a style adds to a linear layer's output, in the arithmetic of PEFT's layers, operation by operation.

Hence their bits: `result + up(down(x)) * scaling` for LoRA; for LoKr and LoHa the product is made anew at each call, as
PEFT does, so that a style of a few megabytes never grows to the size of the model.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.lora.metadata import Scale


class Delta(Protocol):
    """One module's change."""

    def __call__(self, x: Tensor, strength: float) -> Tensor:
        """What to add to the module's output for the input `x`; a tensor of its own, free to be written to."""
        ...


Deltas: TypeAlias = Mapping[str, Delta]


@dataclass(frozen=True, slots=True)
class LowRank:
    """`down` (rank, in), `up` (out, rank)."""

    down: Tensor
    up: Tensor
    scale: Scale

    def __call__(self, x: Tensor, strength: float) -> Tensor:
        change = F.linear(F.linear(x, self.down), self.up)
        scaling = strength * self.scale.alpha / self.scale.divisor
        return change if scaling == 1.0 else change.mul_(scaling)  # times 1 changes no bit


@dataclass(frozen=True, slots=True)
class Kronecker:
    """LoKr: the Kronecker product of two matrices, each whole or as the product of two."""

    first: tuple[Tensor, ...]
    second: tuple[Tensor, ...]
    scale: Scale

    def __call__(self, x: Tensor, strength: float) -> Tensor:
        weight = torch.kron(_product(self.first), _product(self.second))
        return F.linear(x, weight.mul_(strength * self.scale.alpha / self.scale.divisor))


@dataclass(frozen=True, slots=True)
class Hadamard:
    """LoHa: the elementwise product of two low-rank matrices."""

    first: tuple[Tensor, Tensor]
    second: tuple[Tensor, Tensor]
    scale: Scale

    def __call__(self, x: Tensor, strength: float) -> Tensor:
        weight = _product(self.first).mul_(_product(self.second))
        return F.linear(x, weight.mul_(strength * self.scale.alpha / self.scale.divisor))


def build(parts: Mapping[str, Tensor], scale: Scale) -> Delta:
    """The change that these canonical parts make. Raises KeyError when one is missing."""
    if "down" in parts:
        return LowRank(parts["down"], parts["up"], scale)
    if "h1_a" in parts:
        return Hadamard((parts["h1_a"], parts["h1_b"]), (parts["h2_a"], parts["h2_b"]), scale)
    return Kronecker(_factor(parts, "w1"), _factor(parts, "w2"), scale)


def _factor(parts: Mapping[str, Tensor], which: str) -> tuple[Tensor, ...]:
    return (parts[which],) if which in parts else (parts[which + "_a"], parts[which + "_b"])


def _product(factor: tuple[Tensor, ...]) -> Tensor:
    return factor[0] if len(factor) == 1 else factor[0] @ factor[1]
