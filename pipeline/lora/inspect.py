"""Is this file a style, whole, harmless, and of this model? Read as a stream, nothing believed, and without torch.

A window of 8 MB is all that is ever in memory, whatever the file's size. What comes out is a report, for people and for
the library; the plan behind it is what `compile` follows.
"""

import hashlib
import math
import os
import struct
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from core.errors import N_, UserError
from core.style import StyleReport
from pipeline.lora.container import MAX_FILE_BYTES, Container, Entry, Read, open_file, read_container, reader, shown
from pipeline.lora.keys import Change, Survey, plan, survey
from pipeline.lora.metadata import Scale, read_scales
from pipeline.lora.modules import names
from pipeline.lora.origin import guess_model

MAX_SCALE = 1_000.0  # alpha / rank beyond this is no style but damage
_WINDOW = 8 << 20
_METADATA_KEYS, _METADATA_TEXT = 200, 2_000
# The exponent bits by type: when all are set, the number is infinite or none. E4M3 has no infinity, only NaN.
_ODD = {
    "F64": ("<u8", 0x7FF0_0000_0000_0000), "F32": ("<u4", 0x7F80_0000), "F16": ("<u2", 0x7C00),
    "BF16": ("<u2", 0x7F80), "F8_E5M2": ("u1", 0x7C), "F8_E4M3": ("u1", 0x7F),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that fits: the tensors, what to do with them by module, and how strongly."""

    container: Container
    changes: Mapping[str, Change]
    alphas: Mapping[str, float]
    scales: Mapping[str, Scale]


@dataclass(frozen=True, slots=True)
class Inspector:
    """Judges files for one model, given the (out, in) shapes of its linear layers by name."""

    shapes: Mapping[str, tuple[int, int]]

    def inspect(self, file: Path) -> StyleReport:
        """Look at `file` in full. Never raises for what stands in it; raises OSError when it cannot be read."""
        with open_file(file) as data:
            size = os.fstat(data.fileno()).st_size
            return self._report(data, size, file.stem)

    def read(self, read: Read, size: int, name: str) -> Reading:
        """The plan for a file's header and scales. Its weights are not looked at. Raises UserError."""
        container = read_container(read, size, name)
        found = survey(container, names(self.shapes))
        return self._judge(read, container, found, name)

    def _judge(self, read: Read, container: Container, found: Survey, name: str) -> Reading:
        made_for = guess_model(container, found, self.shapes)
        changes = plan(found, self.shapes, name, made_for)
        scales = read_scales(container.metadata, changes, name)
        alphas = {c.alpha: _alpha(read, container.entries[c.alpha], c, name) for c in changes.values() if c.alpha}
        return Reading(container, changes, alphas, scales)

    def _report(self, data: BinaryIO, size: int, name: str) -> StyleReport:
        digest = hashlib.sha256()
        problem: UserError | None = None
        container, found, changes = None, Survey(), dict[str, Change]()
        read = reader(data)
        try:
            container = read_container(read, size, name)
            found = survey(container, names(self.shapes))
            changes = dict(self._judge(read, container, found, name).changes)
        except UserError as error:
            problem = error
        if size > MAX_FILE_BYTES:  # to read it all would only keep everybody waiting
            return StyleReport("", size, problem=problem)
        odd = _stream(data, container, digest.update)
        if container is None:
            return StyleReport(digest.hexdigest(), size, problem=problem)
        ranks = [change.rank for change in changes.values()]
        return StyleReport(
            sha256=digest.hexdigest(),
            size_bytes=size,
            layout=found.layout,
            kind=found.kind or "",
            modules=found.modules,
            applied=found.applied,
            rank=(min(ranks), max(ranks)) if ranks else (0, 0),
            dtype=_main_type(container),
            made_for=guess_model(container, found, self.shapes),
            metadata=_shown_metadata(container.metadata),
            problem=problem or (not_numbers(name, odd) if odd else None),
        )


def not_numbers(name: str, tensor: str) -> UserError:
    """The error for a tensor that holds infinities or NaN."""
    return UserError(
        N_('The style "{name}" holds values that are not numbers, in "{found}". It cannot be used.'),
        name=name, found=shown(tensor),
    )  # fmt: skip


def is_odd(data: bytes | memoryview, dtype: str) -> bool:
    """Whether any of these numbers is infinite or NaN. The length is a multiple of the type's."""
    kind, mask = _ODD.get(dtype, ("", 0))
    return bool(kind) and bool(((np.frombuffer(data, kind) & mask) == mask).any())


def _stream(data: BinaryIO, container: Container | None, digest: Callable[[bytes], object]) -> str:
    """Feed the whole file to `digest`; returns the name of the first tensor with odd values, or ""."""
    odd = ""
    data.seek(0)
    entries = iter(container.entries.values()) if container else iter(())
    head = container.data_start if container else None
    for chunk in _windows(data, head):
        digest(chunk)
    for entry in entries:
        for chunk in _windows(data, entry.end - entry.start):
            digest(chunk)
            if not odd and is_odd(chunk, entry.dtype):
                odd = entry.name
    return odd


def _windows(data: BinaryIO, length: int | None) -> Iterator[bytes]:
    """The next `length` bytes in pieces (None: up to the end). The pieces of a tensor hold whole numbers."""
    left = math.inf if length is None else length
    while left > 0 and (chunk := data.read(int(min(left, _WINDOW)))):
        yield chunk
        left -= len(chunk)


def _alpha(read: Read, entry: Entry, change: Change, name: str) -> float:
    value = _scalar(read(entry.start, entry.end), entry.dtype)
    if not 0 < value / change.rank <= MAX_SCALE:  # NaN is not either
        raise UserError(
            N_('The style "{name}" has an alpha of {alpha} in "{found}", and one above 0 was expected.'),
            name=name, alpha=f"{value:g}", found=shown(entry.name),
        )  # fmt: skip
    return value


def _scalar(data: bytes, dtype: str) -> float:
    if dtype == "BF16":
        return float(struct.unpack("<f", b"\0\0" + data)[0])
    codes = {"F64": "d", "F32": "f", "F16": "e", "I64": "q", "I32": "i", "I16": "h", "U8": "B", "I8": "b"}
    return float(struct.unpack("<" + codes[dtype], data)[0]) if dtype in codes else math.nan


def _main_type(container: Container) -> str:
    sizes: dict[str, int] = {}
    for entry in container.entries.values():
        sizes[entry.dtype] = sizes.get(entry.dtype, 0) + entry.end - entry.start
    return max(sizes, key=lambda dtype: sizes[dtype]) if sizes else ""


def _shown_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    kept = list(metadata.items())[:_METADATA_KEYS]
    return {shown(key): "".join(map(_plain, value[:_METADATA_TEXT])) for key, value in kept}


def _plain(character: str) -> str:
    """Without what cannot be written anywhere: control characters and halves of surrogate pairs."""
    odd = unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t"
    return "\N{REPLACEMENT CHARACTER}" if odd else character
