"""What is given to the keeper is done, in order, also when the store refuses it at first."""

import threading
from collections.abc import Iterator

import pytest

from studio import keeper as keeping
from studio.keeper import Keeper
from studio.store.database import StoreError

PATIENCE_S = 30


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    keeper = Keeper()
    keeper.start()
    yield keeper
    keeper.stop()


def test_tasks_are_done_in_order_and_all_of_them_before_the_end(keeper: Keeper) -> None:
    done: list[int] = []
    for n in range(100):
        keeper.do(lambda n=n: done.append(n))
    keeper.stop()
    assert done == list(range(100))


def test_what_the_store_refuses_is_tried_again_and_the_others_go_on(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "RETRY_S", 0.0)
    done: list[str] = []
    kept = threading.Event()

    def refused_twice() -> None:
        done.append("tried")
        if len([d for d in done if d == "tried"]) < 3:
            raise StoreError("full")
        kept.set()

    keeper.do(refused_twice)
    keeper.do(lambda: done.append("another"))
    assert kept.wait(PATIENCE_S)
    assert done[:2] == ["tried", "another"]


def test_a_bug_in_one_task_does_not_keep_the_next_from_being_done(
    keeper: Keeper, caplog: pytest.LogCaptureFixture
) -> None:
    done = threading.Event()
    keeper.do(lambda: 1 // 0)
    keeper.do(done.set)
    assert done.wait(PATIENCE_S)
    assert "ZeroDivisionError" in caplog.text


def test_who_brings_too_much_waits_rather_than_memory_filling_up(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST_WAITING", 2)
    go, begun, brought = threading.Event(), threading.Event(), []
    keeper.do(lambda: (begun.set(), go.wait(PATIENCE_S)))
    assert begun.wait(PATIENCE_S)

    def bring() -> None:
        for n in range(3):
            keeper.do(lambda: None)
            brought.append(n)

    thread = threading.Thread(target=bring)
    thread.start()
    thread.join(0.2)  # it cannot end
    assert len(brought) == 2
    go.set()
    thread.join(PATIENCE_S)
    assert len(brought) == 3


def test_rounds_are_made_at_the_start() -> None:
    keeper, made = Keeper(), threading.Event()
    keeper.rounds.append(made.set)
    keeper.start()
    assert made.wait(PATIENCE_S)
    keeper.stop()


def test_a_keeper_that_was_never_started_can_be_stopped() -> None:
    Keeper().stop()
