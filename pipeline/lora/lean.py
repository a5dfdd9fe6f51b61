"""Styles for a transformer whose blocks are compiled: what a style adds is an input of a layer, not code around it.

Each linear layer has three tensors, or none: `down`, `up`, and how much of each rank. Another style, rank, strength or
blend is other tensors, so what was compiled once serves them all; a layer that a style leaves alone gets zeros, or
every set of layers would be compiled anew. The sum is one product with an addend, in place of PEFT's chain: faster, and
other bits in the last place. Where bits are promised, `slots` stays. What has no low rank (LoKr, LoHa) is bound by that
too, and does not run compiled.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.lora.deltas import Deltas, LowRank
from pipeline.lora.slots import Slots

Slot: TypeAlias = tuple[Tensor, Tensor, Tensor]  # down (rank, in), up (out, rank), scaling (rank,) fp32
STEP = 8  # ranks are filled up to multiples of it: matrix units want that, and compilers see 0 and 1 as other code
STEP_OF_ONE_ROW = 32  # where a layer sees one row: up to 16 columns, on a processor, are other code again
KEPT = 4  # blends that are kept made


class LeanLinear(nn.Linear):
    """A linear layer with room for a style; without one it is what it was."""

    style: Slot | None

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        out = F.linear(x, self.weight, self.bias)
        if self.style is None:
            return out
        down, up, scaling = self.style
        inner = (F.linear(x, down) * scaling).to(x.dtype)
        return torch.addmm(out.flatten(0, -2), inner.flatten(0, -2), up.t()).view_as(out)


@dataclass(frozen=True, slots=True, eq=False)
class _Blend:
    """Styles in one; `scaling` is written anew for each set of strengths: `base` times that of the style in `which`."""

    styles: tuple[Deltas, ...]
    slots: Mapping[str, Slot]
    base: Tensor
    which: Tensor
    scaling: Tensor

    def set(self, strengths: Sequence[float]) -> None:
        if len(strengths) == 1:
            torch.mul(self.base, strengths[0], out=self.scaling)
            return
        each = torch.tensor(strengths, dtype=torch.float32).to(self.base.device)
        torch.mul(self.base, each[self.which], out=self.scaling)


class LeanSlots(Slots):
    """`Slots` for a transformer of which `blocks` are compiled. `compiled` says whether what is bound may run so."""

    def __init__(self, transformer: nn.Module, blocks: Sequence[nn.Module]) -> None:
        super().__init__(transformer)
        self.compiled = True
        inside = {id(module) for block in blocks for module in block.modules()}
        self._inside = [name for name, linear in self.linears.items() if id(linear) in inside]
        self._blends: OrderedDict[tuple[int, ...], _Blend] = OrderedDict()
        self._current: _Blend | None = None
        self._nothing: dict[str, Slot] = {}
        self._zeros: dict[tuple[int, int], Slot] = {}
        for linear in self.linears.values():
            linear.__class__ = LeanLinear
        self._empty()

    def bind(self, styles: Sequence[tuple[Deltas, float]]) -> None:
        """As `Slots.bind`."""
        wanted = [style for style in styles if style[1] != 0.0]
        if not all(isinstance(delta, LowRank) for deltas, _ in wanted for delta in deltas.values()):
            self._empty()
            super().bind(wanted)
            self.compiled = False
            return
        blend = self._blend(tuple(deltas for deltas, _ in wanted)) if wanted else None
        if blend is not None:
            blend.set([strength for _, strength in wanted])
        if blend is self._current and self.compiled:
            return
        super().clear()
        self.compiled = True
        if blend is None:
            self._empty()
            return
        self._fill(blend.slots)
        self._current = blend

    def clear(self) -> None:
        """As `Slots.clear`; nothing is kept made."""
        super().clear()
        self._empty()
        self._blends.clear()
        self.compiled = True

    def occupy(self) -> None:
        """Zeros everywhere, of ranks that a compiler shall not take for fixed: what it has to see of a style."""
        for name in self._inside:
            down, up, scaling = self._no_style(name)
            torch._dynamo.mark_dynamic(down, 0)
            torch._dynamo.mark_dynamic(up, 1)
            torch._dynamo.mark_dynamic(scaling, 0)
        self._fill({})

    def leave(self) -> None:
        """The transformer's layers are what they were before; this object is of no more use."""
        self.clear()
        for linear in self.linears.values():
            del linear.__dict__["style"]
            linear.__class__ = nn.Linear

    def _fill(self, slots: Mapping[str, Slot]) -> None:
        for name in self._inside:
            self.linears[name].__dict__["style"] = slots.get(name) or self._no_style(name)
        for name in self.linears.keys() - set(self._inside):
            self.linears[name].__dict__["style"] = slots.get(name)

    def _empty(self) -> None:
        for linear in self.linears.values():
            linear.__dict__["style"] = None
        self._current = None

    def _no_style(self, name: str) -> Slot:
        """Zeros for a layer. Each has tensors of its own, but those of a shape share memory."""
        if name not in self._nothing:
            linear = self.linears[name]
            weight, rows, columns = linear.weight, linear.out_features, linear.in_features
            if (rows, columns) not in self._zeros:
                rank = _step(name)
                scaling = weight.new_zeros(rank, dtype=torch.float32)
                self._zeros[rows, columns] = weight.new_zeros(rank, columns), weight.new_zeros(rows, rank), scaling
            down, up, scaling = self._zeros[rows, columns]
            self._nothing[name] = _apart(down), _apart(up), _apart(scaling)
        return self._nothing[name]

    def _blend(self, styles: tuple[Deltas, ...]) -> _Blend:
        """Made now, unless it is one of the last few. Raises KeyError for a module that is not there."""
        key = tuple(map(id, styles))  # of objects that a blend holds on to, so no other can have it
        blend = self._blends.pop(key, None) or self._made(styles)
        self._blends[key] = blend
        if len(self._blends) > KEPT:
            self._blends.popitem(last=False)
        return blend

    def _made(self, styles: tuple[Deltas, ...]) -> _Blend:
        modules = list(dict.fromkeys(chain.from_iterable(styles)))
        factors: list[tuple[Tensor, Tensor]] = []
        ranks, values, which, lengths = [], list[float](), list[int](), list[int]()
        device = self.linears[modules[0]].weight.device
        for module in modules:
            self.linears[module]  # or a KeyError
            parts = [(k, delta) for k, style in enumerate(styles) if (delta := style.get(module)) is not None]
            rank = 0
            for k, delta in parts:
                assert isinstance(delta, LowRank)  # noqa: S101 (`bind` has looked)
                rank += len(delta.down)
                values.append(delta.scale.alpha / delta.scale.divisor)
                which.append(k)
                lengths.append(len(delta.down))
            spare = -rank % _step(module)
            factors.append(_joined([delta for _, delta in parts if isinstance(delta, LowRank)], spare))
            if spare:
                values.append(0.0)
                which.append(0)
                lengths.append(spare)
            ranks.append(len(factors[-1][0]))
        counts = torch.tensor(lengths)
        base = torch.tensor(values, dtype=torch.float32).repeat_interleave(counts).to(device)
        styles_of = torch.tensor(which).repeat_interleave(counts).to(device)
        scaling = torch.empty_like(base)
        pairs = zip(factors, map(_apart, torch.split(scaling, ranks)), strict=True)
        slots = {module: (*pair, part) for module, (pair, part) in zip(modules, pairs, strict=True)}
        return _Blend(styles, slots, base, styles_of, scaling)


def _step(module: str) -> int:
    return STEP_OF_ONE_ROW if "adaLN" in module else STEP


def _apart(tensor: Tensor) -> Tensor:
    """The same memory as a tensor of its own: no view, and nothing before it. Compilers look at bases and offsets."""
    begin = tensor.storage_offset() * tensor.element_size()
    storage = tensor.untyped_storage()[begin : begin + tensor.nbytes]
    return tensor.new_empty(0).set_(storage, 0, tensor.shape, tensor.stride())


def _joined(parts: Sequence[LowRank], spare: int) -> tuple[Tensor, Tensor]:
    """`down` and `up` of several as one, with `spare` ranks of zeros; of one that needs none, its own."""
    if len(parts) == 1 and not spare:
        return _apart(parts[0].down), _apart(parts[0].up)
    down, up = torch.cat([part.down for part in parts]), torch.cat([part.up for part in parts], 1)
    return F.pad(down, (0, 0, 0, spare)), F.pad(up, (0, spare))
