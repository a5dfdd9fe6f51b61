"""A style in the form in which it is kept and bound: canonical, in the model's dtype, one block of bytes.

A safetensors file without metadata, written and read here: tensors begin at multiples of 64 bytes (what torch's own
allocations do; a matrix product may give other bits otherwise), and a sum over all of them tells damage. One block
means one copy to a device, and no copy at all on a CPU, where the tensors are the mapped file. The scale of each module
is a row of the tensor `scales` and is not folded in: `up(down(x)) * scaling` has other bits than a scaled `up`.
"""

import json
import mmap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.errors import UserError
from pipeline.lora.container import Entry, open_file, read_container
from pipeline.lora.deltas import Delta, build
from pipeline.lora.metadata import Scale

_ALIGNMENT = 64
TYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2, "I64": torch.int64,
}  # fmt: skip
TYPE_NAMES = {kind: name for name, kind in TYPES.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """A style of content `sha256`. `data` is its block of bytes on the CPU, often a mapped file: it costs no memory
    that the system could not take back."""

    sha256: str
    data: Tensor
    dtype: torch.dtype
    parts: Mapping[str, Mapping[str, Entry]]  # by module, then by part
    scales: Mapping[str, Scale]

    @property
    def nbytes(self) -> int:
        return self.data.numel()

    def deltas(self, data: Tensor) -> dict[str, Delta]:
        """The changes, as views of `data`: this block, wherever it was copied to."""
        numbers = data.view(self.dtype)
        size = self.dtype.itemsize
        deltas: dict[str, Delta] = {}
        for module, parts in self.parts.items():
            views = {part: numbers.as_strided(e.shape, (e.shape[1], 1), e.start // size) for part, e in parts.items()}
            deltas[module] = build(views, self.scales[module])
        return deltas


def pack(tensors: Iterable[tuple[str, str, Tensor]], scales: Mapping[str, Scale], marks: tuple[int, int]) -> bytearray:
    """The bytes of a compiled file. `tensors` are (module, part, tensor), with a scale for each module.

    `marks` are numbers of the model and the content, so that no file can be taken for another.
    """
    head = torch.zeros(_ALIGNMENT // 8, dtype=torch.int64)
    head[1:3] = torch.tensor(marks)
    rows = [[scale.alpha, scale.divisor] for _, scale in sorted(scales.items())]
    blocks = [("checksum", head), ("scales", torch.tensor(rows, dtype=torch.float64))]
    blocks += [(f"{module}.{part}", tensor) for module, part, tensor in tensors]
    header, at = dict[str, Any](), 0
    for name, tensor in blocks:
        end = at + tensor.nbytes
        header[name] = _described(TYPE_NAMES[tensor.dtype], tensor.shape, at, end)
        at = end + -end % _ALIGNMENT
        if at > end:
            header[f"pad.{end}"] = _described("U8", (at - end,), end, at)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % _ALIGNMENT)
    packed = bytearray(8 + len(text) + at)
    packed[:8], packed[8 : 8 + len(text)] = len(text).to_bytes(8, "little"), text
    copied = np.frombuffer(packed, np.uint8, offset=8 + len(text))  # torch would share small copies among threads
    for name, tensor in blocks:
        begin = header[name]["data_offsets"][0]
        copied[begin : begin + tensor.nbytes] = tensor.contiguous().view(-1).view(torch.uint8).numpy()
    data = torch.from_numpy(copied)
    data[:8].view(torch.int64)[0] = _checksum(data)
    return packed


def unpack(
    packed: bytearray | mmap.mmap, sha256: str, dtype: torch.dtype, marks: tuple[int, int], verify: bool = False
) -> Compiled:
    """Read what `pack` made. Raises ValueError when it is damaged or something else; bytes only if told to `verify`."""
    try:
        container = read_container(lambda start, end: bytes(packed[start:end]), len(packed), sha256)
    except UserError as error:
        raise ValueError(str(error)) from error
    data = torch.frombuffer(packed, dtype=torch.uint8, offset=container.data_start)
    if container.data_start % _ALIGNMENT or data.numel() % _ALIGNMENT:
        raise ValueError("not a compiled style")
    checksum, *marked = data[: 3 * 8].view(torch.int64).tolist()
    if tuple(marked) != marks:
        raise ValueError("of another model or style")
    if verify and checksum != _checksum(data):
        raise ValueError("its bytes have changed")
    parts: dict[str, dict[str, Entry]] = {}
    scales = None
    for entry in container.entries.values():
        module, _, part = entry.name.rpartition(".")
        local = Entry(part, entry.dtype, entry.shape, entry.start - container.data_start, entry.end)
        if entry.name == "scales":
            scales = data[local.start : entry.end - container.data_start].view(torch.float64).view(entry.shape)
        elif entry.dtype == TYPE_NAMES[dtype]:
            parts.setdefault(module, {})[part] = local
    if scales is None or len(scales) != len(parts):
        raise ValueError("not a compiled style of this dtype")
    rows = zip(sorted(parts), scales.tolist(), strict=True)
    return Compiled(sha256, data, dtype, parts, {module: Scale(*row) for module, row in rows})


def open_compiled(file: Path, sha256: str, dtype: torch.dtype, marks: tuple[int, int], verify: bool) -> Compiled:
    """Map a compiled file. It may be removed meanwhile: what is mapped stays. Raises OSError or ValueError."""
    with open_file(file) as opened:
        mapped = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_COPY)
    return unpack(mapped, sha256, dtype, marks, verify)


def _described(dtype: str, shape: Iterable[int], start: int, end: int) -> dict[str, object]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


def _checksum(data: Tensor) -> int:
    """The sum of all but the first 64 bytes, as 64-bit numbers that wrap; at the speed of memory."""
    return int(data[_ALIGNMENT:].view(torch.int64).sum())
