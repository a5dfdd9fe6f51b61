"""Styles that are ready to bind: the latest few, by content, so that switching back reads no file."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

from torch import nn

from core.errors import N_, UserError
from core.request import StyleUse
from pipeline.lora.keys import Deltas, read_style

KEPT = 8


class Residency:
    """Reads style files from one folder and keeps the latest few on the device."""

    def __init__(self, folder: Path, linears: Mapping[str, nn.Linear]) -> None:
        self._folder, self._linears = folder, linears
        self._kept: OrderedDict[str, Deltas] = OrderedDict()

    def get(self, use: StyleUse) -> tuple[str, Deltas]:
        """The style's content hash and its deltas.

        Raises UserError when the file is gone, was changed since the request was made, or does not fit the model.
        """
        if use.sha256 in self._kept:
            self._kept.move_to_end(use.sha256)
            return use.sha256, self._kept[use.sha256]
        file = (self._folder / f"{use.name}.safetensors").resolve()
        if not file.is_relative_to(self._folder.resolve()):
            raise _gone(use)
        try:
            data = file.read_bytes()
        except OSError as error:
            raise _gone(use) from error
        sha256 = hashlib.sha256(data).hexdigest()
        if use.sha256 and sha256 != use.sha256:
            raise UserError(
                N_('The style "{name}" was changed after you asked for this picture. Generate again to use it.'),
                name=use.name,
            )
        self._kept[sha256] = read_style(data, use.name, self._linears)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return sha256, self._kept[sha256]


def _gone(use: StyleUse) -> UserError:
    return UserError(N_('The style "{name}" is not there any more. Pick another one.'), name=use.name)
