"""Every letter arrives, however long its target is away; what it costs meanwhile is little, and felt by nobody else."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert

from core.errors import UserError
from studio.hooks.courier import LONGEST_PAUSE_S, Closed, Courier, Undelivered
from studio.store.database import open_database
from studio.store.outbox import Outbox, Taken
from studio.store.schema import outbox as letters
from tests.studio.hooks.conftest import Receiver, Time, say, webhook

DAY_S = 24 * 3600.0


class Somebody:
    """Does with each letter what a test says, by its body."""

    key, name, kind, keep_ms = "somebody", "Somebody", "webhook", 3 * 24 * 3600 * 1000

    def __init__(self) -> None:
        self.refuses: Callable[[str], bool] = lambda _: False
        self.got: list[str] = []
        self.tries = 0
        self.error: Exception = Undelivered(UserError("away"))

    def deliver(self, letter: Taken) -> None:
        self.tries += 1
        if self.refuses(letter.body):
            raise self.error
        self.got.append(letter.body)

    def interrupt(self) -> None: ...


@pytest.fixture
def outbox(data_folder: Path) -> Iterator[Outbox]:
    database = open_database("sqlite", data_folder)
    yield Outbox(database, "here")
    database.dispose()


@pytest.fixture
def write(outbox: Outbox, time: Time) -> Callable[..., None]:
    """Puts letters with these bodies into the outbox."""

    def write_(*bodies: str, target: str = "somebody") -> None:
        ms = int(time().timestamp() * 1000)
        rows = [
            {"target": target, "place": "here", "message": body, "body": body, "created_ms": ms, "due_ms": ms,
             "attempts": 0}
            for body in bodies
        ]  # fmt: skip
        with outbox._writing.begin() as connection:
            connection.execute(insert(letters), rows)

    return write_


@pytest.fixture
def somebody() -> Somebody:
    return Somebody()


@pytest.fixture
def courier(somebody: Somebody, outbox: Outbox, time: Time) -> Courier:
    return Courier(somebody, outbox, time, jitter=lambda: 1.0)  # type: ignore[arg-type]


def go_on(courier: Courier, time: Time, seconds: float) -> None:
    """What its thread does in so much time; over a long one it looks less often."""
    end, least_s = time().timestamp() + seconds, max(0.001, seconds / 5_000)
    while time().timestamp() < end:
        time.pass_(max(courier.step(), least_s))


Write = Callable[..., None]


def test_letters_arrive_in_order_and_once(courier: Courier, somebody: Somebody, time: Time, write: Write) -> None:
    write("a", "b", "c")
    go_on(courier, time, 5)
    assert somebody.got == ["a", "b", "c"]
    assert somebody.tries == 3
    assert courier.status(0).since is None


def test_a_day_away_costs_few_tries_and_loses_nothing(
    courier: Courier, somebody: Somebody, time: Time, write: Write, outbox: Outbox
) -> None:
    somebody.refuses = lambda _: True
    began = time()
    for hour in range(24):
        write(*(f"{hour}-{n}" for n in range(20)))
        go_on(courier, time, 3600)
    assert somebody.tries < 400  # one in five minutes, not one a letter
    trouble = courier.status(outbox.waiting()["somebody"])
    assert (trouble.waiting, trouble.since, str(trouble.why), trouble.closed) == (480, began, "away", False)
    somebody.refuses = lambda _: False
    go_on(courier, time, LONGEST_PAUSE_S + 30)  # and then all of it at once
    assert sorted(somebody.got) == sorted(f"{hour}-{n}" for hour in range(24) for n in range(20))
    assert outbox.waiting() == {}
    assert courier.status(0).since is None


def test_a_letter_that_is_refused_alone_holds_up_no_other_and_is_tried_for_days(
    courier: Courier, somebody: Somebody, time: Time, write: Write, outbox: Outbox
) -> None:
    somebody.refuses = lambda body: body == "bad"
    write("bad", "good")
    go_on(courier, time, 10)
    assert somebody.got == ["good"]
    go_on(courier, time, 2 * DAY_S)
    assert 8 < somebody.tries < 40
    write("later")
    go_on(courier, time, 600)
    assert somebody.got == ["good", "later"]
    assert outbox.waiting() == {"somebody": 1}
    go_on(courier, time, 2 * DAY_S)
    assert outbox.waiting() == {}
    assert courier.status(0).dropped == 1  # and said


def test_what_a_target_asks_for_is_kept_to(courier: Courier, somebody: Somebody, time: Time, write: Write) -> None:
    somebody.refuses, somebody.error = (lambda _: True), Undelivered(UserError("slow down"), 1800)
    write("a", "b")
    go_on(courier, time, 1799)
    assert somebody.tries == 1
    somebody.refuses = lambda _: False
    go_on(courier, time, 60)
    assert sorted(somebody.got) == ["a", "b"]


def test_tries_are_spread_so_that_many_studios_do_not_come_at_once(
    somebody: Somebody, outbox: Outbox, time: Time, write: Write
) -> None:
    somebody.refuses = lambda _: True
    courier = Courier(somebody, outbox, time)  # type: ignore[arg-type]
    write(*map(str, range(20)))
    pauses = [courier.step() for _ in range(20)]
    assert 1.6 <= pauses[1] <= 2.4
    assert len({round(pause / 2 ** min(n, 10), 6) for n, pause in enumerate(pauses[:8])}) > 4


def test_a_target_that_is_gone_is_never_asked_again_not_even_after_a_restart(
    courier: Courier, somebody: Somebody, outbox: Outbox, time: Time, write: Write
) -> None:
    somebody.refuses, somebody.error = (lambda _: True), Closed()
    write("a", "b")
    courier.step()
    assert courier.closed
    assert outbox.waiting() == {}
    assert courier.status(0).closed
    again = Courier(somebody, outbox, time)  # type: ignore[arg-type]
    again.open(outbox.closed()["somebody"])
    again.start()
    again.stop()
    assert somebody.tries == 1


def test_a_mistake_of_ours_is_one_try_that_failed(
    courier: Courier, somebody: Somebody, time: Time, write: Write
) -> None:
    somebody.refuses, somebody.error = (lambda body: body == "odd"), KeyError("a bug")
    write("odd", "fine")
    go_on(courier, time, 8)
    assert somebody.got == ["fine"]


def test_what_a_killed_process_had_taken_is_delivered_at_the_next_start(
    courier: Courier, somebody: Somebody, outbox: Outbox, time: Time, write: Write
) -> None:
    write("a")
    now_ms = int(time().timestamp() * 1000)
    assert outbox.take("somebody", now_ms, now_ms + 600_000, 9)  # and then it died
    courier.open(0)
    go_on(courier, time, 2)
    assert somebody.got == ["a"]


def test_a_real_receiver_gets_all_that_it_missed_each_with_its_own_id(
    receiver: Receiver, outbox: Outbox, time: Time, write: Write
) -> None:
    courier = Courier(webhook(receiver.url, time), outbox, time, jitter=lambda: 1.0)
    write("a", "b", "c", target=courier.target.key)
    for status in (500, 302, 404):
        receiver.answer = lambda asked, status=status: say(asked, status)  # type: ignore[misc]
        courier.step()
        assert f"status {status}" in str(courier.status(3).why)
    receiver.answer = lambda asked: say(asked, 200)
    go_on(courier, time, 60)
    came = [body for _, _, body in receiver.seen[3:]]
    assert sorted(came) == ["a", "b", "c"]
    assert all(headers["webhook-id"] == body for _, headers, body in receiver.seen)


def test_stopping_does_not_wait_for_a_receiver_that_sleeps(
    receiver: Receiver, outbox: Outbox, time: Time, write: Write
) -> None:
    def answer(_: object) -> None:
        receiver.over.wait()

    receiver.answer = answer
    courier = Courier(webhook(receiver.url, time), outbox, time)
    write("a", target=courier.target.key)
    courier.start()
    while not receiver.seen:
        receiver.over.wait(0.005)
    courier.stop(timeout_s=30)
    assert not courier._thread.is_alive()
    assert outbox.waiting() == {courier.target.key: 1}
