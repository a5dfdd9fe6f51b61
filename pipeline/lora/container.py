"""A .safetensors file opened without believing a byte of it: its header, its table of tensors, its metadata.

The format's own library accepts names that stand twice and headers of 100 MB, so the header is read here. What comes
out is whole: every byte of the file belongs to exactly one tensor of a known type and shape. Needs no torch.
"""

import json
import math
import os
import stat
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from core.errors import N_, UserError

MAX_FILE_BYTES = 4_000_000_000  # the largest style that was seen in the wild, rank 128 of 6 B in fp32, is 1.4 GB
MAX_HEADER_BYTES = 4_000_000  # real ones are 60 kB, and a megabyte where a trainer listed the tags of its data
_MAX_DIMENSIONS = 8
_BYTES = {"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2} | {
    "I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8,
}  # fmt: skip
_START_BYTES = 512
_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Entry:
    """One tensor: `dtype` as safetensors names it, `start` and `end` counted from the beginning of the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Container:
    """What a file holds: its tensors by name, in the order of their bytes, and its metadata."""

    data_start: int
    entries: Mapping[str, Entry]
    metadata: Mapping[str, str]


Read: TypeAlias = Callable[[int, int], bytes]
"""The bytes of a file from a start to an end."""


def open_file(file: Path) -> BinaryIO:
    """Open a regular file to read. Raises OSError for anything else: a pipe would keep its reader waiting forever."""
    descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(22, "not a regular file", str(file))
    return os.fdopen(descriptor, "rb")


def reader(data: BinaryIO) -> Read:
    """The bytes of an open file."""

    def read(start: int, end: int) -> bytes:
        data.seek(start)
        return data.read(end - start)

    return read


def read_container(read: Read, size: int, name: str) -> Container:
    """Read the header of a file of `size` bytes. Raises UserError, naming the style and what is wrong with it."""
    start = read(0, min(size, _START_BYTES))
    length = int.from_bytes(start[:8], "little")
    if len(start) < 10 or start[8:9] != b"{" or length > size:
        raise _no_style(start, name)
    if size > MAX_FILE_BYTES:
        raise damaged(name, N_("it is larger than any style"))
    if length > MAX_HEADER_BYTES:
        raise damaged(name, N_("its header is larger than any style's"))
    if length + 8 > size:
        raise damaged(name, N_("it is cut off"))
    header = _parse(read(8, 8 + length), name)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise damaged(name, N_("its metadata is not text"))
    entries = sorted((_entry(key, value, 8 + length, name) for key, value in header.items()), key=lambda e: e.end)
    _check_layout(entries, 8 + length, size, name)
    return Container(8 + length, {e.name: e for e in entries}, metadata)


def damaged(name: str, why: str) -> UserError:
    """The error for a file that is not whole. `why` is a marked sentence part, such as "it is cut off"."""
    return UserError(
        N_('The style "{name}" is damaged or not a .safetensors file: {why}. Get it again.'), name=name, why=why
    )


def shown(text: str, most: int = _SHOWN) -> str:
    """`text` of a stranger, fit for a message: no control or direction marks, and not long."""
    plain = "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c)[0] == "C" else c for c in text[: most + 1])
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def _no_style(start: bytes, name: str) -> UserError:
    text = start.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if not start:
        return damaged(name, N_("it is empty"))
    if start.startswith(b"version https://git-lfs"):
        return damaged(name, N_("it is a Git LFS pointer, not the file itself; fetch that with: git lfs pull"))
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<!--")):
        return damaged(name, N_("it is a web page, as a download that needs a login leaves"))
    if start.startswith(b"PK\x03\x04") or (start[0] == 0x80 and 2 <= start[1:2].ljust(1)[0] <= 5):
        return damaged(name, N_("it is a pickle, which could run code, and is never opened"))
    if start.startswith(b"GGUF"):
        return damaged(name, N_("it is a GGUF file"))
    if start.startswith((b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"\x28\xb5\x2f\xfd")) or start[257:262] == b"ustar":
        return damaged(name, N_("it is an archive; unpack it first"))
    return damaged(name, N_("it does not begin like one"))


def _parse(text: bytes, name: str) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) != len(pairs):
            raise damaged(name, N_("a name stands in its header twice"))
        return values

    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise damaged(name, N_("its header cannot be read")) from error
    if not isinstance(header, dict):
        raise damaged(name, N_("its header cannot be read"))
    return header


def _entry(key: str, value: object, data_start: int, name: str) -> Entry:
    wrong = damaged(name, N_("its header describes a tensor wrongly"))
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise wrong
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _BYTES:
        raise damaged(name, N_("it holds numbers of an unknown type"))
    if not _whole(shape) or len(shape) > _MAX_DIMENSIONS or not _whole(offsets) or len(offsets) != 2:
        raise wrong
    start, end = offsets
    if end - start != math.prod(shape) * _BYTES[dtype]:
        raise wrong
    return Entry(key, dtype, tuple(shape), data_start + start, data_start + end)


def _whole(values: object) -> bool:
    return isinstance(values, list) and all(type(v) is int and 0 <= v < 2**48 for v in values)


def _check_layout(entries: list[Entry], data_start: int, size: int, name: str) -> None:
    """Tensors follow one another without gap or overlap, and the last one ends the file."""
    at = data_start
    for entry in entries:
        if entry.start != at:
            raise damaged(name, N_("its tensors overlap, or leave gaps"))
        at = entry.end
    if at > size:
        raise damaged(name, N_("it is cut off"))
    if at < size:
        raise damaged(name, N_("there is something behind its end"))
