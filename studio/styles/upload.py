"""A style file that is on its way in: written to a hidden name in the styles folder, read, and only then shown."""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from core.errors import N_, UserError
from studio.styles.style import Style

_PREFIX, _ENDING = ".upload-", ".partial"


class Upload:
    """Use it as a context: whatever is not finished when that ends leaves nothing behind."""

    def __init__(self, folder: Path, accept: Callable[[Path, str, str], Style]) -> None:
        """Raises UserError when the folder cannot be written to."""
        self.file = folder / f"{_PREFIX}{uuid4().hex}.{os.getpid()}{_ENDING}"
        self._accept, self._digest = accept, hashlib.sha256()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._out = self.file.open("xb")
        except OSError as error:
            raise _unwritable(folder, error) from error

    def write(self, chunk: bytes) -> None:
        """Raises UserError when the disk refuses."""
        self._digest.update(chunk)
        try:
            self._out.write(chunk)
        except OSError as error:
            raise _unwritable(self.file.parent, error) from error

    def finish(self, file_name: str) -> Style:
        """Read what has come, and give it a name after `file_name`. Raises UserError for what is no use here."""
        try:
            self._out.flush()
            os.fsync(self._out.fileno())
            self._out.close()
        except OSError as error:
            raise _unwritable(self.file.parent, error) from error
        return self._accept(self.file, self._digest.hexdigest(), file_name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._out.close()
        with suppress(OSError):
            self.file.unlink(missing_ok=True)  # it has its own name by now, if it was accepted


def sweep(folder: Path, is_being_written: Callable[[Path], bool]) -> None:
    """Delete what uploads of a process that died have left."""
    for file in folder.glob(f"{_PREFIX}*{_ENDING}"):
        if not is_being_written(file):
            file.unlink(missing_ok=True)


def _unwritable(folder: Path, error: OSError) -> UserError:
    return UserError(
        N_("The style cannot be saved in {folder}: {why}."),
        folder=folder.name + "/",
        why=error.strerror or type(error).__name__,
    )
