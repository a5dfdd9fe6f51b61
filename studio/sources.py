"""The pictures that others start from, one file for each content, and whose they are.

A source is found by `Frame.sha256`: the same photo is kept once, whoever sent it, and only who sent it may use it. An
owner's sources are the empty files in the owner's folder, named after them.
"""

import hashlib
import io
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from time import time

from PIL import Image

from core.engine import Frame
from core.errors import N_, UserError
from studio import png
from studio.files import write_whole

MOST_SIDE = 4096  # pixels; twice or four times that is the largest picture there is
SURELY_S = 3600.0
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Sources:
    """Every method may be called from any thread. Makes its folder when the first picture comes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, owner: str, frame: Frame) -> str:
        """Keep `frame`, at most `MOST_SIDE` a side, for `owner`, and return its sha256. Raises UserError when the disk
        refuses."""
        if max(frame.width, frame.height) > MOST_SIDE:
            raise UserError(N_("A picture to start from may be {most} pixels a side at most."), most=MOST_SIDE)
        sha256 = frame.sha256
        file, mark = self._file(sha256), self._mark(owner, sha256)
        try:
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()  # first, so that nobody takes the file for one that is nobody's
            if not file.is_file():
                write_whole(file, png.encode(frame))
        except OSError as error:
            raise UserError(
                N_(
                    "Pictures cannot be saved in {folder}: {why}. "
                    "Free some space, or set another folder as [paths] data."
                ),
                folder=str(self.folder),
                why=error.strerror or type(error).__name__,
            ) from error
        return sha256

    def check(self, owner: str, sha256: str) -> None:
        """Raises UserError when there is no such source of this owner."""
        if self.file(owner, sha256) is None:
            raise _gone()

    def file(self, owner: str, sha256: str) -> Path | None:
        """The owner's source as a PNG file."""
        if not _SHA256.fullmatch(sha256):
            return None
        return self._file(sha256) if self._mark(owner, sha256).is_file() and self._file(sha256).is_file() else None

    def read(self, sha256: str) -> Frame:
        """The picture, for whoever has been let in. Raises UserError when it is gone or damaged."""
        if not _SHA256.fullmatch(sha256):
            raise _gone()
        try:
            with Image.open(io.BytesIO(self._file(sha256).read_bytes()), formats=("PNG",)) as image:
                frame = Frame(image.width, image.height, image.convert("RGB").tobytes())
        except (OSError, ValueError, SyntaxError) as error:
            raise _gone() from error
        if frame.sha256 != sha256:
            raise _gone()
        return frame

    def forget(self, owner: str, sha256: str = "") -> None:
        """Drop one of the owner's sources, or all. What is nobody's any more goes, unless the disk refuses."""
        marks = [self._mark(owner, sha256)] if sha256 else list(self._mark(owner, "0").parent.glob("*"))
        for mark in marks:
            with suppress(OSError):
                mark.unlink(missing_ok=True)
                self._drop_if_nobodys(mark.name)

    def sweep(self, used: Iterable[tuple[str, str]]) -> int:
        """Drop what nothing is made from any more. `used` says what is: whose, and its sha256. Returns how many went.

        What came a short while ago stays: its job may not be written down yet.
        """
        needed, count = {self._mark(owner, sha256) for owner, sha256 in used}, 0
        for mark in self.folder.glob("of/*/*"):
            with suppress(OSError):
                if mark not in needed and time() - mark.stat().st_mtime > SURELY_S:
                    mark.unlink(missing_ok=True)
                    count += self._drop_if_nobodys(mark.name)
        return count

    def _drop_if_nobodys(self, sha256: str) -> bool:
        if not _SHA256.fullmatch(sha256) or any(self.folder.glob(f"of/*/{sha256}")):
            return False
        self._file(sha256).unlink(missing_ok=True)
        return True

    def _file(self, sha256: str) -> Path:
        return self.folder / f"{sha256}.png"

    def _mark(self, owner: str, sha256: str) -> Path:
        return self.folder / "of" / hashlib.sha256(owner.encode("utf-8", "surrogatepass")).hexdigest()[:32] / sha256


def _gone() -> UserError:
    return UserError(N_("The picture to start from is not there any more. Choose it again."))
