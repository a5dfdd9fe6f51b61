"""Small pictures of styles, by content hash: from the preview beside a file, or one that somebody has chosen.

A picture is decoded within limits and written anew as WebP, so that nothing of the original file is ever served.
"""

import io
import logging
import re
import threading
from pathlib import Path

from PIL import Image, ImageOps

from studio.files import write_whole

log = logging.getLogger(__name__)
SIDE = 512
MOST_PIXELS = 50_000_000
MOST_BYTES = 30_000_000
_KINDS = ("PNG", "WEBP", "JPEG")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CHOSEN, _FOUND = ".chosen.webp", ".webp"


class Thumbnails:
    """WebP files under one folder, which is made when there is something to write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._versions: dict[str, str] = {}

    def file(self, sha256: str) -> Path | None:
        """What to show for a style of this content: the chosen picture, else the one found beside it."""
        if not _SHA256.fullmatch(sha256):
            return None
        files = (self.folder / (sha256 + end) for end in (_CHOSEN, _FOUND))
        return next((f for f in files if f.is_file()), None)

    def version(self, sha256: str) -> str:
        """Empty without a picture; else a text that changes with it."""
        with self._lock:
            if sha256 not in self._versions:
                file = self.file(sha256)
                self._versions[sha256] = f"{file.stat().st_mtime_ns:x}" if file else ""
            return self._versions[sha256]

    def choose(self, sha256: str, data: bytes) -> bool:
        """Take the picture in `data` for this style; False when it cannot be read as one. Raises OSError."""
        return self._write(sha256, _CHOSEN, data)

    def find(self, sha256: str, data: bytes) -> bool:
        """The same for a picture that came with the file: a chosen one stays before it."""
        return self._write(sha256, _FOUND, data)

    def is_as_new(self, sha256: str, mtime_ns: int) -> bool:
        """Whether the picture found beside the file was read already."""
        file = self.folder / (sha256 + _FOUND)
        return file.is_file() and file.stat().st_mtime_ns >= mtime_ns

    def _write(self, sha256: str, end: str, data: bytes) -> bool:
        small = shrunk(data)
        if small is None:
            return False
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / (sha256 + end), small)
        with self._lock:
            self._versions.pop(sha256, None)
        return True


def shrunk(data: bytes) -> bytes | None:
    """A picture as a small WebP, upright and without metadata; None when it is none, or too large to look at."""
    try:
        with Image.open(io.BytesIO(data), formats=_KINDS) as image:
            if image.width * image.height > MOST_PIXELS:
                return None
            image.draft("RGB", (SIDE, SIDE))
            upright = ImageOps.exif_transpose(image).convert("RGBA")
        upright.thumbnail((SIDE, SIDE))
        small = Image.new("RGB", upright.size, "white")
        small.paste(upright, mask=upright.getchannel("A"))
        out = io.BytesIO()
        small.save(out, "WEBP", quality=85)
        return out.getvalue()
    except Exception as error:  # noqa: BLE001 (decoders of bytes that mean harm raise whatever they like)
        log.debug("not a picture: %s", error)
        return None
