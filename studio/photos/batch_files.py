"""What people sent for a set of photos, until the set is closed: the files as they came, and a thumbnail of each."""

import os
import shutil
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from time import time
from types import TracebackType
from typing import IO, Self
from uuid import uuid4

from core.errors import N_, UserError
from studio.files import is_being_written, write_whole

PLACE = "place"
_SURELY_S = 3600.0  # a file that old is not one that another process is just about to note
_PHOTO, _THUMBNAIL, _PARTIAL = ".photo", ".thumb.webp", ".partial"


class BatchFiles:
    """One folder for each set. Made when the first photo comes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def place(self) -> str:
        """What tells this folder from others, wherever it is moved to. Raises UserError when the disk refuses."""
        file = self.folder / PLACE
        try:
            if not file.is_file():
                self.folder.mkdir(parents=True, exist_ok=True)
                write_whole(file, uuid4().hex.encode())
            return file.read_text("ascii").strip()
        except OSError as error:
            raise unwritable(self.folder, error) from error

    def incoming(self) -> "Incoming":
        return Incoming(self.folder)

    def save(self, batch: str, photo: bytes, thumbnail: bytes) -> str:
        """Keep a photo; returns the name to find it by. Raises UserError when the disk refuses."""
        name, folder = uuid4().hex, self.folder / batch
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}{_THUMBNAIL}").write_bytes(thumbnail)  # nothing is lost with it
            write_whole(folder / f"{name}{_PHOTO}", photo)
        except OSError as error:
            raise unwritable(self.folder, error) from error
        return name

    def photo(self, batch: str, name: str) -> bytes:
        """Raises UserError when it is gone."""
        try:
            return (self.folder / batch / f"{name}{_PHOTO}").read_bytes()
        except OSError as error:
            raise UserError(N_("The photo is not there any more. Choose it again.")) from error

    def thumbnail(self, batch: str, name: str) -> Path:
        return self.folder / batch / f"{name}{_THUMBNAIL}"

    def drop(self, batch: str, name: str = "") -> None:
        """One photo, or all of a set, unless the disk refuses."""
        if not name:
            shutil.rmtree(self.folder / batch, ignore_errors=True)
            return
        for ending in (_PHOTO, _THUMBNAIL):
            with suppress(OSError):
                (self.folder / batch / f"{name}{ending}").unlink(missing_ok=True)

    def sweep(self, needed: Callable[[str], Collection[str]]) -> None:
        """Delete what a studio that died has left half done. `needed` says what a set needs."""
        for file in self.folder.glob(f"*{_PARTIAL}"):
            if not is_being_written(file):
                file.unlink(missing_ok=True)
        for folder in (path for path in self.folder.glob("*") if path.is_dir()):
            kept = needed(folder.name)
            for file in folder.iterdir():
                if file.name.split(".")[0] not in kept and time() - file.stat().st_mtime > _SURELY_S:
                    file.unlink(missing_ok=True)


class Incoming:
    """A file on its way in, on disk rather than in memory. A context: nothing is left of it afterwards."""

    def __init__(self, folder: Path) -> None:
        """Raises UserError when the folder cannot be written to."""
        self._file = folder / f"{uuid4().hex}.{os.getpid()}{_PARTIAL}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.file: IO[bytes] = self._file.open("x+b")
        except OSError as error:
            raise unwritable(folder, error) from error

    def write(self, chunk: bytes) -> None:
        """Raises UserError when the disk refuses."""
        try:
            self.file.write(chunk)
        except OSError as error:
            raise unwritable(self._file.parent, error) from error

    def rewound(self) -> IO[bytes]:
        """What has come, to be read from its start."""
        self.file.seek(0)
        return self.file

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self.file.close()
        with suppress(OSError):
            self._file.unlink(missing_ok=True)


def unwritable(folder: Path, error: OSError) -> UserError:
    return UserError(
        N_("Photos cannot be kept in {folder}: {why}. Free some space, or set another folder as [paths] data."),
        folder=str(folder), why=error.strerror or type(error).__name__,
    )  # fmt: skip
