"""A comparison asks for a few pictures at a time, ends whatever happens to one of them, and can be stopped."""

import pytest

from core.engine import Picture, Progress
from core.errors import UserError
from core.request import StyleUse
from studio.build import Studio
from studio.compare import IN_FLIGHT, Cell, Comparison, strengths
from tests.studio.conftest import FRAME, OpenStudio, ask

OWNER = "somebody"


def comparison(count: int, *styles: StyleUse) -> Comparison:
    plain = tuple(Cell(f"plain {n}") for n in range(count))
    return Comparison(ask(), plain + tuple(Cell(use.name, (use,)) for use in styles), "key")


def advance(run: Comparison, studio: Studio) -> list[str]:
    run.advance(studio.jobs, studio.styles, OWNER)
    return states(run, studio)


def states(run: Comparison, studio: Studio) -> list[str]:
    return [outcome.state for outcome in run.outcomes(studio.jobs, OWNER)]


def finish_one(studio: Studio) -> None:
    job = studio.jobs.next(True, 0)
    assert job is not None
    studio.jobs.begin(job)
    studio.jobs.report(job, Progress("text", 0, 2), 0.0)
    studio.jobs.finish(job, Picture(FRAME), 0.0)


def test_only_a_few_are_asked_for_at_once_and_the_next_when_one_is_done(studio: Studio) -> None:
    run = comparison(IN_FLIGHT + 3)
    assert advance(run, studio) == ["queued"] * IN_FLIGHT + ["waiting"] * 3
    assert advance(run, studio) == ["queued"] * IN_FLIGHT + ["waiting"] * 3
    finish_one(studio)
    after = advance(run, studio)
    assert (after.count("done"), after.count("queued"), after.count("waiting")) == (1, IN_FLIGHT, 2)
    while not run.is_over(studio.jobs, OWNER):
        finish_one(studio)
        advance(run, studio)
    assert states(run, studio) == ["done"] * (IN_FLIGHT + 3)


def test_its_pictures_are_batch_work_with_one_seed_and_each_its_style(studio: Studio) -> None:
    run = comparison(1, StyleUse("sketch", 0.5))
    advance(run, studio)
    jobs = [studio.jobs.snapshot(OWNER, outcome.job_id) for outcome in run.outcomes(studio.jobs, OWNER)]
    assert [job.kind for job in jobs if job] == ["batch", "batch"]
    assert len({job.request.seed for job in jobs if job}) == 1
    assert [[(s.name, s.strength) for s in job.request.styles] for job in jobs if job] == [[], [("sketch", 0.5)]]


def test_a_style_that_is_gone_says_so_in_its_place_and_the_others_are_drawn(studio: Studio) -> None:
    run = comparison(1, StyleUse("gone"), StyleUse("sketch"))
    assert advance(run, studio) == ["queued", "failed", "queued"]
    assert 'There is no style "gone"' in str(run.outcomes(studio.jobs, OWNER)[1].error)


def test_a_full_queue_holds_it_up_and_it_goes_on_when_there_is_room(open_studio: OpenStudio) -> None:
    studio = open_studio(max_jobs_per_owner=2)
    run = comparison(3)
    assert advance(run, studio) == ["queued", "queued", "waiting"]
    assert run.held_up is not None and "waiting already" in str(run.held_up)
    finish_one(studio)
    assert advance(run, studio).count("waiting") == 0 and run.held_up is None


def test_cancel_stops_what_waits_and_asks_for_no_more(studio: Studio) -> None:
    run = comparison(IN_FLIGHT + 1)
    advance(run, studio)
    run.cancel(studio.jobs, OWNER)
    assert advance(run, studio) == ["cancelled"] * (IN_FLIGHT + 1)
    assert run.is_over(studio.jobs, OWNER)


def test_a_picture_that_failed_ends_nothing_else(studio: Studio) -> None:
    run = comparison(2)
    advance(run, studio)
    job = studio.jobs.next(True, 0)
    assert job is not None
    studio.jobs.begin(job)
    studio.jobs.fail(job, UserError("It is broken."))
    finish_one(studio)
    assert sorted(states(run, studio)) == ["done", "failed"] and run.is_over(studio.jobs, OWNER)


@pytest.mark.parametrize(
    ("low", "high", "values"), [(0.25, 1.25, (0.25, 0.5, 0.75, 1.0, 1.25)), (1.0, 1.0, (1.0,) * 5)]
)
def test_strengths_are_at_even_distances(low: float, high: float, values: tuple[float, ...]) -> None:
    assert strengths(low, high, 5) == values
