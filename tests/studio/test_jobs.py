"""What submit accepts ends in exactly one state, seen by its owner alone."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from core.engine import Frame, Picture, Progress
from core.errors import InternalError, UserError
from core.request import Source, StyleUse
from studio.build import Studio
from studio.job import Job
from studio.jobs import Jobs
from studio.past import KEPT_PER_OWNER
from tests.studio.conftest import FRAME, Clock, OpenStudio, ask


def begun(jobs: Jobs) -> Job:
    job = jobs.next(True, 0)
    assert job is not None
    jobs.begin(job)
    return job


def state(jobs: Jobs, job_id: str, owner: str = "ann") -> str:
    snapshot = jobs.snapshot(owner, job_id)
    assert snapshot is not None
    return snapshot.state


def test_a_job_goes_from_queued_to_running_to_done_and_has_its_picture(jobs: Jobs) -> None:
    job_id = jobs.submit("ann", ask())
    assert state(jobs, job_id) == "queued"
    job = begun(jobs)
    assert state(jobs, job_id) == "running"
    assert jobs.picture("ann", job_id) is None
    jobs.finish(job, Picture(FRAME), 0.1)
    assert state(jobs, job_id) == "done"
    file = jobs.picture("ann", job_id)
    assert file is not None
    with Image.open(file) as image:
        assert image.tobytes() == FRAME.rgb
    thumbnail = jobs.picture("ann", job_id, thumbnail=True)
    assert thumbnail is not None
    assert thumbnail.is_file()


def test_jobs_that_wait_know_their_place_in_the_line(jobs: Jobs) -> None:
    ids = [jobs.submit(owner, ask()) for owner in ("ann", "bob", "ann")]
    positions = [jobs.snapshot(o, i).position for o, i in zip(("ann", "bob", "ann"), ids, strict=True)]  # type: ignore[union-attr]
    assert positions == [1, 2, 3]
    assert begun(jobs).id == ids[0]
    assert jobs.cancel("bob", ids[1])
    assert jobs.snapshot("ann", ids[2]).position == 1  # type: ignore[union-attr]


def test_a_job_ends_once_however_many_try(jobs: Jobs, studio: Studio) -> None:
    ids = [jobs.submit("ann", ask()) for _ in range(3)]
    by_id = {job.id: job for job in studio.roster.all()}
    jobs.finish(by_id[ids[0]], Picture(FRAME), 0.1)
    jobs.fail(by_id[ids[1]], UserError("broken"))
    jobs.cancel("ann", ids[2])
    for job in by_id.values():
        jobs.finish(job, Picture(FRAME), 0.1)
        jobs.fail(job, InternalError("late"))
        assert not jobs.cancel("ann", job.id)
    assert [state(jobs, i) for i in ids] == ["done", "failed", "cancelled"]
    assert [str(jobs.snapshot("ann", i).error) for i in ids] == ["None", "broken", "None"]  # type: ignore[union-attr]
    records = studio.store.records("ann", 10)
    assert sorted(r.job_id for r in records) == sorted(ids)


def test_nobody_sees_or_changes_anothers_job(jobs: Jobs) -> None:
    job_id = jobs.submit("ann", ask())
    job = begun(jobs)
    jobs.report(job, Progress("denoise", 1, 8, FRAME), 0.1)
    assert jobs.preview("ann", job_id) == FRAME
    assert jobs.snapshot("bob", job_id) is None
    assert jobs.list("bob") == []
    assert jobs.preview("bob", job_id) is None
    assert not jobs.cancel("bob", job_id)
    assert not job.cancelled.is_set()
    jobs.finish(job, Picture(FRAME), 0.1)
    assert jobs.picture("bob", job_id) is None
    assert jobs.picture("bob", job_id, thumbnail=True) is None


def test_the_same_key_of_the_same_owner_is_the_same_job(jobs: Jobs, library_file: Path) -> None:
    request = ask(styles=(StyleUse("sketch"),))
    first = jobs.submit("ann", request, key="k1")
    assert jobs.submit("bob", request, key="k1") != first
    assert jobs.submit("ann", request, key="k2") != first
    assert jobs.submit("ann", request) != jobs.submit("ann", request)
    library_file.unlink()  # the answer to a repeated submit does not depend on what has changed meanwhile
    assert jobs.submit("ann", request, key="k1") == first
    assert len(jobs.list("ann")) == 4


def test_the_same_key_submitted_by_many_threads_at_once_is_one_job(jobs: Jobs) -> None:
    start = threading.Barrier(8)

    def submit(_: int) -> str:
        start.wait()
        return jobs.submit("ann", ask(), key="k")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(submit, range(8)))) == 1
    assert len(jobs.list("ann")) == 1


def test_what_the_model_cannot_draw_is_refused_before_it_waits(jobs: Jobs) -> None:
    with pytest.raises(UserError, match="100 pixels is not a multiple of 16"):
        jobs.submit("ann", ask(width=100))
    assert jobs.list("ann") == []


def test_an_unknown_style_is_refused_with_those_there_are(jobs: Jobs) -> None:
    with pytest.raises(UserError, match='There is no style "anime". There are: sketch.'):
        jobs.submit("ann", ask(styles=(StyleUse("anime"),)))


def test_one_owner_cannot_fill_the_queue_and_all_together_cannot_overfill_it(open_studio: OpenStudio) -> None:
    jobs = open_studio(max_jobs=3, max_jobs_per_owner=2).jobs
    first = jobs.submit("ann", ask())
    jobs.submit("ann", ask())
    with pytest.raises(UserError, match="2 of your pictures are waiting already. Let one finish, or cancel one."):
        jobs.submit("ann", ask())
    jobs.submit("bob", ask())
    with pytest.raises(UserError, match="The studio is full: 3 pictures are waiting. Try again soon."):
        jobs.submit("cyd", ask())
    jobs.cancel("ann", first)
    jobs.submit("cyd", ask())


def test_a_job_that_waits_is_cancelled_at_once_and_never_runs(jobs: Jobs) -> None:
    job_id = jobs.submit("ann", ask())
    assert jobs.cancel("ann", job_id)
    assert state(jobs, job_id) == "cancelled"
    assert jobs.next(True, 0) is None
    assert not jobs.cancel("ann", job_id)


def test_what_is_not_there_cannot_be_asked_for(jobs: Jobs) -> None:
    assert jobs.snapshot("ann", "../etc/passwd") is None
    assert jobs.picture("ann", "0" * 32) is None
    assert not jobs.cancel("ann", "")


def test_a_model_that_cannot_be_used_fails_what_waits_and_refuses_what_comes_with_its_reason(jobs: Jobs) -> None:
    job_id = jobs.submit("ann", ask())
    jobs.refuse(UserError("The model is damaged."))
    assert state(jobs, job_id) == "failed"
    assert str(jobs.snapshot("ann", job_id).error) == "The model is damaged."  # type: ignore[union-attr]
    for _ in range(2):
        with pytest.raises(UserError, match="The model is damaged.") as raised:
            jobs.submit("ann", ask())
        assert len(raised.traceback) == 3  # it does not grow with every refusal


def test_what_has_ended_is_found_by_its_id_however_long_ago_and_listed_as_far_as_is_sane(
    open_studio: OpenStudio,
) -> None:
    jobs = open_studio(max_jobs=10_000, max_jobs_per_owner=10_000).jobs
    assert jobs.list("ann") == []
    running = jobs.submit("ann", ask())
    begun(jobs)
    ids = [jobs.submit("ann", ask()) for _ in range(KEPT_PER_OWNER + 5)]
    for job_id in ids:
        jobs.cancel("ann", job_id)
    waiting = jobs.submit("ann", ask())
    listed = [s.id for s in jobs.list("ann", limit=10_000)]
    assert listed == [waiting, running, *reversed(ids[5:])]
    assert state(jobs, ids[0]) == "cancelled"
    assert jobs.snapshot("bob", ids[0]) is None


def test_the_list_is_newest_first_and_no_longer_than_asked(jobs: Jobs) -> None:
    ids = [jobs.submit("ann", ask()) for _ in range(5)]
    assert [s.id for s in jobs.list("ann", limit=3)] == ids[:1:-1]


def test_the_time_left_comes_from_measured_steps(jobs: Jobs, clock: Clock) -> None:
    job_id = jobs.submit("ann", ask())
    clock.now_s += 50  # waiting in the queue counts for nothing
    job = begun(jobs)
    clock.now_s += 5  # neither does the text
    jobs.report(job, Progress("text", 0, 8), 5)
    assert jobs.snapshot("ann", job_id).left_s is None  # type: ignore[union-attr]
    clock.now_s += 2
    jobs.report(job, Progress("denoise", 2, 8, FRAME), 2)
    snapshot = jobs.snapshot("ann", job_id)
    assert snapshot is not None
    assert (snapshot.stage, snapshot.step, snapshot.elapsed_s) == ("denoise", 2, 7.0)
    assert snapshot.left_s == pytest.approx(6 + 2)  # six steps at its pace; a decode counts as a step until one is seen
    second = jobs.submit("ann", ask())
    assert jobs.snapshot("ann", second).left_s == pytest.approx((6 + 1) * 2 + (8 + 1) * 2)  # type: ignore[union-attr]
    jobs.finish(job, Picture(FRAME), 0.5)
    clock.now_s += 100
    assert jobs.snapshot("ann", job_id).elapsed_s == 7.0  # type: ignore[union-attr]


def test_a_job_can_be_cancelled_and_fail_once_times_are_known(jobs: Jobs) -> None:
    first, second = (jobs.submit("ann", ask()) for _ in range(2))
    jobs.report(begun(jobs), Progress("denoise", 1, 8), 0.1)
    assert jobs.cancel("ann", second)
    jobs.fail(begun(jobs), UserError("broken"))
    assert [state(jobs, i) for i in (first, second)] == ["failed", "cancelled"]


def test_a_new_preview_has_a_new_version_and_an_ended_job_has_none(jobs: Jobs) -> None:
    job_id = jobs.submit("ann", ask())
    job = begun(jobs)
    versions = []
    for preview in (FRAME, None, FRAME):
        jobs.report(job, Progress("denoise", 1, 8, preview), 0.1)
        versions.append(jobs.snapshot("ann", job_id).preview_version)  # type: ignore[union-attr]
    assert versions == [1, 1, 2]
    jobs.cancel("ann", job_id)
    assert jobs.preview("ann", job_id) is None


def test_watching_a_job_ends_with_its_end(jobs: Jobs) -> None:
    job_id = jobs.submit("ann", ask())
    watched = jobs.watch("ann", job_id)
    assert next(watched).state == "queued"
    job = begun(jobs)
    assert next(watched).state == "running"
    jobs.report(job, Progress("denoise", 1, 8), 0.1)
    assert next(watched).step == 1
    jobs.finish(job, Picture(FRAME), 0.1)
    assert [s.state for s in watched] == ["done"]
    assert list(jobs.watch("bob", job_id)) == []


def test_trying_again_asks_for_the_same_picture(jobs: Jobs) -> None:
    first = jobs.submit("ann", ask(styles=(StyleUse("sketch", 0.5),)), kind="batch")
    jobs.fail(begun(jobs), UserError("broken"))
    again = jobs.snapshot("ann", jobs.retry("ann", first))
    assert again is not None
    assert (again.state, again.kind, again.request) == ("queued", "batch", jobs.snapshot("ann", first).request)  # type: ignore[union-attr]
    with pytest.raises(UserError, match="no such picture"):
        jobs.retry("bob", first)


def test_others_see_that_a_job_is_there_and_nothing_of_what_it_asks_for(jobs: Jobs, clock: Clock) -> None:
    jobs.submit("ann", ask("my secret"))
    clock.now_s += 7
    jobs.submit("bob", ask("another"), kind="batch")
    jobs.submit("cyd", ask("something"))
    job = begun(jobs)
    jobs.report(job, Progress("denoise", 3, 8), 0.1)
    seen = jobs.overview("bob")
    assert [(r.mine, r.kind, r.state, r.step, r.steps) for r in seen.rows] == [
        (False, "interactive", "running", 3, 8),
        (False, "interactive", "queued", 0, 8),
        (True, "batch", "queued", 0, 8),
    ]
    assert seen.rows[0].waited_s == 7
    assert len({r.person for r in seen.rows}) == 3
    assert "secret" not in repr(seen) and "ann" not in repr(seen)


def test_the_latest_failures_are_seen_newest_first(jobs: Jobs) -> None:
    for owner in ("ann", "bob"):
        jobs.submit(owner, ask())
        jobs.fail(begun(jobs), UserError("{who} broke it", who=owner))
    assert [(m.mine, str(m.error)) for m in jobs.overview("ann").mishaps] == [
        (False, "bob broke it"),
        (True, "ann broke it"),
    ]


@pytest.fixture
def library_file(tmp_path: Path) -> Path:
    return tmp_path / "lora" / "sketch.safetensors"


def test_a_job_may_start_only_from_a_source_of_its_owner(studio: Studio) -> None:
    sha256 = studio.sources.add("ann", Frame(2, 1, b"abcdef"))
    wanted = ask(source=Source(sha256, 0.5))
    job_id = studio.jobs.submit("ann", wanted)
    snapshot = studio.jobs.snapshot("ann", job_id)
    assert snapshot is not None and snapshot.request.source == wanted.source
    assert snapshot.steps == wanted.denoising_steps
    with pytest.raises(UserError, match="The picture to start from is not there any more"):
        studio.jobs.submit("bob", wanted)
    studio.sources.forget("ann")
    with pytest.raises(UserError, match="The picture to start from is not there any more"):
        studio.jobs.retry("ann", job_id)


def test_progress_counts_the_steps_that_the_engine_tells_of(studio: Studio) -> None:
    jobs = studio.jobs
    job_id = jobs.submit("ann", ask(width=256, upscale=2, num_inference_steps=8))
    jobs.report(begun(jobs), Progress("encode", 5, 20), 0.1)
    snapshot = jobs.snapshot("ann", job_id)
    assert snapshot is not None
    assert (snapshot.step, snapshot.steps, snapshot.share) == (5, 20, 0.25)


def test_who_asks_for_all_to_be_deleted_loses_the_sources_too(studio: Studio) -> None:
    sha256 = studio.sources.add("ann", Frame(2, 1, b"abcdef"))
    studio.history.forget("ann")
    assert studio.sources.file("ann", sha256) is None
    assert list(studio.sources.folder.glob("*.png")) == []
