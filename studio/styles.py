"""The style library: which LoRA files there are, and what a style's name means at this moment."""

import hashlib
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from core.errors import N_, UserError
from core.request import StyleUse

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Style:
    """A file in the styles folder; `name` is its path there without the ending, with forward slashes."""

    name: str
    file: Path


class StyleLibrary:
    """Reads the folder each time it is asked: a file dropped in is there, one taken out is gone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._hashes: dict[tuple[Path, int, int], str] = {}
        self._lock = threading.Lock()

    def list(self) -> tuple[Style, ...]:
        """All styles by name; none when the folder is empty or missing. A file whose name no request could carry
        (a control character, bytes that are no text) is left out."""
        files = sorted(self.folder.rglob("*.safetensors")) if self.folder.is_dir() else []
        styles = (Style(f.relative_to(self.folder).with_suffix("").as_posix(), f) for f in files if f.is_file())
        return tuple(s for s in styles if not s.file.name.startswith(".") and _can_be_asked_for(s.name))

    def pin(self, uses: Iterable[StyleUse]) -> tuple[StyleUse, ...]:
        """The same styles with the content hash they have now.

        Raises UserError for one that is not there, or has another content than the request was made with.
        """
        known = {s.name: s for s in self.list()}
        pinned = []
        for use in uses:
            style = known.get(use.name)
            if style is None:
                raise UserError(
                    N_('There is no style "{name}". There are: {known}.'),
                    name=use.name,
                    known=", ".join(known) or "-",
                )
            now = self._sha256(style.file)
            if use.sha256 not in ("", now):
                raise UserError(
                    N_('The style "{name}" has changed since these settings were made. Pick it anew to use it now.'),
                    name=use.name,
                )
            pinned.append(replace(use, sha256=now))
        return tuple(pinned)

    def _sha256(self, file: Path) -> str:
        try:
            stat = file.stat()
            key = (file, stat.st_size, stat.st_mtime_ns)
            with self._lock:
                known = self._hashes.get(key)
            if known is None:  # outside the lock: a large file takes seconds, and others wait for theirs
                known = sha256(file)
                with self._lock:
                    self._hashes[key] = known
            return known
        except OSError as error:
            raise UserError(
                N_("The style file {file} cannot be read: {why}."), file=file.name, why=error.strerror or "?"
            ) from error


def _can_be_asked_for(name: str) -> bool:
    try:
        StyleUse(name)
    except UserError:
        return False
    return True


def sha256(file: Path) -> str:
    """Hex digest of a file's content."""
    digest = hashlib.sha256()
    with file.open("rb") as data:
        while chunk := data.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
