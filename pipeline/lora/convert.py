"""A checked file's tensors to the canonical ones, in the model's dtype.

Alpha that stands in a tensor is folded into the weights as diffusers does it, in the file's own dtype and split between
the two, because that is what decides the bits. Alpha from the metadata stays a factor beside them, as in PEFT; so does
that of LoHa, which diffusers does not read.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from pipeline.lora.compiled import TYPE_NAMES, TYPES
from pipeline.lora.container import Entry
from pipeline.lora.inspect import Reading, is_odd, not_numbers
from pipeline.lora.keys import Change
from pipeline.lora.metadata import Scale

# The parts whose rows are the module's: they are split where it was fused.
_ROWS = {"LoRA": ("up",), "LoKr": ("w1", "w1_a"), "LoHa": ("w1_a", "w2_a")}
_CANONICAL = {"w1_a": "h1_a", "w1_b": "h1_b", "w2_a": "h2_a", "w2_b": "h2_b"}  # LoHa's, to tell it from LoKr


def convert(reading: Reading, data: bytearray, dtype: torch.dtype, style: str) -> Iterator[tuple[str, str, Tensor]]:
    """(module, part, tensor) of every change, sorted by module. `data` is the whole file, and stays as it is.

    Raises UserError, naming the style, when values are not finite, or are no longer in this dtype.
    """
    for module in sorted(reading.changes):
        change = reading.changes[module]
        parts = {part: _tensor(data, reading.container.entries[key]) for part, key in change.tensors.items()}
        for part, tensor in _scaled(parts, change, reading).items():
            if change.third is not None and part in _ROWS[change.kind]:
                tensor = tensor.chunk(3)[change.third]
            name = _CANONICAL[part] if change.kind == "LoHa" else part
            tensor = tensor.to(dtype).contiguous()
            if is_odd(
                tensor.view(-1).view(torch.uint8).numpy().data, TYPE_NAMES[dtype]
            ):  # torch's isfinite: 10 times slower
                raise not_numbers(style, change.tensors[part])
            yield module, name, tensor


def scale_of(reading: Reading, module: str) -> Scale:
    """What is left to multiply with, once alpha is folded in."""
    change = reading.changes[module]
    if change.kind == "LoHa" and change.alpha:
        return Scale(reading.alphas[change.alpha], change.rank)
    return reading.scales[module]


def _tensor(data: bytearray, entry: Entry) -> Tensor:
    kind = TYPES[entry.dtype]
    raw = torch.frombuffer(data, dtype=torch.uint8, count=entry.end - entry.start, offset=entry.start)
    tensor = (raw.clone() if entry.start % kind.itemsize else raw).view(kind).view(entry.shape)
    return tensor.float() if kind.itemsize == 1 else tensor  # nothing can be computed in fp8


def _scaled(parts: dict[str, Tensor], change: Change, reading: Reading) -> dict[str, Tensor]:
    if not change.alpha or change.kind == "LoHa":
        return parts
    scale = reading.alphas[change.alpha] / change.rank
    if change.kind == "LoKr":
        first = "w1" if "w1" in parts else "w1_a"
        return parts | {first: parts[first] * scale}
    down, up = _split(scale)
    return parts | {"down": parts["down"] * down, "up": parts["up"] * up}


def _split(scale: float) -> tuple[float, float]:
    """diffusers' way to share a factor between two matrices, so that neither gets too small."""
    down, up = scale, 1.0
    while down * 2 < up:
        down, up = down * 2, up / 2
    return down, up
