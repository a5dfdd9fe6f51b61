"""Which styles are where: on the device, in host memory, compiled on disk, or only as the file they came from.

Styles are known by their content. What is on the device and in host memory keeps to a budget of bytes, least recently
used out first; only the styles of the quantum at hand always stay. A request keeps its `Compiled` styles, which are
mapped files and cost no memory, so that nothing it needs can vanish once it has begun. On a CPU device the mapped file
is the device's own memory, and there is no host tier.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from core.errors import N_, UserError
from core.request import StyleUse
from pipeline.lora.cache import MB, Cache, changed
from pipeline.lora.compiled import Compiled
from pipeline.lora.container import open_file
from pipeline.lora.deltas import Deltas

_CHUNK = 1 << 20


class Residency:
    """Reads style files from one folder. Only the thread that runs the transformer may call it, but for `styles`."""

    def __init__(self, folder: Path, cache: Cache, device: torch.device, device_mb: int, host_mb: int) -> None:
        self._folder, self._cache, self._device = folder, cache, device
        self._device_bytes, self._host_bytes = device_mb * MB, host_mb * MB
        self._on_device: OrderedDict[str, tuple[Compiled, Deltas]] = OrderedDict()
        self._in_host: OrderedDict[str, Tensor] = OrderedDict()
        self._hashes: dict[Path, tuple[tuple[int, int, int], str]] = {}
        self._needed: frozenset[str] = frozenset()

    def find(self, use: StyleUse) -> Compiled:
        """The style as it is now, compiled if need be.

        Raises UserError when the file is gone, was changed since the request was made, or does not fit the model.
        """
        file = self._folder / f"{use.name}.safetensors"
        try:
            if not file.resolve().is_relative_to(self._folder.resolve()):
                raise _gone(use)
            sha256 = self._sha256(file)
            if use.sha256 not in ("", sha256):
                raise changed(use.name)
            return self._cache.compile(file, sha256)
        except (OSError, ValueError) as error:  # ValueError: a name that no file can have
            raise _gone(use) from error

    def bring(self, styles: Sequence[Compiled]) -> list[Deltas]:
        """The changes of each, on the device; these stay there until others are asked for."""
        self._needed = frozenset(style.sha256 for style in styles)
        return [self._bring(style) for style in styles]

    def prefetch(self, style: Compiled) -> None:
        """Bring a style to the device if there is room without what is needed now."""
        others = sum(self._on_device[s][0].nbytes for s in self._needed if s in self._on_device)
        if style.sha256 not in self._on_device and others + style.nbytes <= self._device_bytes:
            self._bring(style, also=style.sha256)

    def free(self) -> None:
        """Keep nothing."""
        self._in_host.clear()
        self._on_device.clear()

    @property
    def styles(self) -> frozenset[str]:
        """The contents that are on the device."""
        return frozenset(self._on_device.copy())

    @property
    def nbytes(self) -> int:
        """What they take there."""
        return sum(style.nbytes for style, _ in self._on_device.copy().values())

    def _bring(self, style: Compiled, also: str = "") -> Deltas:
        known = self._on_device.get(style.sha256)
        if known is None:
            self._make_room(style.nbytes, self._needed | {also})
            known = (style, style.deltas(self._copied(style)))
            self._on_device[style.sha256] = known
        self._on_device.move_to_end(style.sha256)
        return known[1]

    def _make_room(self, nbytes: int, staying: Iterable[str]) -> None:
        used = self.nbytes
        for sha256 in [s for s in self._on_device if s not in set(staying)]:
            if used + nbytes <= self._device_bytes:
                return
            used -= self._on_device.pop(sha256)[0].nbytes

    def _copied(self, style: Compiled) -> Tensor:
        """The style's block of bytes on the device, by way of host memory."""
        if self._device.type == "cpu":
            return style.data
        if style.nbytes > self._host_bytes:
            return style.data.to(self._device)
        block = self._in_host.pop(style.sha256, None)
        if block is None:
            block = style.data.pin_memory() if self._device.type == "cuda" else style.data.clone()
        copied = block.to(self._device, non_blocking=True)  # in the stream's order, before whatever uses it
        self._keep_in_host(style.sha256, block)
        return copied

    def _keep_in_host(self, sha256: str, block: Tensor) -> None:
        used = sum(b.numel() for b in self._in_host.values()) + block.numel()
        while used > self._host_bytes and self._in_host:
            used -= self._in_host.popitem(last=False)[1].numel()
        self._in_host[sha256] = block

    def _sha256(self, file: Path) -> str:
        """The content's hash, read anew when the file was written to or replaced."""
        with open_file(file) as opened:
            stat = file.stat()
            written = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
            known = self._hashes.get(file)
            if known is None or known[0] != written:
                digest = hashlib.sha256()
                while chunk := opened.read(_CHUNK):
                    digest.update(chunk)
                known = self._hashes[file] = (written, digest.hexdigest())
        return known[1]


def _gone(use: StyleUse) -> UserError:
    return UserError(N_('The style "{name}" is not there any more. Pick another one.'), name=use.name)
