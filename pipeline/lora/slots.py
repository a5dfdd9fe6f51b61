"""Bind styles to the transformer and off again, without touching a weight of it.

A bound style is a forward hook on each Linear it changes, adding `up(down(x)) * scaling` to the output: the arithmetic
of PEFT's LoRA layer, operation by operation, hence its bits. A module without a style has no hook and costs nothing;
PEFT's wrappers cost host time also when idle. The module tree and the state dict stay those of the base model.
"""

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from pipeline.lora.keys import Delta, Deltas


class Slots:
    """What is bound to one transformer. Only the thread that runs the transformer may call it."""

    def __init__(self, transformer: nn.Module) -> None:
        self.linears = {name: m for name, m in transformer.named_modules() if isinstance(m, nn.Linear)}
        self._handles: list[RemovableHandle] = []
        self._bound: tuple[tuple[str, float], ...] = ()

    def bind(self, styles: Sequence[tuple[str, Deltas, float]]) -> None:
        """Make `styles`, each (identity, deltas, strength), the only ones in force; strength 0 is off, bit for bit."""
        active = [s for s in styles if s[2] != 0.0]
        wanted = tuple((identity, strength) for identity, _, strength in active)
        if wanted == self._bound:
            return
        self.clear()
        for _, deltas, strength in active:
            for module, delta in deltas.items():
                self._handles.append(self.linears[module].register_forward_hook(_adding(delta, strength)))
        self._bound = wanted

    def clear(self) -> None:
        """Back to the base model."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._bound = ()


def _adding(delta: Delta, strength: float) -> Any:
    down, up, scaling = delta.down, delta.up, delta.scaling * strength

    def hook(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return output + F.linear(F.linear(args[0], down), up) * scaling

    return hook
