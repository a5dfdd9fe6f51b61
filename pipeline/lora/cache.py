"""Compiled styles on disk: `<content>-<model>.safetensors`, safe to delete at any time, by anybody.

Files appear whole or not at all, so two processes may compile the same style at once. What is missing, damaged, or made
for another model is made anew from the style's own file. Above the cap, what was not used longest goes first.
"""

import hashlib
import json
import logging
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import torch

from core.errors import N_, UserError
from pipeline.lora.compiled import Compiled, open_compiled, pack, unpack
from pipeline.lora.container import damaged, open_file, read_container, reader
from pipeline.lora.convert import convert, scale_of
from pipeline.lora.inspect import Inspector

log = logging.getLogger(__name__)
MB = 1_000_000
FORMAT = 1  # of the compiled files: count up when their content changes


class Cache:
    """For one model, in one dtype. Any thread may use one of its own."""

    def __init__(self, folder: Path | None, cache_mb: int, inspector: Inspector, dtype: torch.dtype) -> None:
        """Without a `folder`, nothing is kept on disk."""
        self._folder, self._most_bytes, self._inspector, self._dtype = folder, cache_mb * MB, inspector, dtype
        model = json.dumps([FORMAT, str(dtype), sorted(inspector.shapes.items())])
        self.fingerprint = hashlib.sha256(model.encode()).hexdigest()[:16]
        self._verified: set[tuple[int, int, int]] = set()

    def find(self, sha256: str) -> Compiled | None:
        """The compiled style of that content, or None. A damaged one is removed."""
        if self._folder is None:
            return None
        file = self._file(sha256)
        try:
            stat = file.stat()
            identity = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
            compiled = open_compiled(
                file, sha256, self._dtype, self._marks(sha256), verify=identity not in self._verified
            )
            with suppress(PermissionError):
                os.utime(file, ns=(time.time_ns(), stat.st_mtime_ns))  # used now, changed then
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.warning("the compiled style %s is made anew: %s", file.name, error)
            with suppress(OSError):
                file.unlink()
            return None
        self._verified.add(identity)
        return compiled

    def compile(self, file: Path, sha256: str) -> Compiled:
        """The compiled style of `file`, made now unless it is there.

        Raises UserError when the file is not what `sha256` says, is damaged or does not fit; OSError when it cannot be
        read. That the cache cannot be written to is logged and no error.
        """
        found = self.find(sha256)
        if found is not None:
            return found
        packed = self._pack(file, sha256)
        if self._folder is not None:
            try:
                self._write(self._file(sha256), packed)
                self._evict(keep=self._file(sha256))
            except OSError as error:
                log.warning("the compiled style could not be kept in %s: %s", self._folder, error)
        return self.find(sha256) or unpack(packed, sha256, self._dtype, self._marks(sha256))

    def _pack(self, file: Path, sha256: str) -> bytearray:
        name = file.stem
        with open_file(file) as opened:
            size = os.fstat(opened.fileno()).st_size
            read_container(reader(opened), size, name)  # before memory is taken for all of it
            data = bytearray(size)
            opened.seek(0)
            if opened.readinto(data) != size:  # type: ignore[attr-defined]
                raise damaged(name, N_("it is cut off"))
        if hashlib.sha256(data).hexdigest() != sha256:
            raise changed(name)
        reading = self._inspector.read(lambda start, end: bytes(data[start:end]), size, name)
        scales = {module: scale_of(reading, module) for module in reading.changes}
        return pack(convert(reading, data, self._dtype, name), scales, self._marks(sha256))

    def _marks(self, sha256: str) -> tuple[int, int]:
        """What tells a compiled file from that of another style or model, whatever it is called."""
        return int(self.fingerprint, 16) >> 1, int(sha256[:15], 16)

    def _file(self, sha256: str) -> Path:
        return Path(self._folder or "", f"{sha256}-{self.fingerprint}.safetensors")

    def _write(self, file: Path, packed: bytearray) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=file.parent)
        try:
            with os.fdopen(descriptor, "wb") as out:
                out.write(packed)
                out.flush()
                os.fsync(out.fileno())
            os.replace(temporary, file)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise

    def _evict(self, keep: Path) -> None:
        """Remove what was not used longest until the rest is within the cap; never the newest."""
        files = []
        for file in keep.parent.glob("*.safetensors"):
            with suppress(OSError):  # another process was quicker
                stat = file.stat()
                files.append((stat.st_atime_ns, stat.st_size, file))
        total = sum(size for _, size, _ in files)
        for _, size, file in sorted(files):
            if total <= self._most_bytes:
                return
            if file != keep:
                with suppress(OSError):
                    file.unlink()
                total -= size


def changed(name: str) -> UserError:
    """The error for a style whose file is not the one that was asked for."""
    return UserError(
        N_('The style "{name}" was changed after you asked for this picture. Generate again to use it.'), name=name
    )
