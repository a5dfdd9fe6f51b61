"""Photos out of what people drop: single files, and ZIP archives that may have been made to do harm.

Nothing is unpacked to disk, no name in an archive is ever a path here, and no size in it is believed.
"""

import re
import stat
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from zlib import error as ZlibError  # noqa: N812 (it is a class)

from core.errors import N_, UserError
from studio.photos.reading import MOST_BYTES

MOST_FILES = 2_000  # of an archive
MOST_TOTAL = 4_000_000_000  # bytes of all of them, unpacked
MOST_NAME = 120
_PIECE = 1 << 20
_SYSTEM = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")
_BAD = re.compile(r'[<>:"/\\|?*]')
_BROKEN = (zipfile.BadZipFile, zipfile.LargeZipFile, ZlibError, EOFError, OSError, ValueError, NotImplementedError)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file somebody brought: its own name without any folder, its bytes, or why they cannot be had."""

    name: str
    data: bytes = b""
    problem: UserError | None = None


def is_archive(file: IO[bytes]) -> bool:
    """Whether this is a ZIP, by its content."""
    file.seek(0)
    try:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
    finally:
        file.seek(0)


def unpack(name: str, file: IO[bytes]) -> Iterator[Upload]:
    """The files in an archive, one after the other; the file itself when it is none. Never raises for its content."""
    if not is_archive(file):
        yield _single(name, file)
        return
    try:
        with zipfile.ZipFile(file) as archive:
            yield from _members(name, archive)
    except _BROKEN:
        yield Upload(plain_name(name), problem=UserError(N_("The ZIP file is damaged or cut off. Send it again.")))


def plain_name(name: str) -> str:
    """The last part of a path of any system, fit to be shown and to name a file."""
    last = re.split(r"[/\\]", name)[-1]
    kept = "".join(c for c in last if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
    kept = _BAD.sub("_", kept).strip(" .")
    stem, dot, ending = kept.rpartition(".")
    if len(kept) > MOST_NAME and dot and len(ending) <= 5:
        return stem[: MOST_NAME - len(ending) - 1].rstrip(" .") + "." + ending
    return kept[:MOST_NAME].rstrip(" .") or "photo"


def distinct(names: Iterable[str]) -> Iterator[str]:
    """The same names, numbered where one comes again: "a.jpg", "a (2).jpg". Large and small letters count as one."""
    taken: set[str] = set()
    return (free_name(name, taken) for name in names)


def free_name(name: str, taken: set[str]) -> str:
    """`name`, with a number where it is taken; from now on it is."""
    stem, dot, ending = name.rpartition(".")
    if not dot:
        stem, ending = name, ""
    number, candidate = 1, name
    while candidate.casefold() in taken:
        number += 1
        candidate = f"{stem} ({number}){dot}{ending}"
    taken.add(candidate.casefold())
    return candidate


def _single(name: str, file: IO[bytes]) -> Upload:
    data = file.read(MOST_BYTES + 1)
    return Upload(plain_name(name), data) if len(data) <= MOST_BYTES else _too_large(name)


def _members(name: str, archive: zipfile.ZipFile) -> Iterator[Upload]:
    members = [m for m in archive.infolist() if not m.is_dir() and not _is_of_the_system(m.filename)]
    if not members:
        yield Upload(plain_name(name), problem=UserError(N_("There is no photo in this ZIP file.")))
    total = 0
    for number, member in enumerate(members):
        if number >= MOST_FILES or total > MOST_TOTAL:
            yield Upload(
                plain_name(name),
                problem=UserError(
                    N_("The ZIP file holds too much: {count} of {all} files were taken. Send the rest in another one."),
                    count=number, all=len(members),
                ),
            )  # fmt: skip
            return
        upload = _member(archive, member)
        total += len(upload.data)
        yield upload


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Upload:
    name = plain_name(member.filename)
    if member.flag_bits & 1:
        return Upload(name, problem=UserError(N_("The file is protected by a password. Take it out of the ZIP file.")))
    if stat.S_ISLNK(member.external_attr >> 16):
        return Upload(name, problem=UserError(N_("This is a link, not a photo.")))
    try:
        with archive.open(member) as file:
            data = bytearray()
            while piece := file.read(_PIECE):  # what the archive says of its size is not to be believed
                data += piece
                if len(data) > MOST_BYTES:
                    return _too_large(name)
    except (*_BROKEN, RuntimeError):
        return Upload(name, problem=UserError(N_("The file is damaged inside the ZIP file. Send it again.")))
    return Upload(name, bytes(data))


def _is_of_the_system(name: str) -> bool:
    parts = re.split(r"[/\\]", name)
    return any(part in _SYSTEM for part in parts) or parts[-1].startswith("._")


def _too_large(name: str) -> Upload:
    most = MOST_BYTES // 1_000_000
    return Upload(
        plain_name(name), problem=UserError(N_("The file is larger than {most} MB. Save it smaller."), most=most)
    )


def open_file(file: Path) -> Iterator[Upload]:
    """`unpack` of a file on disk. Never raises: what cannot be opened is an upload with a problem."""
    try:
        with file.open("rb") as opened:
            yield from unpack(file.name, opened)
    except OSError as error:
        why = error.strerror or type(error).__name__
        yield Upload(plain_name(file.name), problem=UserError(N_("The file cannot be read: {why}."), why=why))
