"""Checkpoints of one training run are found by their names, and by nothing else."""

from pathlib import Path

import pytest

from studio.styles.families import families
from studio.styles.folder import natural_key
from studio.styles.style import Style


def found(*names: str) -> dict[str, list[tuple[str, str, int]]]:
    styles = [Style(name, Path(name)) for name in sorted(names, key=natural_key)]
    return {f.name: [(c.style.name, c.unit, c.number) for c in f.checkpoints] for f in families(styles)}


@pytest.mark.parametrize(
    ("names", "units"),
    [
        (["anime-000002", "anime-000010", "anime"], [("", 2), ("", 10), ("last", 0)]),
        (["anime_epoch_10", "anime_epoch_2"], [("epoch", 2), ("epoch", 10)]),
        (["anime-step500", "anime-step00001500", "anime"], [("step", 500), ("step", 1500), ("last", 0)]),
        (["anime_e1", "anime_E12"], [("epoch", 1), ("epoch", 12)]),
        (["Anime checkpoint-500", "anime checkpoint-1000"], [("", 500), ("", 1000)]),
    ],
)
def test_a_family_is_in_the_order_of_training(names: list[str], units: list[tuple[str, int]]) -> None:
    (members,) = found(*names).values()
    assert [(unit, number) for _, unit, number in members] == units


@pytest.mark.parametrize(
    "names",
    [["anime", "sketch"], ["anime_v1", "anime_v2"], ["anime-1", "anime-2"], ["sd15", "sd21"], ["one_epoch_3"],
     ["a/ink-000001", "b/ink-000002"], ["000001", "000002"]],
)  # fmt: skip
def test_names_that_only_look_alike_are_no_family(names: list[str]) -> None:
    assert found(*names) == {}


def test_families_of_different_runs_stay_apart() -> None:
    both = found("a/ink-000001", "a/ink", "b/ink-000001", "b/ink")
    assert list(both) == ["a/ink", "b/ink"]
