"""Full disks, jumping clocks, busy databases: what was accepted is kept, and what cannot be is refused."""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import event

from core.engine import ModelInfo, Picture, Progress
from core.errors import UserError
from studio.build import Studio
from studio.job import Job
from studio.jobs import Jobs
from studio.keeper import Keeper
from studio.store import database as opening
from studio.store.database import FILE, StoreError
from tests.faults.conftest import Victim
from tests.studio.conftest import FRAME, Clock, OpenStudio, ask

DAY_S = 24 * 3600
PATIENCE_S = 30


def begun(jobs: Jobs) -> Job:
    job = jobs.next(True, 0)
    assert job is not None
    jobs.begin(job)
    return job


def test_a_disk_too_full_for_a_picture_fails_that_job_in_words_and_the_next_one_runs(
    start: Callable[..., Victim], history: Callable[[], list[tuple[str, str]]], data_folder: Path
) -> None:
    victim = start("full")
    job_id = victim.tell("submit", prompt="a red house", seed=1)
    while victim.tell("quantum"):
        pass
    [[_, state, _, error]] = victim.tell("list")
    assert state == "failed"
    assert "Pictures cannot be saved in" in error and "Free some space" in error
    assert list((data_folder / "pictures").iterdir()) == []
    victim.kill()
    assert history() == [(job_id, "failed")]


def fill_up(studio: Studio) -> None:
    """From now on the database may not grow by a page."""

    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # that is: as large as it is

    event.listen(studio.store._database, "connect", limit)
    studio.store._database.dispose()


def test_a_database_that_cannot_grow_refuses_what_comes_and_keeps_what_it_has(studio: Studio) -> None:
    accepted = studio.jobs.submit("ann", ask())
    fill_up(studio)
    with pytest.raises(StoreError, match="database or disk is full. Nothing was changed"):
        for _ in range(50):
            studio.jobs.submit("ann", ask("x" * 4000))
    known = [s.id for s in studio.jobs.list("ann", 1_000)]
    assert accepted in known
    assert len(studio.roster.all()) == len(known)  # what was refused does not wait


def test_a_picture_that_cannot_be_recorded_yet_is_recorded_as_soon_as_it_can(
    open_studio: OpenStudio, monkeypatch: pytest.MonkeyPatch, data_folder: Path
) -> None:
    monkeypatch.setattr(opening, "BUSY_S", 0.05)
    monkeypatch.setattr("studio.keeper.RETRY_S", 0.01)
    studio = open_studio()
    keeper = Keeper()
    studio.jobs._do = keeper.do
    keeper.start()
    job_id = studio.jobs.submit("ann", ask())
    job = studio.jobs.next(True, 0)
    assert job is not None
    other = sqlite3.connect(data_folder / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # another process keeps the database to itself
    studio.jobs.begin(job)
    studio.jobs.report(job, Progress("denoise", 8, 8), 0.1)
    studio.jobs.finish(job, Picture(FRAME), 0.1)
    refused = threading.Event()
    keeper.do(refused.set)
    assert refused.wait(PATIENCE_S)  # by now the end was tried, and refused
    snapshot = studio.jobs.snapshot("ann", job_id)
    assert snapshot is not None
    assert (snapshot.state, snapshot.stage) == ("running", "save")
    other.execute("COMMIT")
    other.close()
    assert [s.state for s in studio.jobs.watch("ann", job_id)][-1] == "done"
    keeper.stop()


def test_a_clock_that_jumps_a_day_takes_no_job_from_a_studio_that_lives(open_studio: OpenStudio, clock: Clock) -> None:
    first, second = open_studio(), open_studio()
    job_id = first.jobs.submit("ann", ask())
    for jump_s in (DAY_S, -2 * DAY_S):
        clock.wall_s += jump_s
        second.jobs.adopt_orphans()
        second.jobs.keep_house()
        assert second.jobs.next(True, 0) is None
    first.jobs.finish(begun(first.jobs), Picture(FRAME), 0.1)
    snapshot = first.jobs.snapshot("ann", job_id)
    assert snapshot is not None
    assert (snapshot.state, snapshot.elapsed_s) == ("done", 0.0)


def test_pictures_stay_in_the_order_in_which_they_ended_though_the_clock_goes_back(
    studio: Studio, open_studio: OpenStudio, clock: Clock
) -> None:
    ids = []
    for _ in range(3):
        ids.append(studio.jobs.submit("ann", ask()))
        studio.jobs.finish(begun(studio.jobs), Picture(FRAME), 0.1)
        clock.wall_s -= DAY_S
    assert [s.id for s in open_studio().jobs.list("ann")] == ids[::-1]


def test_a_job_deleted_while_it_runs_leaves_no_picture_and_the_next_one_runs(studio: Studio, data_folder: Path) -> None:
    deleted, next_one = (studio.jobs.submit("ann", ask()) for _ in range(2))
    job = begun(studio.jobs)
    with sqlite3.connect(data_folder / FILE) as other:
        other.execute("DELETE FROM jobs WHERE id = ?", (deleted,))
    other.close()
    studio.jobs.finish(job, Picture(FRAME), 0.1)
    assert studio.jobs.snapshot("ann", deleted) is None
    assert list((data_folder / "pictures").iterdir()) == []
    studio.jobs.finish(begun(studio.jobs), Picture(FRAME), 0.1)
    assert [s.id for s in studio.jobs.list("ann")] == [next_one]


def test_ten_thousand_submissions_from_one_owner_leave_room_for_another(open_studio: OpenStudio) -> None:
    studio = open_studio(max_jobs=100, max_jobs_per_owner=20)
    accepted = refused = 0
    for n in range(10_000):
        try:
            studio.jobs.submit("ann", ask(f"number {n}"))
            accepted += 1
        except UserError:
            refused += 1
    assert (accepted, refused) == (20, 9_980)
    studio.jobs.submit("bob", ask())
    assert studio.jobs.snapshot("bob", studio.jobs.list("bob")[0].id) is not None


def test_the_same_form_from_two_tabs_is_one_picture(studio: Studio) -> None:
    ids = {studio.jobs.submit("ann", ask(), key="form-1") for _ in range(2)}
    studio.jobs.finish(begun(studio.jobs), Picture(FRAME), 0.1)
    ids.add(studio.jobs.submit("ann", ask(), key="form-1"))  # from the tab that was slow
    assert len(ids) == 1
    assert studio.jobs.next(True, 0) is None


def test_what_was_accepted_is_drawn_after_a_restart_or_fails_in_words_where_the_model_is_another(
    open_studio: OpenStudio, lora: Path
) -> None:
    before = open_studio()
    ids = [before.jobs.submit("ann", ask(width=width)) for width in (128, 144)]
    before.jobs.release()
    before.close()
    after = open_studio(info=ModelInfo("larger steps", "/nowhere", 64, 512, ((128, 128),), 8, 0.0))
    after.jobs.adopt_orphans()
    states = {s.id: s.state for s in after.jobs.list("ann")}
    assert states == {ids[0]: "queued", ids[1]: "failed"}
