"""What submit accepts ends in exactly one state, seen by its owner alone."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from core.engine import Frame, Picture, Progress
from core.errors import InternalError, UserError
from core.request import StyleUse
from studio.files import PictureFiles
from studio.jobs import KEPT_PER_OWNER, Job, Jobs
from tests.studio.conftest import FRAME, Clock, MakeJobs, ask


def claimed(jobs: Jobs) -> Job:
    job = jobs.claim(0)
    assert job is not None
    return job


def state(jobs: Jobs, job_id: str, owner: str = "ann") -> str:
    snapshot = jobs.snapshot(owner, job_id)
    assert snapshot is not None
    return snapshot.state


def test_a_job_goes_from_queued_to_running_to_done_and_has_its_picture(jobs: Jobs) -> None:
    job_id = jobs.submit("ann", ask())
    assert state(jobs, job_id) == "queued"
    job = claimed(jobs)
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


def test_jobs_are_served_first_come_first_served_and_know_their_position(jobs: Jobs) -> None:
    ids = [jobs.submit(owner, ask()) for owner in ("ann", "bob", "ann")]
    positions = [jobs.snapshot(o, i).position for o, i in zip(("ann", "bob", "ann"), ids, strict=True)]  # type: ignore[union-attr]
    assert positions == [1, 2, 3]
    assert claimed(jobs).id == ids[0]
    assert jobs.cancel("bob", ids[1])
    assert jobs.snapshot("ann", ids[2]).position == 1  # type: ignore[union-attr]
    assert claimed(jobs).id == ids[2]
    assert jobs.claim(0) is None


def test_every_way_a_job_can_end_is_refused_once_it_has_ended(jobs: Jobs) -> None:
    ids = [jobs.submit("ann", ask()) for _ in range(3)]
    done, failed, cancelled = (claimed(jobs) for _ in range(3))
    jobs.finish(done, Picture(FRAME), 0.1)
    jobs.fail(failed, UserError("broken"))
    jobs.stop(cancelled)
    for job in (done, failed, cancelled):
        jobs.stop(job)
        jobs.fail(job, InternalError("late"))
        assert not jobs.cancel("ann", job.id)
    assert [state(jobs, i) for i in ids] == ["done", "failed", "cancelled"]
    assert [str(jobs.snapshot("ann", i).error) for i in ids] == ["None", "broken", "None"]  # type: ignore[union-attr]


def test_nobody_sees_or_changes_anothers_job(jobs: Jobs) -> None:
    job_id = jobs.submit("ann", ask())
    job = claimed(jobs)
    jobs.report(job, Progress("denoise", 1, 8, FRAME))
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


def test_one_owner_cannot_fill_the_queue_and_all_together_cannot_overfill_it(make_jobs: MakeJobs) -> None:
    jobs = make_jobs(max_jobs=3, max_jobs_per_owner=2)
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
    assert jobs.claim(0) is None
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
        assert len(raised.traceback) == 2  # it does not grow with every refusal


def test_only_the_latest_finished_jobs_are_remembered_and_none_that_is_not_finished(make_jobs: MakeJobs) -> None:
    jobs = make_jobs(max_jobs=10_000, max_jobs_per_owner=10_000)
    running = jobs.submit("ann", ask())
    claimed(jobs)
    other = jobs.submit("bob", ask())
    jobs.stop(claimed(jobs))
    ids = []
    for _ in range(KEPT_PER_OWNER + 5):
        ids.append(jobs.submit("ann", ask()))
        jobs.stop(claimed(jobs))
    jobs.submit("ann", ask())
    assert state(jobs, running) == "running"
    assert state(jobs, other, "bob") == "cancelled"
    assert jobs.snapshot("ann", ids[4]) is None
    assert state(jobs, ids[5]) == "cancelled"


def test_the_list_is_newest_first_and_no_longer_than_asked(jobs: Jobs) -> None:
    ids = [jobs.submit("ann", ask()) for _ in range(5)]
    assert [s.id for s in jobs.list("ann", limit=3)] == ids[:1:-1]


def test_the_time_left_comes_from_the_jobs_own_steps(jobs: Jobs, clock: Clock) -> None:
    job_id = jobs.submit("ann", ask())
    clock.now_s += 50  # waiting in the queue counts for nothing
    job = claimed(jobs)
    clock.now_s += 5  # neither does the text
    jobs.report(job, Progress("text", 0, 8))
    assert jobs.snapshot("ann", job_id).left_s is None  # type: ignore[union-attr]
    clock.now_s += 1
    jobs.report(job, Progress("denoise", 2, 8, FRAME))
    snapshot = jobs.snapshot("ann", job_id)
    assert snapshot is not None
    assert (snapshot.stage, snapshot.step, snapshot.left_s, snapshot.elapsed_s) == ("denoise", 2, 3.0, 6.0)
    jobs.finish(job, Picture(FRAME), 0.5)
    clock.now_s += 100
    assert jobs.snapshot("ann", job_id).elapsed_s == 6.0  # type: ignore[union-attr]


def test_a_new_preview_has_a_new_version_and_an_ended_job_has_none(jobs: Jobs) -> None:
    job_id = jobs.submit("ann", ask())
    job = claimed(jobs)
    versions = []
    for preview in (FRAME, None, FRAME):
        jobs.report(job, Progress("denoise", 1, 8, preview))
        versions.append(jobs.snapshot("ann", job_id).preview_version)  # type: ignore[union-attr]
    assert versions == [1, 1, 2]
    jobs.stop(job)
    assert jobs.preview("ann", job_id) is None


def test_a_disk_that_refuses_leaves_the_job_unfinished_and_nothing_half_written(
    make_jobs: MakeJobs, files: PictureFiles
) -> None:
    jobs = make_jobs()
    job_id = jobs.submit("ann", ask())
    job = claimed(jobs)
    files.picture(job_id).mkdir()  # what stands in the way stops the last step of writing, for any user
    with pytest.raises(UserError, match=r"Pictures cannot be saved in .*\. Free some space"):
        jobs.finish(job, Picture(FRAME), 0.1)
    assert state(jobs, job_id) == "running"
    files.picture(job_id).rmdir()
    assert list(files.folder.iterdir()) == []


def test_a_frame_that_is_no_picture_is_not_saved(jobs: Jobs, files: PictureFiles) -> None:
    jobs.submit("ann", ask())
    with pytest.raises(ValueError, match="not enough image data"):
        jobs.finish(claimed(jobs), Picture(Frame(100, 100, b"")), 0.1)
    assert list(files.folder.iterdir()) == []


@pytest.fixture
def library_file(tmp_path: Path) -> Path:
    return tmp_path / "lora" / "sketch.safetensors"
