"""The one thread that owns the device outlives whatever happens on it."""

import logging
from collections.abc import Callable, Iterator

import pytest

from core.errors import DeviceLost, InternalError, UserError
from core.request import StyleUse
from studio.build import Studio
from studio.job import Snapshot
from studio.jobs import Jobs
from studio.worker import Worker
from tests.studio.conftest import Clock, OpenStudio, ScriptedEngine, ask

PATIENCE_S = 30  # only a broken worker makes a test wait


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def studio(open_studio: OpenStudio, engine: ScriptedEngine) -> Studio:
    return open_studio(engine=lambda: engine)


@pytest.fixture
def worker(engine: ScriptedEngine, studio: Studio) -> Iterator[Worker]:
    yield studio.worker
    engine.go.set()
    studio.worker.stop()


@pytest.fixture
def run(engine: ScriptedEngine, jobs: Jobs, worker: Worker) -> Callable[[str], Snapshot]:
    """Submit a prompt, and another behind it: when that one begins, the first has ended."""

    def run(prompt: str) -> Snapshot:
        job_id = jobs.submit("ann", ask(prompt))
        jobs.submit("ann", ask("last"))
        worker.start()
        assert engine.last.wait(PATIENCE_S)
        snapshot = jobs.snapshot("ann", job_id)
        assert snapshot is not None
        return snapshot

    return run


def test_a_job_is_drawn(run: Callable[[str], Snapshot], worker: Worker) -> None:
    assert run("a red house").state == "done"
    assert worker.status.state == "ready"


@pytest.mark.parametrize("prompt", ["a bug", "not even a generator", "no picture"])
def test_a_bug_fails_its_job_with_an_id_that_stands_in_the_log_and_the_next_job_runs(
    prompt: str, run: Callable[[str], Snapshot], caplog: pytest.LogCaptureFixture
) -> None:
    snapshot = run(prompt)
    assert snapshot.state == "failed"
    assert isinstance(snapshot.error, InternalError)
    assert "secret detail" not in str(snapshot.error)
    record = next(r for r in caplog.records if snapshot.error.error_id in r.getMessage())
    assert record.levelno == logging.ERROR
    assert record.exc_info


def test_what_a_user_can_mend_fails_the_job_in_the_users_words(run: Callable[[str], Snapshot]) -> None:
    snapshot = run("a user error")
    assert (snapshot.state, str(snapshot.error)) == ("failed", "The style x is broken.")


def test_trouble_after_the_picture_was_saved_does_not_unmake_it(run: Callable[[str], Snapshot]) -> None:
    snapshot = run("bad at closing")
    assert (snapshot.state, snapshot.error) == ("done", None)


@pytest.mark.parametrize("prompt", ["wait", "wait, bad at closing", "decode slowly"])
def test_a_running_job_that_is_cancelled_stops_at_its_next_quantum_and_lets_go_of_the_engine(
    prompt: str, engine: ScriptedEngine, jobs: Jobs, worker: Worker
) -> None:
    job_id = jobs.submit("ann", ask(prompt))
    jobs.submit("ann", ask("last"))
    worker.start()
    assert engine.running.wait(PATIENCE_S)
    assert jobs.cancel("ann", job_id)
    engine.go.set()
    assert engine.last.wait(PATIENCE_S)
    snapshot = jobs.snapshot("ann", job_id)
    assert snapshot is not None
    assert snapshot.state == "cancelled"
    assert jobs.picture("ann", job_id) is None


def test_a_model_that_cannot_be_used_says_so_to_everybody(engine: ScriptedEngine, jobs: Jobs, worker: Worker) -> None:
    engine.load_error = UserError("The model's vae cannot be used.")
    job_id = jobs.submit("ann", ask())
    worker.start()
    worker._thread.join(PATIENCE_S)
    assert worker.status.state == "failed"
    assert str(worker.status.error) == "The model's vae cannot be used."
    assert str(jobs.snapshot("ann", job_id).error) == "The model's vae cannot be used."  # type: ignore[union-attr]
    with pytest.raises(UserError, match="vae cannot be used"):
        jobs.submit("bob", ask())


