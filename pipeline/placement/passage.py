"""The blocks of a component pass through one or two buffers on the device while it runs, in the order of its layers.

With two, the next block is copied while the one before it computes: on a GPU from pinned memory, on a stream of its
own, so the device waits for nothing but the slower of the two. Blocks announce themselves by hooks; one that was not
expected is fetched then, so another order is slower and nothing worse.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from pipeline.placement.block import Block, allocate


class Passage:
    """Open while the component has its turn. Touch it from the thread that runs the model only."""

    def __init__(
        self, blocks: Sequence[Block], modules: Sequence[nn.Module], device: torch.device, buffers: int
    ) -> None:
        """`buffers` is 2, or 1 where a block is already on the device, packed. Every block has a home."""
        self._blocks, self._device = blocks, device
        self.nbytes = buffers * max(block.nbytes for block in blocks)
        self._count, self._buffers = buffers, list[Tensor]()
        self._in: list[int | None] = [None] * buffers  # which block
        self._now: int | None = None  # the buffer of the block at work
        ahead = device.type == "cuda" and buffers == 2
        self._stream = torch.cuda.Stream(device) if ahead else None  # type: ignore[no-untyped-call]
        self._filled: list[torch.cuda.Event | None] = [None] * buffers
        self._done: list[torch.cuda.Event | None] = [None] * buffers
        self._handles: list[RemovableHandle] = []
        for k, module in enumerate(modules):
            self._handles.append(module.register_forward_pre_hook(self._arriving(k)))
            self._handles.append(module.register_forward_hook(self._leaving(k)))

    def open(self) -> None:
        """Take the buffers."""
        size = self.nbytes // self._count
        self._buffers = [allocate(size, self._device) for _ in range(self._count)]
        if self._stream is not None:
            self._stream.wait_stream(torch.cuda.current_stream(self._device))

    def close(self) -> None:
        """Give the buffers back; no block is on the device then."""
        if self._stream is not None:
            torch.cuda.current_stream(self._device).wait_stream(self._stream)
        for block in self._blocks:
            block.unbind()
        self._buffers, self._in, self._now = [], [None] * self._count, None
        self._filled, self._done = [None] * self._count, [None] * self._count

    def remove(self) -> None:
        """No more hooks."""
        for handle in self._handles:
            handle.remove()

    def _arriving(self, k: int) -> Any:
        @torch.inference_mode(False)
        def hook(*_: object) -> None:
            if self._now is not None and (before := self._in[self._now]) is not None:  # it was stopped by an error
                self._blocks[before].unbind()
            if k not in self._in:
                self._fill(self._free(), k)
            self._now = here = self._in.index(k)
            if self._stream is not None and (filled := self._filled[here]) is not None:
                torch.cuda.current_stream(self._device).wait_event(filled)
            self._blocks[k].bind(self._buffers[here])
            following = (k + 1) % len(self._blocks)
            if self._count > 1 and following not in self._in:
                self._fill(self._free(), following)

        return hook

    def _leaving(self, k: int) -> Any:
        @torch.inference_mode(False)
        def hook(*_: object) -> None:
            self._blocks[k].unbind()
            if self._now is not None and self._stream is not None:
                self._done[self._now] = torch.cuda.current_stream(self._device).record_event()

        return hook

    def _free(self) -> int:
        """A buffer that the block at work is not in."""
        return next(n for n in range(self._count) if n != self._now or self._count == 1)

    def _fill(self, n: int, k: int) -> None:
        block, run = self._blocks[k], self._buffers[n]
        self._in[n] = None  # should this fail, it holds nothing
        if self._stream is not None and (done := self._done[n]) is not None:
            self._stream.wait_event(done)
        with torch.cuda.stream(self._stream) if self._stream is not None else nullcontext():
            if block.home is not None:
                block.home.fill(run[: block.nbytes], block.views(run))
        if self._stream is not None:
            self._filled[n] = self._stream.record_event()
        self._in[n] = k
