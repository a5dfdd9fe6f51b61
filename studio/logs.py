"""The log: a file that is made when there is something to write, and errors that are found again by an id."""

import logging
import sys
from pathlib import Path
from uuid import uuid4

from core.errors import InternalError

log = logging.getLogger(__name__)

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class LogFile(logging.Handler):
    """Appends to `file`; to stderr, when that cannot be written."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file
        self.setFormatter(logging.Formatter(FORMAT))

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("a", encoding="utf-8", errors="backslashreplace") as out:
                print(line, file=out)
        except OSError:
            print(line, file=sys.stderr)


def reported(error: Exception) -> InternalError:
    """Log an unexpected error in full; what is returned carries only the id to find it by."""
    error_id = uuid4().hex[:8]
    log.error("internal error %s", error_id, exc_info=error)
    return InternalError(error_id)
