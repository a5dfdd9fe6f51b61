"""Pictures and what is known of them, as a ZIP file that is written while it is read, and never whole in memory."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, TypeAlias
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from core.errors import UserError
from studio import metadata
from studio.files import PictureFiles
from studio.history.entries import Entry, entry
from studio.history.lines import to_data

Rows: TypeAlias = Callable[[], Iterable[Mapping[str, Any]]]
_CHUNK = 256 * 1024
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # what a spreadsheet takes for a formula
_COLUMNS = (
    "file", "id", "status", "created", "prompt", "negative_prompt", "width", "height", "seed", "steps", "guidance",
    "styles", "model", "duration_ms", "favourite", "tags", "note", "batch", "batch_index", "input_name", "parent",
    "pixels",
)  # fmt: skip


class Pipe:
    """What a ZipFile writes to; `take` gives what came since the last time."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken


def zipped(rows: Rows, files: PictureFiles, clean: bool) -> Iterator[bytes]:
    """The ZIP file, in pieces. `rows` gives the records, and is asked up to three times.

    With the pictures come manifest.csv and manifest.json, which also have those whose file is gone. `clean`: nothing
    but pictures, and nothing in them but pixels.
    """
    pipe, there = Pipe(), set[str]()
    with ZipFile(pipe, "w", ZIP_STORED) as archive:
        for row in rows():
            known = entry(row)
            if known is None or not known.file or known.file in there:
                continue
            data = _opened(files, known.file, clean)
            if data is None:
                continue
            there.add(known.file)
            info = ZipInfo(known.file, known.created.astimezone().timetuple()[:6])
            with data, archive.open(info, "w", force_zip64=True) as out:
                while chunk := data.read(_CHUNK):
                    out.write(chunk)
                    yield pipe.take()
        if not clean:
            for name, parts in (("manifest.csv", _csv(rows, there)), ("manifest.json", _json(rows, there))):
                with archive.open(deflated(name), "w") as out:
                    for part in parts:
                        out.write(part.encode("utf-8", "replace"))
                        yield pipe.take()
    yield pipe.take()


def _opened(files: PictureFiles, name: str, clean: bool) -> IO[bytes] | None:
    try:
        file: Path = files.picture(name)
        return io.BytesIO(metadata.clean(file.read_bytes())) if clean else file.open("rb")
    except (OSError, ValueError, UserError):  # gone, or damaged
        return None


def _csv(rows: Rows, there: set[str]) -> Iterator[str]:
    yield "\ufeff"  # by which spreadsheets know that it is UTF-8
    yield csv_line(_COLUMNS)
    for known in _readable(rows):
        yield csv_line([safe(value) for value in _values(known, there)])


def _json(rows: Rows, there: set[str]) -> Iterator[str]:
    before = "[\n"
    for known in _readable(rows):
        data = to_data(known) | {"file": known.file if known.file in there else ""}
        yield before + json.dumps(data, ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _readable(rows: Rows) -> Iterator[Entry]:
    return (known for row in rows() if (known := entry(row)) is not None)


def _values(known: Entry, there: set[str]) -> list[object]:
    request = known.request
    styles = " + ".join(f"{use.name}:{use.strength:g}" for use in request.styles)
    return [
        known.file if known.file in there else "", known.id, known.status, known.created.isoformat(timespec="seconds"),
        request.prompt, request.negative_prompt, request.width, request.height, request.seed,
        request.num_inference_steps, request.guidance_scale, styles, known.model, known.duration_ms,
        "yes" if known.favourite else "", ", ".join(known.tags), known.note, known.batch,
        known.batch_index if known.batch else "", known.input_name, known.parent, known.pixels,
    ]  # fmt: skip


def safe(value: object) -> object:
    """A text that a spreadsheet shows rather than runs."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def csv_line(values: Iterable[object]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(values)
    return out.getvalue()


def deflated(name: str) -> ZipInfo:
    info = ZipInfo(name)
    info.compress_type = ZIP_DEFLATED
    return info
