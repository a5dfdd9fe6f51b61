"""No letter is forgotten, given to two at once, or written for a change that did not happen; on every database."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from studio.store.database import open_database
from studio.store.outbox import Change, Letter, Outbox
from studio.store.recording import Ending
from studio.store.store import NewJob, Store

REQUEST = '{"prompt":"a red house","styles":[]}'
NEW = NewJob("j1", "ann", "k", "interactive", REQUEST, 1_000)


def letters(change: Change) -> list[Letter]:
    return [Letter(t, f"{change.job['id']} {change.event}", change.event, change.at_ms) for t in ("one", "two")]


@pytest.fixture
def outbox(database: Engine) -> Outbox:
    return Outbox(database, "here")


@pytest.fixture
def store(database: Engine, outbox: Outbox) -> Store:
    return Store(database, "me", outbox.teller(letters))


def drained(outbox: Outbox, target: str, now_ms: int = 10**15) -> list[str]:
    letters = outbox.take(target, now_ms, now_ms + 1, 1_000)
    outbox.settle([letter.number for letter in letters], {}, {})
    return [letter.body for letter in letters]


def ending(status: str) -> Ending:
    return Ending(status, 7, 128, 128, 3_000, 500)


@pytest.mark.parametrize(("status", "event"), [("done", "finished"), ("failed", "failed"), ("cancelled", "cancelled")])
def test_each_change_of_a_job_is_told_once_to_each(store: Store, outbox: Outbox, status: str, event: str) -> None:
    store.add(NEW, 1)
    store.add(NEW, 1)  # the same job
    store.begin("j1", 2_000)
    store.begin("j1", 2_500)
    assert store.end("j1", ending(status))
    assert not store.end("j1", ending("done"))
    for target in ("one", "two"):
        assert drained(outbox, target) == ["accepted", "started", event]
    assert outbox.waiting() == {}


def test_a_job_that_is_given_up_is_told_of_too(database: Engine, store: Store, outbox: Outbox) -> None:
    store.add(NEW, 1)
    for n in range(3):
        heir = Store(database, f"heir{n}", outbox.teller(letters))
        heir.adopt("me" if n == 0 else f"heir{n - 1}", "j1", 1, lambda _: ending("failed"))
    assert drained(outbox, "one") == ["accepted", "failed"]


def test_what_did_not_happen_is_not_told(database: Engine, outbox: Outbox) -> None:
    class Trouble(Exception):
        pass

    def tell(connection: Connection, change: Change) -> None:
        outbox.teller(letters)(connection, change)
        raise Trouble

    with pytest.raises(Trouble):
        Store(database, "me", tell).add(NEW, 1)
    assert Store(database, "me").find("ann", "k") is None
    assert outbox.waiting() == {}


def test_a_letter_that_was_taken_is_hidden_until_its_lease_ends(store: Store, outbox: Outbox) -> None:
    store.add(NEW, 1)
    (taken,) = outbox.take("one", 2_000, 5_000, 9)
    assert (taken.body, taken.attempts, taken.created_ms) == ("accepted", 1, 1_000)
    assert outbox.take("one", 4_999, 9_000, 9) == []
    (again,) = outbox.take("one", 5_000, 9_000, 9)
    assert (again.number, again.attempts) == (taken.number, 2)
    outbox.settle([], {again.number: 20_000}, {})
    assert outbox.take("one", 19_999, 30_000, 9) == []
    outbox.hurry("one", 10_000)
    (third,) = outbox.take("one", 10_000, 30_000, 9)
    outbox.settle([], {}, {third.number: 10_000})  # nobody tried
    (fourth,) = outbox.take("one", 10_000, 30_000, 9)
    assert (third.attempts, fourth.attempts) == (3, 3)


def test_two_that_take_at_once_never_get_the_same(store: Store, outbox: Outbox) -> None:
    for n in range(20):
        store.add(NewJob(f"j{n}", "ann", None, "interactive", REQUEST, 1_000), 1)

    def take_all(_: int) -> list[int]:
        found, missed = [], 0
        while missed < 20:  # another may have been quicker
            letters = outbox.take("one", 2_000, 10**9, 3)
            missed += not letters
            found += [letter.number for letter in letters]
        return found

    with ThreadPoolExecutor(4) as pool:
        taken = [number for found in pool.map(take_all, range(4)) for number in found]
    assert len(taken) == len(set(taken)) == 20


def test_what_is_due_first_goes_first_and_what_is_late_holds_up_nobody(store: Store, outbox: Outbox) -> None:
    store.add(NEW, 1)
    store.begin("j1", 2_000)
    (first,) = outbox.take("one", 3_000, 9_000, 1)
    outbox.settle([], {first.number: 50_000}, {})
    store.end("j1", ending("done"))
    assert drained(outbox, "one", 4_000) == ["started", "finished"]
    assert drained(outbox, "one", 60_000) == ["accepted"]


def test_a_closed_target_is_remembered_and_what_waited_for_it_dropped(url: str, tmp_path: Path, store: Store, outbox: Outbox) -> None:  # fmt: skip  # noqa: E501
    store.add(NEW, 1)
    outbox.close("one", 7_000)
    outbox.close("one", 8_000)
    assert outbox.waiting() == {"two": 1}
    again = open_database(url, tmp_path)
    assert Outbox(again, "elsewhere").closed() == {"one": 7_000}
    again.dispose()


def test_what_is_too_old_or_too_much_is_dropped_oldest_first(store: Store, outbox: Outbox) -> None:
    for n in range(10):
        store.add(NewJob(f"j{n}", "ann", None, "interactive", REQUEST, 1_000 * n), 1)
    assert outbox.forget("one", 3_000, 100) == 3
    assert outbox.forget("one", 3_000, 100) == 0
    assert outbox.forget("one", 0, 5) == 2
    assert outbox.waiting() == {"one": 5, "two": 10}
    (left,) = outbox.take("one", 10**6, 10**7, 1)
    assert left.created_ms == 5_000


def test_letters_stay_where_their_pictures_are(database: Engine, store: Store, outbox: Outbox) -> None:
    store.add(NEW, 1)
    elsewhere = Outbox(database, "elsewhere")
    assert elsewhere.take("one", 10**9, 10**10, 9) == []
    assert elsewhere.waiting() == {}
    assert elsewhere.keep_only([]) == 0
    assert outbox.keep_only(["two"]) == 1
    assert outbox.waiting() == {"two": 1}


def test_a_store_that_nobody_listens_to_writes_no_letter(database: Engine, outbox: Outbox) -> None:
    store = Store(database, "me")
    store.add(NEW, 1)
    assert store.end("j1", ending("done"))
    assert outbox.waiting() == {}
