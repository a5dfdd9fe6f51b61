"""What the store promises, the same on every database."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from studio.store.store import MAX_ATTEMPTS, Ending, NewJob, Store, StoredJob
from tests.studio.store.conftest import OpenStore

DONE = Ending("done", seed=2**53 - 1, width=128, height=96, ended_ms=9, duration_ms=4, file="j.png")
FAILED = Ending("failed", seed=1, width=1, height=1, ended_ms=9, error='{"kind": "memory"}')
LEASE_MS = 1_000


def new(job_id: str = "j", owner: str = "ann", key: str | None = None) -> NewJob:
    return NewJob(job_id, owner, key, "interactive", '{"prompt":"ein Haus · 红色的房子"}', 5)


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    return open_store("me")


@pytest.fixture
def state(database: Engine) -> Callable[[str], str]:
    def look(job_id: str) -> str:
        with database.connect() as connection:
            return str(connection.execute(text("SELECT state FROM jobs WHERE id = :id"), {"id": job_id}).scalar())

    return look


def test_a_job_goes_from_queued_to_running_to_its_record(store: Store, state: Callable[[str], str]) -> None:
    assert store.add(new(), LEASE_MS) == "j"
    assert state("j") == "queued"
    store.begin("j", 6)
    assert state("j") == "running"
    assert store.record("j") is None
    assert store.end("j", DONE)
    assert state("j") == "done"
    record = store.record("j")
    assert record is not None
    assert (record.owner, record.status, record.file, record.duration_ms) == ("ann", "done", "j.png", 4)
    assert record.request == '{"prompt":"ein Haus · 红色的房子"}'


def test_a_job_ends_once(store: Store) -> None:
    store.add(new(), LEASE_MS)
    assert store.end("j", FAILED)
    assert not store.end("j", DONE)
    store.begin("j", 7)
    assert not store.end("j", DONE)
    assert [r.status for r in store.records("ann", 10)] == ["failed"]


def test_of_many_that_end_a_job_at_once_one_wins(store: Store) -> None:
    for n in range(5):
        store.add(new(f"j{n}"), LEASE_MS)
        with ThreadPoolExecutor(6) as pool:
            won = list(pool.map(lambda ending, n=n: store.end(f"j{n}", ending), [DONE, FAILED] * 3))
        assert sum(won) == 1
    assert len(store.records("ann", 100)) == 5


def test_the_same_key_of_the_same_owner_is_the_same_job_also_after_its_end(store: Store) -> None:
    assert store.add(new("a", key="k"), LEASE_MS) == "a"
    assert store.add(new("b", key="k"), LEASE_MS) == "a"
    store.end("a", DONE)
    assert store.add(new("c", key="k"), LEASE_MS) == "a"
    assert store.add(new("d", "bob", key="k"), LEASE_MS) == "d"
    assert [store.add(new(i), LEASE_MS) for i in ("e", "f")] == ["e", "f"]
    assert (store.find("ann", "k"), store.find("ann", "x")) == ("a", None)


def test_many_at_once_with_one_key_are_one_job(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda n: store.add(new(f"j{n}", key="k"), LEASE_MS), range(16)))
    assert len(set(ids)) == 1


def test_nobody_ends_or_begins_a_job_that_another_process_holds(
    open_store: OpenStore, state: Callable[[str], str]
) -> None:
    mine, other = open_store("me"), open_store("other")
    mine.add(new(), LEASE_MS)
    other.begin("j", 1)
    assert not other.end("j", DONE)
    assert state("j") == "queued"
    assert (mine.holders(), other.holders()) == ({}, {"me": LEASE_MS})


def test_the_job_that_was_on_the_device_has_used_an_attempt_and_the_others_have_not(open_store: OpenStore) -> None:
    gone, heir = open_store("gone"), open_store("heir")
    for job_id in ("a", "b", "c"):
        gone.add(new(job_id), LEASE_MS)
    gone.begin("a", 1)
    gone.begin("b", 1)
    adopted = heir.adopt("gone", "b", LEASE_MS, never)
    assert [(job.id, job.attempts) for job in adopted] == [("a", 0), ("b", 1), ("c", 0)]
    assert heir.adopt("gone", "b", LEASE_MS, never) == []
    heir.begin("a", 2)
    assert heir.end("a", DONE)
    assert not gone.end("b", DONE)


def test_where_it_cannot_be_known_every_job_that_ran_has_used_an_attempt(open_store: OpenStore) -> None:
    gone, heir = open_store("gone"), open_store("heir")
    gone.add(new("ran"), LEASE_MS)
    gone.add(new("waited"), LEASE_MS)
    gone.begin("ran", 1)
    assert [(job.id, job.attempts) for job in heir.adopt("gone", None, LEASE_MS, never)] == [("ran", 1), ("waited", 0)]


def test_a_job_that_kills_the_process_again_and_again_ends_with_a_record(open_store: OpenStore) -> None:
    holders = [open_store(f"h{n}") for n in range(MAX_ATTEMPTS + 1)]
    holders[0].add(new(), LEASE_MS)
    for before, after in zip(holders, holders[1:], strict=False):
        before.begin("j", 1)
        left = after.adopt(before.holder, "j", LEASE_MS, lambda job: FAILED)
    assert left == []
    record = holders[0].record("j")
    assert record is not None
    assert (record.status, record.attempts) == ("failed", MAX_ATTEMPTS)


def test_a_studio_that_stops_by_itself_leaves_its_jobs_free_to_take(open_store: OpenStore) -> None:
    mine, heir = open_store("me"), open_store("heir")
    mine.add(new("ran"), LEASE_MS)
    mine.add(new("waited"), LEASE_MS)
    mine.begin("ran", 1)
    mine.release()
    assert heir.holders() == {"me": 0}
    assert [(job.id, job.attempts) for job in heir.adopt("me", None, LEASE_MS, never)] == [("ran", 0), ("waited", 0)]


def test_a_lease_is_prolonged_for_what_is_active(open_store: OpenStore) -> None:
    mine, other = open_store("me"), open_store("other")
    mine.add(new(), LEASE_MS)
    mine.renew(9_999_999_999_999)
    assert other.holders() == {"me": 9_999_999_999_999}
    mine.end("j", DONE)
    assert other.holders() == {}


def test_records_are_the_owners_newest_first_and_outlive_their_jobs(store: Store) -> None:
    for n in range(5):
        store.add(new(f"j{n}", key=f"k{n}"), LEASE_MS)
    store.add(new("b", "bob"), LEASE_MS)
    for job_id in ("j2", "j0", "b", "j1"):
        store.end(job_id, DONE)
    assert [r.job_id for r in store.records("ann", 2)] == ["j1", "j0"]
    store.prune(before_ms=10)
    assert [r.job_id for r in store.records("ann", 9)] == ["j1", "j0", "j2"]
    assert store.find("ann", "k2") is None
    assert store.find("ann", "k3") == "j3"  # it still waits


def test_what_was_written_is_there_for_the_next_process(open_store: OpenStore) -> None:
    first = open_store("one")
    first.add(new(), LEASE_MS)
    first.end("j", FAILED)
    first.close()
    record = open_store("two").record("j")
    assert record is not None
    assert record.error == FAILED.error


def never(_: StoredJob) -> Ending:
    raise AssertionError("nothing is given up here")
