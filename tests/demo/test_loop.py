"""Training goes on after a kill as if there had been none."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from demo.loop import Plan, inner_matrices, recall, train

STEPS = 12


class Killed(Exception):
    pass


def run(folder: Path, die_at: int | None = None, minutes: float = 1.0, muon: bool = True) -> list[Tensor]:
    torch.manual_seed(0)
    layer = nn.Linear(4, 3)

    def loss_at(step: int) -> Tensor:
        if step == die_at:
            raise Killed
        batch = torch.randn(8, 4, generator=torch.Generator().manual_seed(step))
        return (layer(batch) - batch[:, :3]).square().mean()

    parameters = list(layer.parameters())
    inner = inner_matrices([layer]) if muon else []
    train("tiny", parameters, loss_at, Plan(STEPS, 0.05, minutes=minutes, save_every_s=-1.0), folder, inner)
    return [p.detach().clone() for p in parameters]


def test_a_killed_training_ends_with_the_same_weights(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole")
    with pytest.raises(Killed):
        run(tmp_path / "killed", die_at=7)
    for mine, theirs in zip(run(tmp_path / "killed"), whole, strict=True):
        assert torch.equal(mine, theirs)


def test_a_training_that_pauses_ends_with_the_same_weights(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole")
    for _ in range(STEPS - 1):
        run(tmp_path / "paused", minutes=0.0)  # one step, then its time is up
    for mine, theirs in zip(run(tmp_path / "paused"), whole, strict=True):
        assert torch.equal(mine, theirs)


def test_a_finished_training_is_not_done_again(tmp_path: Path) -> None:
    whole = run(tmp_path)
    for mine, theirs in zip(run(tmp_path, die_at=0), whole, strict=True):  # a step taken would raise
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("muon", [False, True])
def test_training_learns(tmp_path: Path, muon: bool) -> None:
    torch.manual_seed(0)
    before = nn.Linear(4, 3).weight.detach()
    after = run(tmp_path, muon=muon)[0]
    target = torch.eye(3, 4)
    assert (after - target).norm() < (before - target).norm()


def test_the_rate_falls_to_nothing_over_the_share_that_the_plan_says() -> None:
    late, long = Plan(1000, 1.0, warmup=1, falling=0.3), Plan(1000, 1.0, warmup=1, falling=1.0)
    assert [late.rate(step) for step in (500, 700, 850)] == pytest.approx([1.0, 1.0, 0.5])
    assert [long.rate(step) for step in (0, 500, 850)] == pytest.approx([1.0, 0.5, 0.15])
    assert late.rate(999) == long.rate(999) == pytest.approx(0.02)


def test_muon_is_for_matrices_alone() -> None:
    block = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3))
    assert [p is block[0].weight for p in inner_matrices([block])] == [True]


def test_what_was_never_trained_is_not_built_upon(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="--stage base"):
        recall("base", [nn.Parameter(torch.zeros(2))], tmp_path)