def test_a_bug_while_loading_is_told_by_its_id_only(
    engine: ScriptedEngine, jobs: Jobs, worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    engine.load_error = KeyError("secret detail")
    worker.start()
    worker._thread.join(PATIENCE_S)
    assert worker.status.state == "failed"
    assert "secret detail" not in str(worker.status.error)
    assert "secret detail" in caplog.text
    with pytest.raises(UserError, match="look for [0-9a-f]{8} in the log"):
        jobs.submit("bob", ask())


def test_stopping_a_worker_leaves_the_job_under_way_to_the_next_start(
    engine: ScriptedEngine, jobs: Jobs, worker: Worker, studio: Studio, open_studio: OpenStudio
) -> None:
    job_id = jobs.submit("ann", ask("wait"))
    worker.start()
    assert engine.running.wait(PATIENCE_S)
    worker._stop.set()
    engine.go.set()
    worker.stop()
    assert not worker._thread.is_alive()
    assert engine.closed.is_set()
    jobs.release()
    studio.holder.close()
    after = open_studio()
    after.jobs.adopt_orphans()
    snapshot = after.jobs.snapshot("ann", job_id)
    assert snapshot is not None
    assert (snapshot.state, snapshot.attempt) == ("queued", 1)


def test_who_comes_second_sees_a_first_preview_before_the_first_goes_on(engine: ScriptedEngine, studio: Studio) -> None:
    for owner in ("ann", "bob"):
        studio.jobs.submit(owner, ask("a red house"))
    studio.worker._make_engine = lambda: engine
    seen = []
    report = studio.jobs.report
    studio.jobs.report = lambda job, progress, seconds: (seen.append(job.owner), report(job, progress, 1.0))  # type: ignore[assignment, method-assign, func-returns-value]
    studio.jobs.submit("ann", ask("last"))
    studio.worker.start()
    assert engine.last.wait(PATIENCE_S)
    assert seen[:6] == ["ann", "ann", "bob", "bob", "ann", "bob"]


def test_memory_that_runs_out_is_freed_and_the_job_drawn_with_less(
    run: Callable[[str], Snapshot], engine: ScriptedEngine
) -> None:
    snapshot = run("large")
    assert (snapshot.state, snapshot.frugal, engine.freed) == ("done", True, 1)


def test_memory_that_runs_out_again_fails_the_job_with_advice_and_the_next_one_runs(
    run: Callable[[str], Snapshot], engine: ScriptedEngine
) -> None:
    snapshot = run("too large")
    assert snapshot.state == "failed"
    assert "Try a smaller picture" in str(snapshot.error)
    assert engine.freed == 2


def test_a_chosen_style_is_fetched_before_anybody_asks_for_a_picture_and_a_bad_one_harms_nobody(
    engine: ScriptedEngine, worker: Worker, run: Callable[[str], Snapshot]
) -> None:
    worker.prefetch([StyleUse("bad")])
    assert run("a red house").state == "done"
    assert [use.name for use in engine.fetched] == ["bad"]


def test_memory_that_runs_out_again_is_tried_once_in_a_lower_tier(
    run: Callable[[str], Snapshot], engine: ScriptedEngine
) -> None:
    engine.may_lower = 1
    assert run("huge").state == "done"
    assert engine.lowered == 1


def test_a_lower_tier_is_tried_only_once_for_a_job(run: Callable[[str], Snapshot], engine: ScriptedEngine) -> None:
    engine.may_lower = 9
    assert run("too large").state == "failed"
    assert engine.lowered == 1


def test_after_a_device_was_lost_the_model_is_loaded_again_and_the_job_is_drawn(
    run: Callable[[str], Snapshot], engine: ScriptedEngine, worker: Worker
) -> None:
    engine.lost, loads = 1, []
    worker._make_engine = lambda: (loads.append(1), engine)[1]
    assert run("gone").state == "done"
    assert len(loads) == 2
    assert worker.status.state == "ready"


def test_a_job_that_loses_the_device_twice_fails_and_the_next_one_runs(
    run: Callable[[str], Snapshot], engine: ScriptedEngine
) -> None:
    engine.lost = 9
    snapshot = run("gone")
    assert snapshot.state == "failed"
    assert "does not answer any more. Start the studio again" in str(snapshot.error)
    assert engine.lost == 7


def test_a_device_that_does_not_come_back_is_told_to_everybody(
    engine: ScriptedEngine, jobs: Jobs, worker: Worker
) -> None:
    engine.lost = 1
    job_id, waiting = jobs.submit("ann", ask("gone")), jobs.submit("bob", ask())
    engines = iter([engine])

    def make() -> ScriptedEngine:
        for made in engines:
            return made
        raise DeviceLost

    worker._make_engine = make
    worker.start()
    worker._thread.join(PATIENCE_S)
    assert worker.status.state == "failed"
    for owner, job in (("ann", job_id), ("bob", waiting)):
        assert "does not answer any more" in str(jobs.snapshot(owner, job).error)  # type: ignore[union-attr]


def test_without_work_the_memory_is_given_back_and_taken_again_at_the_first_sign_of_intent(
    open_studio: OpenStudio, clock: Clock, engine: ScriptedEngine
) -> None:
    worker = open_studio(engine=lambda: engine).worker
    assert worker._is_ready()

    def after(seconds: float) -> list[str]:
        clock.now_s += seconds
        worker._wake_or_rest()
        return engine.nights

    assert after(29) == []
    assert after(1) == ["rest"]
    assert after(1000) == ["rest"]  # once is enough
    worker.expect()
    assert after(0) == ["rest", "wake"]
    assert after(29) == ["rest", "wake"]  # and who looks around has time to
    worker.prefetch([StyleUse("sketch")])
    assert after(29) == ["rest", "wake"]
    assert after(30) == ["rest", "wake", "rest"]


def test_a_job_wakes_the_engine_by_itself_and_who_draws_is_never_put_to_rest(
    open_studio: OpenStudio, clock: Clock, engine: ScriptedEngine
) -> None:
    studio = open_studio(engine=lambda: engine)
    worker = studio.worker
    assert worker._is_ready()
    clock.now_s += 31
    worker._wake_or_rest()
    studio.jobs.submit("ann", ask())
    assert worker.draw_quantum() is not None
    clock.now_s += 1000
    worker._wake_or_rest()
    assert engine.nights == ["rest"]


def test_who_comes_while_memory_is_given_back_does_not_wait_for_that(
    open_studio: OpenStudio, clock: Clock, engine: ScriptedEngine
) -> None:
    studio = open_studio(engine=lambda: engine)
    assert studio.worker._is_ready()
    clock.now_s += 31
    studio.jobs.submit("ann", ask())
    studio.worker._wake_or_rest()
    assert engine.nights == []
    assert not studio.worker._resting


def test_memory_is_kept_for_ever_where_that_is_wanted(studio: Studio, clock: Clock, engine: ScriptedEngine) -> None:
    worker = Worker(lambda: engine, studio.jobs, studio.holder, 1, rest_after_s=0, clock=clock)
    assert worker._is_ready()
    clock.now_s += 1e6
    worker._wake_or_rest()
    assert engine.nights == []


def test_trouble_on_the_way_back_harms_nobody(
    open_studio: OpenStudio,
    clock: Clock,
    engine: ScriptedEngine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    worker = open_studio(engine=lambda: engine).worker
    assert worker._is_ready()

    def fail() -> Iterator[None]:
        raise MemoryError

    monkeypatch.setattr(engine, "rest", fail)
    clock.now_s += 31
    worker._wake_or_rest()
    worker._wake_or_rest()
    assert len(caplog.records) == 1  # it is not tried again at once
    monkeypatch.setattr(engine, "wake", fail)
    worker.expect()
    worker._wake_or_rest()
    assert worker._is_ready()


def test_a_worker_that_was_never_started_can_be_stopped(worker: Worker) -> None:
    worker.stop()
