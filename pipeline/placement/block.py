"""Weights that come to the device together and leave it together, as one run of bytes.

A block that is away has empty weights, so that whoever calls it gets an error and never a wrong picture. Where its
weights are meanwhile is its home: memory of the host (pinned, where a copy is quicker for it), the file they came from,
or, in 8 bits, the device itself.
"""

import mmap
from collections.abc import Mapping
from typing import Protocol

import psutil
import torch
from torch import Tensor, nn

from pipeline.placement.files import Place, WeightFiles

_ALIGNMENT = 512  # what CUDA's allocator gives; a matrix product may have other bits where a tensor begins elsewhere
SPARE = 2_000_000_000  # bytes of the host's memory that are left to others


class Home(Protocol):
    """Where weights are while they are not in use."""

    def fill(self, run: Tensor, views: Mapping[str, Tensor]) -> None:
        """Write them into a block's run of bytes; `views` are the weights in it. On a GPU it need not wait for that."""
        ...


class InHost:
    """A copy in the host's memory."""

    def __init__(self, run: Tensor) -> None:
        self.run = run

    def fill(self, run: Tensor, views: Mapping[str, Tensor]) -> None:
        run.copy_(self.run, non_blocking=True)


class InFiles:
    """The files they were read from; takes no memory."""

    def __init__(self, files: WeightFiles, places: Mapping[str, Place]) -> None:
        self._files, self._places = files, places

    def fill(self, run: Tensor, views: Mapping[str, Tensor]) -> None:
        self._files.read(self._places, views)


class Block:
    """Some weights of a module. Touch it from the thread that runs the model only."""

    def __init__(self, weights: Mapping[str, nn.Parameter], device: torch.device, files: WeightFiles | None) -> None:
        """`weights` as they were read, by name; nothing is moved yet."""
        self.weights, self._device = weights, device
        self._at: dict[str, tuple[int, int]] = {}
        end = 0
        for name, weight in weights.items():
            self._at[name] = (end, end + weight.nbytes)
            end += weight.nbytes + -weight.nbytes % _ALIGNMENT
        self.nbytes = end
        dense = {name: torch.empty_like(weight, device="meta") for name, weight in weights.items()}
        self._shapes = {name: (weight.shape, weight.stride()) for name, weight in dense.items()}
        self._run: Tensor | None = None
        self.in_files = _in_files(weights, files)
        self.home: Home | None = None

    def take(self) -> None:
        """Onto the device, from wherever the weights were read to."""
        run = allocate(self.nbytes, self._device)
        self._fill(run)
        self._run = run
        self.bind(run)

    def settle(self) -> None:
        """Find a home for the weights, which are here: their files, unless a copy in the host's memory is quicker and
        there is room for it."""
        if self.home is None and self.in_files is not None and not self._has_room_in_host():
            self.home = self.in_files
        elif self.home is None:
            run = self._host_run()
            self._fill(run)
            self.home = InHost(run)

    def come(self) -> None:
        """Onto the device, from home."""
        if self._run is None and self.home is not None:
            run = allocate(self.nbytes, self._device)
            self.home.fill(run, self.views(run))
            self._run = run
            self.bind(run)

    def leave(self) -> None:
        """Off the device. It has a home."""
        self.unbind()
        self._run = None

    def bind(self, run: Tensor) -> None:
        """Its weights are in this run of bytes from now on."""
        for name, view in self.views(run).items():
            self.weights[name].data = view

    def unbind(self) -> None:
        for weight in self.weights.values():
            weight.data = torch.empty(0, dtype=weight.dtype, device=self._device)

    def views(self, run: Tensor) -> dict[str, Tensor]:
        """Its weights, as they lie in a run of at least `nbytes` bytes."""
        return {
            name: run[start:end].view(self.weights[name].dtype).as_strided(*self._shapes[name])
            for name, (start, end) in self._at.items()
        }

    def _fill(self, run: Tensor) -> None:
        for name, view in self.views(run).items():
            view.copy_(self.weights[name].data)

    def _has_room_in_host(self) -> bool:
        """Beside a GPU; elsewhere host and device are the same."""
        return self._device.type == "cuda" and psutil.virtual_memory().available > self.nbytes + SPARE

    def _host_run(self) -> Tensor:
        if self._device.type == "cuda":
            try:
                return torch.empty(self.nbytes, dtype=torch.uint8, pin_memory=True)
            except RuntimeError:  # the system limits how much may be pinned: slower, but right
                pass
        return torch.empty(self.nbytes, dtype=torch.uint8)


def allocate(nbytes: int, device: torch.device) -> Tensor:
    """(nbytes,) uint8 on the device. On a CPU it goes back to the system as soon as it is dropped, which what malloc
    gives does not always."""
    if device.type == "cpu" and nbytes:
        return torch.frombuffer(mmap.mmap(-1, nbytes), dtype=torch.uint8)
    return torch.empty(nbytes, dtype=torch.uint8, device=device)


def _in_files(weights: Mapping[str, Tensor], files: WeightFiles | None) -> InFiles | None:
    """The home of those weights that takes no memory, if their files hold them all."""
    places = {name: files.find(name, weight) for name, weight in weights.items()} if files is not None else {}
    found = {name: place for name, place in places.items() if place is not None}
    return InFiles(files, found) if files is not None and len(found) == len(weights) else None
