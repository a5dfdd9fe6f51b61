"""What lies in the styles folder at this moment: names and stamps, without opening a file."""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from core.errors import UserError
from core.request import StyleUse

ENDING = ".safetensors"
TEXTS = (".json", ".civitai.info")
PICTURES = (
    ".preview.png", ".preview.webp", ".preview.jpg", ".preview.jpeg", ".png", ".webp", ".jpg", ".jpeg",
)  # fmt: skip
MOST_DEPTH = 8
_CHUNK = 1 << 20
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells a file that was changed or replaced from the one that was there."""

    device: int
    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, stat: os.stat_result) -> Self:
        return cls(stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Found:
    """A style file, with the files `beside` it that speak of it, by name."""

    name: str
    file: Path
    stamp: Stamp
    beside: tuple[tuple[str, Stamp], ...] = ()


def walk(folder: Path) -> tuple[Found, ...]:
    """All style files in natural order; none in a folder that cannot be read.

    Left out: what is hidden, what a link leads out of the folder to, and names that no request could carry.
    """
    root = os.path.realpath(folder)
    found = [f for f in _walk(folder, folder, root, 0) if _can_be_asked_for(f.name)]
    return tuple(sorted(found, key=lambda f: natural_key(f.name)))


def natural_key(name: str) -> tuple[object, ...]:
    """Sorts as people count: `epoch_2` before `epoch_10`; folders first by their own name."""
    parts = (tuple(int(p) if n % 2 else p for n, p in enumerate(_DIGITS.split(s.casefold()))) for s in name.split("/"))
    return (*parts, (name,))


def sha256(file: Path) -> str:
    """Hex digest of a file's content."""
    digest = hashlib.sha256()
    with file.open("rb") as data:
        while chunk := data.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _walk(root: Path, folder: Path, real_root: str, depth: int) -> Iterator[Found]:
    styles: list[tuple[Path, Stamp]] = []
    others: dict[str, Stamp] = {}
    for entry in _entries(folder):
        if entry.name.startswith("."):
            continue
        try:
            if entry.is_dir(follow_symlinks=False):
                if depth < MOST_DEPTH:
                    yield from _walk(root, folder / entry.name, real_root, depth + 1)
            elif entry.name.endswith(ENDING):
                if entry.is_file() and _is_inside(entry, real_root):
                    styles.append((folder / entry.name, Stamp.of(entry.stat())))
            elif entry.is_file(follow_symlinks=False):
                others[entry.name] = Stamp.of(entry.stat(follow_symlinks=False))
        except OSError:  # it went away between two looks
            continue
    for file, stamp in styles:
        stem = file.name.removesuffix(ENDING)
        beside = tuple((stem + end, others[stem + end]) for end in (*TEXTS, *PICTURES) if stem + end in others)
        yield Found(file.relative_to(root).as_posix().removesuffix(ENDING), file, stamp, beside)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _is_inside(entry: os.DirEntry[str], real_root: str) -> bool:
    return not entry.is_symlink() or os.path.realpath(entry.path).startswith(real_root + os.sep)


def _can_be_asked_for(name: str) -> bool:
    try:
        StyleUse(name)
    except UserError:
        return False
    return True
