"""One component of the model, in full or block by block: what its turn brings to the device, and what stays away."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Literal, TypeAlias

import torch
from torch import nn

from pipeline.placement.block import Block
from pipeline.placement.eight_bit import InEightBits
from pipeline.placement.files import WeightFiles
from pipeline.placement.passage import Passage
from pipeline.placement.tiers import block_of

Form: TypeAlias = Literal["whole", "8-bit", "streamed"]


class Component:
    """A module's weights, grouped into blocks. Touch it from the thread that runs the model only."""

    def __init__(self, module: nn.Module, device: torch.device, files: WeightFiles | None) -> None:
        """Nothing but buffers, which are small and stay, is moved yet: call `take` or `put`."""
        self._device = device
        groups: dict[str, dict[str, nn.Parameter]] = defaultdict(dict)
        for name, weight in module.named_parameters():
            groups[block_of(name)][name] = weight
        for part in module.modules():
            for name, buffer in part._buffers.items():
                part._buffers[name] = None if buffer is None else buffer.to(device)
        self._rest = Block(groups.pop("", {}), device, files)
        self._blocks = [Block(weights, device, files) for weights in groups.values()]
        self._modules = [module.get_submodule(name) for name in groups]
        self._passage: Passage | None = None
        self._packed: list[InEightBits] = []
        self.there = False

    @property
    def size(self) -> int:
        """Bytes it takes on the device when it is there."""
        if self._passage is None:
            return self._rest.nbytes + sum(block.nbytes for block in self._blocks)
        return self._rest.nbytes + self._passage.nbytes + sum(packed.nbytes for packed in self._packed)

    def take(self) -> None:
        """Onto the device in full, from wherever it was read to."""
        for block in (self._rest, *self._blocks):
            block.take()
        self.there = True

    def put(self, form: Form) -> None:
        """Away for now; it comes in this form from now on. "8-bit" is for weights that have never left yet."""
        if self._passage is not None:
            self.leave()
            self._passage.remove()
        self._passage, self._packed = None, []
        self._rest.settle()
        for block in self._blocks:
            if form == "8-bit":
                self._packed.append(InEightBits(block, self._device))
                block.home = self._packed[-1]
            elif isinstance(block.home, InEightBits):
                block.home = block.in_files or block.home
            block.settle()
        self.leave()
        if self._blocks and form != "whole":
            self._passage = Passage(self._blocks, self._modules, self._device, buffers=1 if form == "8-bit" else 2)

    def come(self) -> None:
        """Onto the device. When that fails it is away, as before."""
        try:
            self._rest.come()
            for packed in self._packed:
                packed.come()
            if self._passage is not None:
                self._passage.open()
            else:
                for block in self._blocks:
                    block.come()
            self.there = True
        except BaseException:
            self.leave()
            raise

    def settle(self) -> Iterator[None]:
        """Find a home for each block while it is there, one at a time."""
        for block in (self._rest, *self._blocks):
            block.settle()
            yield

    def leave(self) -> None:
        """Off the device."""
        if self._passage is not None:
            self._passage.close()
        for block in (self._rest, *self._blocks):
            block.settle()
            block.leave()
        for packed in self._packed:
            packed.leave()
        self.there = False

    def remove(self) -> None:
        """Let go of the module, with its weights on the device."""
        if self._passage is not None:
            self._passage.remove()
