"""Bind styles to the transformer and off again, without touching a weight of it.

A bound style is a forward hook on each Linear it changes, adding to the output what PEFT's layers add, in the order in
which the styles were given: what `set_adapters` does with several, hence its bits. (To concatenate their ranks into one
product has other bits, and takes memory for every blend.) A blend is therefore nothing to be built, and a strength is a
number that the hooks read. A module without a style has no hook and costs nothing. The module tree and the state dict
stay those of the base model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from pipeline.lora.deltas import Delta, Deltas


@dataclass(slots=True, eq=False)
class _Bound:
    """A style in force; its hooks read the strength at each call."""

    deltas: Deltas
    strength: float


class Slots:
    """What is bound to one transformer. Only the thread that runs the transformer may call it."""

    def __init__(self, transformer: nn.Module) -> None:
        self.transformer = transformer
        self.linears = {name: m for name, m in transformer.named_modules() if isinstance(m, nn.Linear)}
        self._handles: list[RemovableHandle] = []
        self._bound: list[_Bound] = []

    def bind(self, styles: Sequence[tuple[Deltas, float]]) -> None:
        """Make `styles`, each (deltas, strength), the only ones in force; strength 0 is off, bit for bit.

        Raises KeyError for a module that is not there; what was in force then still is.
        """
        wanted = [style for style in styles if style[1] != 0.0]
        if len(wanted) == len(self._bound) and all(
            bound.deltas is deltas for bound, (deltas, _) in zip(self._bound, wanted, strict=True)
        ):
            for bound, (_, strength) in zip(self._bound, wanted, strict=True):
                bound.strength = strength
            return
        bounds = [_Bound(deltas, strength) for deltas, strength in wanted]
        hooks = [(self.linears[module], _adding(delta, b)) for b in bounds for module, delta in b.deltas.items()]
        self.clear()
        self._handles = [linear.register_forward_hook(hook) for linear, hook in hooks]
        self._bound = bounds

    def clear(self) -> None:
        """Back to the base model."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self._bound = []


def _adding(delta: Delta, bound: _Bound) -> Callable[[nn.Module, tuple[Any, ...], Tensor], Tensor]:
    def hook(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        return delta(inputs[0], bound.strength).add_(output)  # in place: the change is the delta's own tensor

    return hook
