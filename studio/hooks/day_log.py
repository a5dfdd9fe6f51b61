"""The history as a file a day, readable without any program: one line of JSON for each job that has ended.

`history_YYYYMMDD.jsonl`, and `batch_history_YYYYMMDD.jsonl` for jobs of a batch; the day is this machine's own. A line
is on the disk before it counts as written. A line that a crash has torn is left as it is, and the next begins anew.
"""

import errno
import json
import os
import re
import threading
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from core.errors import N_, UserError
from studio.files import write_whole
from studio.hooks.courier import Undelivered
from studio.hooks.status import Kind
from studio.store.outbox import Taken

_NAME = re.compile(r"(?:batch_)?history_([0-9]{8})\.jsonl")
_TAIL_BYTES = 1_000_000  # where a line is looked for that may have been written before a crash
_FOR_EVER_MS = 1 << 50


class DayLog:
    """A target of letters. `keep_days` is how many days' files are kept, today's included; 0 keeps all."""

    key = "log"
    kind: Kind = "log"
    keep_ms = _FOR_EVER_MS

    def __init__(self, folder: Path, keep_days: int) -> None:
        self._folder, self._keep_days = folder, keep_days
        self.name = str(folder)
        self._day = ""
        self._writing = threading.Lock()

    def deliver(self, letter: Taken) -> None:
        """Append the letter's line to its day's file."""
        line = json.loads(letter.body)
        day = date.fromisoformat(line["time"][:10])
        file = self._folder / f"{'batch_' if line['kind'] == 'batch' else ''}history_{day:%Y%m%d}.jsonl"
        try:
            with self._writing:
                self._folder.mkdir(parents=True, exist_ok=True)
                if letter.attempts > 1 and any(one.get("id") == line["id"] for one in entries(file, _TAIL_BYTES)):
                    return  # it was written, and then something happened
                append(file, letter.body)
                self._let_go(day)
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise Undelivered(
                UserError(
                    N_("The day log cannot be written to {folder}: {why}. It is made up for as soon as that works."),
                    folder=self.name,
                    why=why,
                )  # fmt: skip
            ) from error

    def interrupt(self) -> None:
        pass

    def forget(self, jobs: Collection[str]) -> None:
        """Take the lines of these jobs out of all days. Raises UserError when the disk refuses."""
        try:
            with self._writing:
                for file in self._folder.iterdir() if self._folder.is_dir() else ():
                    if _NAME.fullmatch(file.name):
                        _without(file, jobs)
        except OSError as error:
            raise UserError(
                N_("The day log in {folder} cannot be changed: {why}. Look at the rights of its folder."),
                folder=self.name, why=error.strerror or type(error).__name__,
            ) from error  # fmt: skip

    def _let_go(self, today: date) -> None:
        if not self._keep_days or self._day == f"{today:%Y%m%d}":
            return
        self._day = f"{today:%Y%m%d}"
        first = f"{today - timedelta(days=self._keep_days - 1):%Y%m%d}"
        for file in self._folder.iterdir():
            match = _NAME.fullmatch(file.name)
            if match and match[1] < first:
                file.unlink(missing_ok=True)


def append(file: Path, line: str) -> None:
    """Put a line at the end of a file, on the disk. Raises OSError; then nothing was added."""
    is_new = not file.exists()
    with file.open("ab", buffering=0) as out:
        size = out.seek(0, os.SEEK_END)
        torn = size > 0 and _last_byte(file) != b"\n"
        data = (b"\n" if torn else b"") + line.encode() + b"\n"
        try:
            if out.write(data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(out.fileno())
        except OSError:
            with suppress(OSError):
                out.truncate(size)
            raise
    if is_new and hasattr(os, "O_DIRECTORY"):
        folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _without(file: Path, jobs: Collection[str]) -> None:
    lines = file.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if (_entry(line) or {}).get("id") not in jobs]
    if len(kept) < len(lines):
        write_whole(file, kept)


def _entry(line: bytes) -> dict[str, Any] | None:
    """None for a torn line."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def entries(file: Path, last_bytes: int | None = None) -> Iterator[dict[str, Any]]:
    """The lines of a day log, torn ones left out; only those in its last bytes, if asked."""
    with suppress(FileNotFoundError), file.open("rb") as lines:
        if last_bytes is not None:
            lines.seek(max(0, file.stat().st_size - last_bytes))
        for line in lines:
            entry = _entry(line)
            if entry is not None:
                yield entry


def _last_byte(file: Path) -> bytes:
    with file.open("rb") as data:
        data.seek(-1, os.SEEK_END)
        return data.read(1)
