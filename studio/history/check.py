"""Do the records and the pictures folder agree? Files without a record, and records without their file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import time

from PIL import Image

from core.engine import Frame
from studio.file_names import ENDING
from studio.files import THUMBNAIL_ENDING, PictureFiles
from studio.store.records import AT_ONCE, Kept, Records

SETTLED_S = 3600  # a younger file may belong to a job that is about to end


@dataclass(frozen=True, slots=True)
class Findings:
    """`orphans` are files that no record names, `missing` records whose file is gone, `damaged` those whose file holds
    other pixels than were drawn, or none; the latter only if they were looked at."""

    pictures: int
    bytes: int
    orphans: tuple[Path, ...]
    missing: tuple[Kept, ...]
    damaged: tuple[Kept, ...]

    @property
    def well(self) -> bool:
        return not (self.orphans or self.missing or self.damaged)


def check(records: Records, files: PictureFiles, deep: bool = False) -> Findings:
    """`deep` reads every picture. Raises StoreError when the database refuses, OSError when the folder does."""
    pictures, size, missing, damaged = 0, 0, [], []
    for kept in _all(records):
        file = _file(files, kept.file)
        if file is None:
            missing.append(kept)
            continue
        pictures, size = pictures + 1, size + file.stat().st_size
        if deep and kept.pixels and _pixels(file) != kept.pixels:
            damaged.append(kept)
    return Findings(pictures, size, tuple(_orphans(records, files)), tuple(missing), tuple(damaged))


def _all(records: Records) -> Iterator[Kept]:
    last = 0
    while some := records.files(last, AT_ONCE):
        yield from some
        last = some[-1].number


def _file(files: PictureFiles, name: str) -> Path | None:
    try:
        file = files.picture(name)
    except ValueError:
        return None
    return file if file.is_file() else None


def _pixels(file: Path) -> str:
    try:
        with Image.open(file) as image:
            rgb = image.convert("RGB")
            return Frame(rgb.width, rgb.height, rgb.tobytes()).sha256
    except (OSError, ValueError, SyntaxError):
        return ""


def _orphans(records: Records, files: PictureFiles) -> Iterator[Path]:
    found = sorted(f for f in files.folder.iterdir() if f.is_file() and time() - f.stat().st_mtime > SETTLED_S)
    for start in range(0, len(found), AT_ONCE):
        part = found[start : start + AT_ONCE]
        names = records.named([f.name for f in part if f.name.endswith(ENDING)])
        ids = records.known([f.name.removesuffix(THUMBNAIL_ENDING) for f in part if f.name.endswith(THUMBNAIL_ENDING)])
        for file in part:
            thumbnail = file.name.endswith(THUMBNAIL_ENDING)
            if (thumbnail and file.name.removesuffix(THUMBNAIL_ENDING) not in ids) or (
                file.name.endswith(ENDING) and file.name not in names
            ):
                yield file
