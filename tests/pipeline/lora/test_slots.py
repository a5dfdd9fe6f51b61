"""Binding leaves nothing behind, costs nothing when off, and fails without changing anything."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from pipeline.lora.compiled import Compiled
from pipeline.lora.deltas import Deltas
from pipeline.lora.inspect import Inspector
from pipeline.lora.slots import Slots
from tests.pipeline.lora.conftest import velocity
from tests.pipeline.lora.formats import block_modules, dotted, random_style


@pytest.fixture
def styles(inspector: Inspector, compile_file: Callable[[Path], Compiled], tmp_path: Path) -> list[Deltas]:
    found = []
    for seed in range(3):
        style = random_style(inspector.shapes, block_modules(inspector.shapes), seed=seed)
        compiled = compile_file(style.write(tmp_path / f"{seed}.safetensors", dotted("")))
        found.append(compiled.deltas(compiled.data))
    return found


@pytest.fixture(autouse=True)
def unbound(slots: Slots) -> Iterator[None]:
    yield
    slots.clear()


def hooks(slots: Slots) -> int:
    return sum(len(module._forward_hooks) for module in slots.transformer.modules())


def test_a_strength_changes_without_binding_anew(slots: Slots, styles: list[Deltas]) -> None:
    slots.bind([(styles[0], 1.0), (styles[1], 0.5)])
    handles = list(slots._handles)
    slots.bind([(styles[0], -0.3), (styles[1], 2.0)])
    assert slots._handles == handles
    changed = velocity(slots.transformer)
    slots.clear()
    slots.bind([(styles[0], -0.3), (styles[1], 2.0)])
    assert torch.equal(velocity(slots.transformer), changed)


def test_what_is_off_has_no_hook(slots: Slots, styles: list[Deltas]) -> None:
    plain = velocity(slots.transformer)
    for uses in ([], [(styles[0], 0.0)], [(styles[0], 0.0), (styles[1], 0.0)]):
        slots.bind([(styles[2], 1.0)])
        slots.bind(uses)
        assert hooks(slots) == 0
        assert torch.equal(velocity(slots.transformer), plain)


def test_a_failed_bind_leaves_what_was_bound(slots: Slots, styles: list[Deltas]) -> None:
    slots.bind([(styles[0], 0.8)])
    expected = velocity(slots.transformer)
    with pytest.raises(KeyError):
        slots.bind([(styles[1], 1.0), ({"layers.99": styles[0]["layers.0.attention.to_q"]}, 1.0)])
    assert torch.equal(velocity(slots.transformer), expected)


def test_one_style_may_be_bound_twice(slots: Slots, styles: list[Deltas]) -> None:
    slots.bind([(styles[0], 1.0), (styles[0], -1.0)])
    assert hooks(slots) == 2 * len(styles[0])


def test_the_module_tree_and_the_state_dict_stay_those_of_the_base(slots: Slots, styles: list[Deltas]) -> None:
    names = [name for name, _ in slots.transformer.named_modules()]
    keys = list(slots.transformer.state_dict())
    slots.bind([(styles[0], 1.0), (styles[1], 1.0)])
    assert [name for name, _ in slots.transformer.named_modules()] == names
    assert list(slots.transformer.state_dict()) == keys
