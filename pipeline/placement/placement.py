"""Which components of a model are on the device: all, or those whose turn it is.

A component's turn begins when it is called, so nobody has to remember to ask for it, and requests may take turns as
they like: one in its text, another at its steps. What has to leave for it leaves then, what was used longest ago first,
and nothing that fits beside it. This is for one model, and for the one thread that runs it.
"""

import logging
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from functools import partial

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from core.engine import Tier
from pipeline import memory
from pipeline.placement.component import Component, Form
from pipeline.placement.files import WeightFiles
from pipeline.placement.tiers import EXACT, Plan

log = logging.getLogger(__name__)


class Placement:
    """Call `close` before the model is given to another one."""

    def __init__(
        self, modules: Mapping[str, nn.Module], device: torch.device, plan: Plan, files: Mapping[str, WeightFiles]
    ) -> None:
        """`modules` by name are text_encoder, transformer and vae, on the CPU or the device. Raises what torch raises
        when memory runs out."""
        self._device, self._plan = device, plan
        self._components = OrderedDict(
            (name, Component(module, device, files.get(name))) for name, module in modules.items()
        )
        self._handles: list[RemovableHandle] = []
        for name, module in modules.items():
            turn = partial(self._called, name)
            doors = module.children() if name == "vae" else (module,)  # a VAE is called by its parts
            self._handles += [door.register_forward_pre_hook(turn) for door in doors]
        self.tier: Tier = plan.tier
        self.lowered = False
        self.peak = 0
        self._put()

    @property
    def held(self) -> int:
        """Bytes of weights on the device now."""
        return sum(component.size for component in self._components.values() if component.there)

    @property
    def at_rest(self) -> bool:
        return not any(component.there for component in self._components.values())

    @torch.inference_mode(False)
    def turn(self, name: str) -> None:
        """Have a component on the device, and beside it only what leaves room for its work."""
        component = self._components[name]
        self._components.move_to_end(name)
        leaving = self._in_the_way(name)
        for other in leaving:
            other.leave()
        if not component.there:
            if leaving and self._device.type != "cpu":
                memory.release(self._device)
            component.come()
        self.peak = max(self.peak, self.held)

    def settle(self) -> Iterator[None]:
        """Make ready for `rest`, in bites of a fraction of a second."""
        for component in self._components.values():
            if component.there:
                yield from component.settle()

    @torch.inference_mode(False)
    def rest(self) -> None:
        """Everything away, until `wake` or the next turn."""
        for component in self._components.values():
            if component.there:
                component.leave()
        memory.release(self._device)

    def wake(self) -> None:
        """Back to where a picture begins quickly: the text encoder, and what has room beside it."""
        self.turn("text_encoder")
        for name in list(self._components):
            if not self._in_the_way(name):
                self.turn(name)

    @torch.inference_mode(False)
    def lower(self) -> bool:
        """To the next tier that takes less and gives the same bits. False when there is none."""
        lower = EXACT[EXACT.index(self.tier) + 1 :] if self.tier in EXACT else EXACT[-1:]
        if not lower:
            return False
        log.warning("the model moves from the memory tier %s to %s", self.tier, lower[0])
        self.tier, self.lowered = lower[0], True
        self._plan = Plan(self.tier)
        self.rest()
        self._put()
        return True

    def close(self) -> None:
        """Let go of the modules, which are on the device in full then."""
        for handle in self._handles:
            handle.remove()
        for component in self._components.values():
            component.put("whole")
            component.come()

    def _called(self, name: str, *_: object) -> None:
        self.turn(name)

    def _put(self) -> None:
        for name, component in self._components.items():
            if self.tier == "resident":
                component.take()
            else:
                component.put(_form(self.tier, name))
        memory.release(self._device)
        self.peak = max(self.peak, self.held)

    def _in_the_way(self, name: str) -> list[Component]:
        """What has to leave, used longest ago first."""
        if self.tier == "resident":
            return []
        others = [c for other, c in self._components.items() if other != name and c.there]
        needs, budget = self._plan.needs, self._plan.budget
        if needs is None or not budget:
            return others
        spare = budget - needs.styles - needs.work[name] - self._components[name].size
        leaving = []
        while others and sum(other.size for other in others) > spare:
            leaving.append(others.pop(0))
        return leaving


def _form(tier: Tier, name: str) -> Form:
    """How a component comes in a tier."""
    if tier == "streamed":
        return "streamed"
    return "8-bit" if tier == "8-bit" and name == "transformer" else "whole"
