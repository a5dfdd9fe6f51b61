"""A folder elsewhere, a mounted disk perhaps, that gets a copy of every picture, sooner or later.

The folder itself is never made: when the disk is not mounted, its place on this machine must not fill up instead. Name
a folder *on* that disk, not the place where it is mounted, which is there either way.
"""

import filecmp
import json
import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path

from core.errors import N_, UserError
from studio.hooks.courier import Undelivered
from studio.hooks.status import Kind
from studio.store.outbox import Taken

log = logging.getLogger(__name__)
_FOR_EVER_MS = 1 << 50


class Archive:
    """A target of letters: copies of files in `pictures` go to `folder`, one folder a month."""

    key = "archive"
    kind: Kind = "archive"
    keep_ms = _FOR_EVER_MS

    def __init__(self, folder: Path, pictures: Path) -> None:
        self._folder, self._pictures = folder, pictures
        self.name = str(folder)

    def deliver(self, letter: Taken) -> None:
        """Copy the letter's picture."""
        order = json.loads(letter.body)
        source = self._pictures / order["file"]
        if not source.is_file():
            log.warning("%s was deleted before it could be archived", source.name)
            return
        if not self._folder.is_dir():
            raise Undelivered(
                UserError(
                    N_("The archive folder {folder} is not there. Pictures are copied as soon as it is."),
                    folder=self.name,
                )
            )
        try:
            month = self._folder / order["time"][:7]
            month.mkdir(exist_ok=True)  # but not the folders above it
            _copy(source, month)
        except OSError as error:
            raise Undelivered(
                UserError(
                    N_("Pictures cannot be copied to {folder}: {why}. They are copied as soon as that works."),
                    folder=self.name,
                    why=error.strerror or type(error).__name__,
                )  # fmt: skip
            ) from error

    def interrupt(self) -> None:
        pass


def _copy(source: Path, folder: Path) -> None:
    """Whole or not at all; what has the same name and is another picture stays."""
    target = folder / source.name
    for number in range(2, 100):
        if not target.exists():
            break
        if filecmp.cmp(source, target, shallow=False):
            return
        target = folder / f"{source.stem} ({number}){source.suffix}"
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        with source.open("rb") as data, partial.open("wb") as out:
            shutil.copyfileobj(data, out, 1 << 20)
            out.flush()
            os.fsync(out.fileno())
        os.replace(partial, target)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
