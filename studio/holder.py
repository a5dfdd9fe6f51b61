"""Which process holds a job, and whether that process still lives.

A process is known by a random name and by a lock on a file of that name. The system gives the lock back when the
process ends, however it ends, so neither process ids that are used again nor a clock that jumps can mislead. Where the
file is not to be found (the process runs on another machine, on the same PostgreSQL), only its lease can tell.

Beside the lock stands what the device is at, written before every quantum without waiting for the disk: it survives the
death of the process, and that is the harm a job can do.
"""

import mmap
import re
from pathlib import Path

from filelock import FileLock, Timeout

_NAME = re.compile(r"[0-9a-f]{16,64}")
_SIZE = 64  # bytes for a job's id


class Holder:
    """This process. `close` at the end, or just die."""

    def __init__(self, folder: Path, name: str) -> None:
        """Make the files. Raises OSError when the folder cannot be written to."""
        folder.mkdir(parents=True, exist_ok=True)
        self.name, self._folder = name, folder
        self._lock = FileLock(folder / f"{name}.lock")
        self._lock.acquire(timeout=0)
        self._note = _note_of(folder, name)
        self._note.write_bytes(bytes(_SIZE))
        with self._note.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), _SIZE)

    def at(self, job_id: str) -> None:
        """The device is at this job from now on; "" when at none. Takes a microsecond."""
        self._page[:] = job_id.encode("ascii")[:_SIZE].ljust(_SIZE, b"\0")

    def is_gone(self, other: str, lease_ms: int, now_ms: int) -> bool:
        """Whether the process called `other` is no more."""
        if not _NAME.fullmatch(other):
            return True
        lock = self._folder / f"{other}.lock"
        if not lock.exists():
            return lease_ms < now_ms
        try:
            with FileLock(lock, timeout=0):
                return True
        except Timeout:
            return False

    def was_at(self, gone: str) -> str | None:
        """The job that a process which is no more was at; "" for none, None when that cannot be known."""
        try:
            return _note_of(self._folder, gone).read_bytes().rstrip(b"\0").decode("ascii")
        except (OSError, UnicodeDecodeError):
            return None

    def bury(self, gone: str) -> None:
        """Remove what a process that is no more has left."""
        _note_of(self._folder, gone).unlink(missing_ok=True)
        (self._folder / f"{gone}.lock").unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what processes have left that are no more and whose jobs are in good hands."""
        for lock in self._folder.glob("*.lock"):
            if lock.stem != self.name and self.is_gone(lock.stem, 0, 1):
                self.bury(lock.stem)

    def close(self) -> None:
        """This process holds nothing any more."""
        self._page.close()
        self._lock.release()
        self.bury(self.name)


def _note_of(folder: Path, name: str) -> Path:
    return folder / f"{name}.job"
