"""The files that weights came from, to be read again: what is at rest there takes no memory of this process.

Nothing is kept open. Files that are not what they were are refused: half of another model would be worse than none.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from core.errors import N_, UserError

_SAMPLE = 1024  # numbers at either end of a weight by which a file proves to hold it


@dataclass(frozen=True, slots=True)
class Place:
    """Where a weight stands: in which file, and under which name."""

    file: Path
    key: str


class WeightFiles:
    """Those of one component."""

    def __init__(self, folder: Path) -> None:
        """Reads headers only. Raises OSError or SafetensorError when they cannot be read."""
        self._places: dict[str, Place] = {}
        self._identities: dict[Path, tuple[int, int, int]] = {}
        for file in sorted(folder.glob("*.safetensors")):
            self._identities[file] = _identity(file)
            with safe_open(file, "pt") as opened:
                self._places |= {key: Place(file, key) for key in opened.keys()}  # noqa: SIM118 (no mapping)

    def find(self, name: str, weight: Tensor) -> Place | None:
        """Where this weight is, on proof by its ends; None when it is not there as it is here."""
        place = self._places.get(name) or self._places.get(f"model.{name}")
        if place is None:
            return None
        with safe_open(place.file, "pt") as opened:
            there = opened.get_slice(place.key)
            if tuple(there.get_shape()) != tuple(weight.shape):
                return None
            flat = opened.get_tensor(place.key).flatten()
            here = weight.detach().flatten()
            ends = (flat[:_SAMPLE], here[:_SAMPLE]), (flat[-_SAMPLE:], here[-_SAMPLE:])
            same = all(torch.equal(theirs.to(ours.dtype), ours.cpu()) for theirs, ours in ends)
        return place if same else None

    def read(self, places: Mapping[str, Place], into: Mapping[str, Tensor]) -> None:
        """Fill the tensors of `into` with the weights of the same names. Raises UserError when a file has changed."""
        for file in {place.file for place in places.values()}:
            try:
                if _identity(file) != self._identities[file]:
                    raise _changed(file)
                with safe_open(file, "pt") as opened:
                    for name, place in places.items():
                        if place.file == file:
                            into[name].copy_(opened.get_tensor(place.key))
            except (OSError, SafetensorError) as error:
                raise _changed(file) from error


def files_of(folder: Path, components: Sequence[str]) -> dict[str, WeightFiles]:
    """Those of each component that has some."""
    found = {}
    for name in components:
        try:
            found[name] = WeightFiles(folder / name)
        except (OSError, SafetensorError):
            continue  # then its weights are kept in memory
    return found


def _identity(file: Path) -> tuple[int, int, int]:
    stat = os.stat(file)
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _changed(file: Path) -> UserError:
    return UserError(
        N_("The model's file {file} was changed or removed while the studio ran. Start the studio again."),
        file=file.name,
    )
