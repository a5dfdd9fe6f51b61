"""Finished pictures as they are handed over: in the format that was asked for, named after what they were made from."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from PIL import Image

from core.engine import Frame
from core.errors import N_, UserError
from core.request import GenerationRequest
from studio import formats, metadata
from studio.formats import KINDS, QUALITY, Format
from studio.history.export import Pipe, csv_line, deflated, safe
from studio.metadata import Facts
from studio.photos.archives import distinct, free_name, plain_name
from studio.photos.batch_now import PhotoNow

TABLE = "photos.csv"
_COLUMNS = (
    "photo", "file", "state", "error", "style", "strength", "prompt", "width", "height", "seed", "duration_ms", "id",
)  # fmt: skip


def delivered(file: Path, kind: Format, quality: int = QUALITY, exif: bytes = b"") -> bytes:
    """A stored picture in another format, with what it says of itself and `exif`, a TIFF structure.

    Takes up to seconds. Raises UserError when it is gone, or the format cannot hold it.
    """
    try:
        stored = file.read_bytes()
        if kind == "png" and not exif:
            return stored
        with Image.open(file, formats=("PNG",)) as image:
            frame = Frame(image.width, image.height, image.convert("RGB").tobytes())
    except (OSError, ValueError, SyntaxError) as error:
        raise UserError(N_("The file of this picture is no longer there.")) from error
    try:
        facts = metadata.read(stored).facts
    except UserError:  # it says nothing of itself
        facts = None
    return encoded(frame, kind, quality, facts, exif)


def encoded(frame: Frame, kind: Format, quality: int, facts: Facts | None, exif: bytes = b"") -> bytes:
    """A picture as a file, with its settings, but for AVIF, and what a camera wrote.

    Raises UserError when the format cannot hold it.
    """
    data = formats.encode(frame, kind, quality, exif)
    return data if facts is None or kind == "avif" else metadata.embed(data, facts, exif)


def name_of(photo: str, request: GenerationRequest, kind: Format) -> str:
    """What the picture of a photo is called: as the photo, and how it was drawn."""
    stem = plain_name(photo).rpartition(".")[0] or plain_name(photo)
    parts = [stem, *(use.name.replace("/", "-") for use in request.styles)]
    if request.source is not None:
        parts.append(f"{round(request.source.strength * 100)}")
    name = "_".join([*parts, f"{request.width}x{request.height}", f"seed{request.seed}"]) + KINDS[kind].ending
    return plain_name(name)


def names(photos: Iterable[PhotoNow], kind: Format) -> Iterator[tuple[PhotoNow, str]]:
    """Those that are done, each with a name of its own, which does not change when others are done."""
    known = list(photos)
    stems = distinct(photo.name for photo in known)
    for photo, name in zip(known, stems, strict=True):
        if photo.state == "done":
            yield photo, name_of(name, GenerationRequest.from_json(photo.request), kind)


class Parcel:
    """A ZIP file that is written while it is read: nothing of it stays in memory."""

    def __init__(self) -> None:
        self._pipe = Pipe()
        self._archive = ZipFile(self._pipe, "w", ZIP_STORED)
        self._names: dict[str, str] = {}
        self._taken = {TABLE}

    def add(self, job: str, name: str, picture: bytes) -> bytes:
        """What is to be sent for one picture. A name that was sent before, of a set that has changed, is numbered."""
        self._names[job] = name = free_name(name, self._taken)
        self._archive.writestr(ZipInfo(name), picture)
        return self._pipe.take()

    def close(self, photos: Iterable[PhotoNow]) -> bytes:
        """The table of all photos, and the end."""
        rows = [csv_line([safe(value) for value in self._row(photo)]) for photo in photos]
        self._archive.writestr(deflated(TABLE), "\ufeff" + csv_line(_COLUMNS) + "".join(rows))
        self._archive.close()
        return self._pipe.take()

    def _row(self, photo: PhotoNow) -> list[object]:
        error = str(photo.error) if photo.error else ""
        row: list[object] = [photo.name, self._names.get(photo.job, ""), photo.state, error]
        if not photo.request:
            return [*row, "", "", "", "", "", "", "", ""]
        request = GenerationRequest.from_json(photo.request)
        style, strength = request.styles[0].name if request.styles else "", request.source and request.source.strength
        return [
            *row, style, strength, request.prompt, request.width, request.height, request.seed, photo.duration_ms,
            photo.job,
        ]  # fmt: skip
