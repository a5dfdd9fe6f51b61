"""Pictures on disk: written whole or not at all, found again by the name that their record holds.

A thumbnail's name is the job's id: people never see it. Pictures were called by their ids, too, before names spoke.
"""

import io
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil
from PIL import Image

from core.engine import Frame
from core.errors import N_, UserError
from studio import png
from studio.file_names import ENDING, is_name
from studio.metadata import Facts, embed

THUMBNAIL_SIDE = 320
THUMBNAIL_ENDING = ".thumb.webp"
_ID = re.compile(r"[0-9a-f]{16,64}")


class PictureFiles:
    """PNG pictures and their WebP thumbnails under one folder."""

    def __init__(self, folder: Path) -> None:
        """Make the folder. Raises UserError when it cannot be written to."""
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for partial in folder.glob("*.partial"):
                if not is_being_written(partial):  # by a process that died meanwhile
                    partial.unlink(missing_ok=True)
            probe = _partial(folder / "probe")
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise _unwritable(folder, error) from error

    def save(self, picture_id: str, frame: Frame, name: str = "", facts: Facts | None = None) -> Path:
        """Write the picture as PNG, exact, and a thumbnail. Raises UserError when the disk refuses.

        `name` is the file's, with its ending; by default it is called by its id. `facts` are written into it.
        """
        image = Image.frombytes("RGB", (frame.width, frame.height), frame.rgb)
        file = self.picture(name or f"{_checked(picture_id)}{ENDING}")
        try:
            small = image.copy()
            small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
            write_whole(self.thumbnail(picture_id), _encode(small, "WEBP", quality=85))
            data = png.encode(frame)
            write_whole(file, embed(data, facts) if facts is not None else data)
        except OSError as error:
            with suppress(OSError):  # a thumbnail of nothing
                self.thumbnail(picture_id).unlink(missing_ok=True)
            raise _unwritable(self.folder, error) from error
        return file

    def remove(self, picture_id: str, name: str = "") -> bool:
        """Take the picture and its thumbnail away, if they are there. False when the disk refuses."""
        try:
            if name:
                self.picture(name).unlink(missing_ok=True)
            self.thumbnail(picture_id).unlink(missing_ok=True)
        except OSError:
            return False
        return True

    def picture(self, name: str) -> Path:
        """Where the picture with this file name lies. Raises ValueError for what can be no such name."""
        if not is_name(name) or not name.endswith(ENDING):
            raise ValueError("not a picture's name")
        return self.folder / name

    def thumbnail(self, picture_id: str) -> Path:
        return self.folder / f"{_checked(picture_id)}{THUMBNAIL_ENDING}"


def write_whole(file: Path, data: bytes | Iterable[bytes]) -> None:
    """Replace `file` by `data`, perhaps in parts, in one stroke: a reader sees the old or the new, never a half."""
    partial = _partial(file)
    try:
        with partial.open("wb") as out:
            for part in (data,) if isinstance(data, bytes) else data:
                out.write(part)
            out.flush()
            os.fsync(out.fileno())
        os.replace(partial, file)
    except BaseException:  # also when interrupted
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def _partial(file: Path) -> Path:
    """Where this process writes what will be `file`; another may be writing the same at the same time."""
    return file.with_name(f"{file.name}.{os.getpid()}.partial")


def is_being_written(partial: Path) -> bool:
    """By another process that lives: a second studio, or a doctor looking on, must not take it away."""
    writer = partial.name.split(".")[-2]
    if not re.fullmatch(r"[0-9]{1,9}", writer):
        return False
    return int(writer) != os.getpid() and psutil.pid_exists(int(writer))


def _encode(image: Image.Image, kind: str, **options: int) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _checked(picture_id: str) -> str:
    if not _ID.fullmatch(picture_id):
        raise ValueError("not a picture id")
    return picture_id


def _unwritable(folder: Path, error: OSError) -> UserError:
    return UserError(
        N_("Pictures cannot be saved in {folder}: {why}. Free some space, or set another folder as [paths] data."),
        folder=str(folder),
        why=error.strerror or type(error).__name__,
    )
