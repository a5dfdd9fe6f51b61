"""Sets of photos: each for itself, a few at a time, and none lost or drawn twice whatever happens in between."""

import io
from dataclasses import replace

import pytest

from core.engine import Frame, Picture, Progress
from core.errors import UserError
from core.request import USUAL_STRENGTH, GenerationRequest
from pipeline.describe import describe
from studio.build import Studio
from studio.photos import batches, feeder
from studio.photos.batch_now import BatchNow
from studio.photos.settings import PhotoSettings, defaults
from tests.hostile import photos as hostile
from tests.studio.conftest import Clock, OpenStudio

SETTINGS = PhotoSettings(longest=128, seed=7)


def photo(shade: int = 0) -> bytes:
    return hostile.saved(hostile.picture(60 + shade, 40))


def add(studio: Studio, name: str, data: bytes, owner: str = "ann") -> list[str]:
    return [one.state for one in studio.photos.add(owner, name, io.BytesIO(data))]


def add_some(studio: Studio, count: int, owner: str = "ann") -> None:
    for number in range(count):
        assert add(studio, f"{number}.png", photo(number % 20), owner) == ["waiting"]


def draw_one(studio: Studio, fails: bool = False) -> str:
    """What the worker would do with the next job; returns its id, "" when there is none."""
    job = studio.jobs.next(True, 0)
    if job is None:
        return ""
    studio.jobs.begin(job)
    studio.jobs.report(job, Progress("text", 0, 8), 0.0)
    if fails:
        studio.jobs.fail(job, UserError("It went wrong."))
    else:
        studio.jobs.finish(job, Picture(Frame(2, 1, bytes(6))), 0.0)
    return job.id


def draw_all(studio: Studio) -> int:
    count = 0
    while studio.photos.feeder.round() or studio.roster.all():
        count += bool(draw_one(studio))
    return count


def states(look: BatchNow) -> list[str]:
    return [one.state for one in look.photos]


def after_a_crash(studio: Studio, open_studio: OpenStudio, clock: Clock) -> Studio:
    """The next process: the one before is gone, and has released nothing."""
    studio.holder.close()
    clock.wall_s += 3600
    following = open_studio()
    following.jobs.adopt_orphans()
    return following


def test_photos_become_pictures_that_know_where_they_come_from(studio):
    add_some(studio, 3)
    studio.photos.draw("ann", SETTINGS)
    assert draw_all(studio) == 3
    look = studio.photos.look("ann")
    assert states(look) == ["done"] * 3
    assert (look.state, look.active) == ("open", False)
    for position, one in enumerate(look.photos):
        entry = studio.history.entry("ann", one.job)
        assert (entry.kind, entry.batch, entry.batch_index, entry.input_name) == (
            "batch", look.id, position, f"{position}.png",
        )  # fmt: skip
        assert (entry.request.seed, entry.request.source.strength) == (7, 0.6)


def test_a_new_set_begins_with_the_strength_that_suits_the_model(demo_model):
    info = describe(str(demo_model))
    assert defaults(info, ("cartoon",), 7).strength == info.photo_strength < USUAL_STRENGTH
    assert defaults(None, ("cartoon",), 7).strength == USUAL_STRENGTH


def test_a_broken_photo_is_refused_by_itself(studio):
    add_some(studio, 1)
    assert add(studio, "broken.jpg", b"\xff\xd8\xff no photo") == ["refused"]
    assert add(studio, "empty.jpg", b"") == ["refused"]
    assert add(studio, "page.jpg", b"<html><script>alert(1)</script>") == ["refused"]
    add_some(studio, 1)
    studio.photos.draw("ann", SETTINGS)
    draw_all(studio)
    look = studio.photos.look("ann")
    assert states(look) == ["done", "refused", "refused", "refused", "done"]
    assert all(one.error for one in look.photos if one.state == "refused")


def test_a_zip_file_gives_each_of_its_photos(studio):
    archive = hostile.archive({"a/one.png": photo(1), "../../two.png": photo(2), "bad.png": b"no"})
    assert add(studio, "all.zip", archive) == ["waiting", "waiting", "refused"]
    assert [one.name for one in studio.photos.look("ann").photos] == ["one.png", "two.png", "bad.png"]


def test_a_photo_that_fails_stops_no_other_and_can_be_tried_again(studio):
    add_some(studio, 3)
    studio.photos.draw("ann", SETTINGS)
    studio.photos.feeder.round()
    failed = draw_one(studio, fails=True)
    draw_all(studio)
    look = studio.photos.look("ann")
    assert sorted(states(look)) == ["done", "done", "failed"]
    position = next(one.position for one in look.photos if one.job == failed)
    assert str(look.photos[position].error) == "It went wrong."
    studio.photos.retry("ann", position)
    draw_all(studio)
    assert states(studio.photos.look("ann")) == ["done"] * 3


def test_a_set_of_any_size_leaves_room_in_the_queue(open_studio):
    studio = open_studio(max_jobs_per_owner=6)
    add_some(studio, 30)
    studio.photos.draw("ann", SETTINGS)
    drawn = 0
    while studio.photos.feeder.round():
        assert len(studio.roster.all()) <= feeder.AHEAD
        drawn += bool(draw_one(studio))
    assert drawn == 30
    studio.jobs.submit("ann", GenerationRequest("a red house", 128, 128, 7))


def test_a_full_queue_only_makes_photos_wait(open_studio):
    studio = open_studio(max_jobs_per_owner=2)
    for seed in (1, 2):
        studio.jobs.submit("ann", GenerationRequest("a red house", 128, 128, seed))
    add_some(studio, 2)
    studio.photos.draw("ann", SETTINGS)
    assert studio.photos.feeder.round()
    assert states(studio.photos.look("ann")) == ["waiting", "waiting"]
    draw_all(studio)
    assert states(studio.photos.look("ann")) == ["done", "done"]


@pytest.mark.parametrize("drawn", [0, 1, 3, 5])
def test_after_a_crash_in_the_middle_it_goes_on_where_it_was(open_studio, clock, drawn):
    first = open_studio()
    add_some(first, 9)
    first.photos.draw("ann", SETTINGS)
    for _ in range(drawn):
        first.photos.feeder.round()
        draw_one(first)
    first.photos.feeder.round()
    second = after_a_crash(first, open_studio, clock)
    draw_all(second)
    look = second.photos.look("ann")
    assert states(look) == ["done"] * 9
    assert len({one.job for one in look.photos}) == 9
    assert second.history.facets("ann").total == 9


def test_a_crash_between_a_job_and_its_note_draws_no_photo_twice(open_studio, clock, monkeypatch):
    first = open_studio()
    add_some(first, 2)
    first.photos.draw("ann", SETTINGS)
    monkeypatch.setattr(first.photos._store, "submitted", _dies)
    with pytest.raises(KeyboardInterrupt):
        first.photos.feeder.round()
    second = after_a_crash(first, open_studio, clock)
    draw_all(second)
    assert states(second.photos.look("ann")) == ["done"] * 2
    assert second.history.facets("ann").total == 2


def _dies(*_: object) -> bool:
    raise KeyboardInterrupt


def test_paused_it_begins_no_more_until_it_goes_on_also_after_a_restart(open_studio):
    first = open_studio()
    add_some(first, 8)
    first.photos.draw("ann", SETTINGS)
    first.photos.feeder.round()
    first.photos.pause("ann")
    first.photos.feeder.round()
    while draw_one(first):
        pass
    assert states(first.photos.look("ann")).count("waiting") == 8 - feeder.AHEAD
    first.holder.close()
    second = open_studio()
    assert not second.photos.feeder.round()
    assert second.photos.look("ann").state == "paused"
    second.photos.resume("ann")
    draw_all(second)
    assert states(second.photos.look("ann")) == ["done"] * 8


def test_stopped_it_keeps_what_is_done_and_the_rest_can_be_drawn_otherwise(studio):
    add_some(studio, 6)
    studio.photos.draw("ann", SETTINGS)
    studio.photos.feeder.round()
    draw_one(studio)
    studio.photos.cancel("ann")
    look = studio.photos.look("ann")
    assert sorted(states(look)) == ["done"] + ["waiting"] * 5
    assert not look.active
    assert studio.roster.all() == []
    studio.photos.draw("ann", replace(SETTINGS, seed=8))
    draw_all(studio)
    seeds = [GenerationRequest.from_json(one.request).seed for one in studio.photos.look("ann").photos]
    assert sorted(seeds) == [7, 8, 8, 8, 8, 8]


def test_settings_do_not_change_under_a_set_that_is_being_drawn(studio):
    add_some(studio, 2)
    studio.photos.draw("ann", SETTINGS)
    with pytest.raises(UserError, match="Stop them first"):
        studio.photos.configure("ann", replace(SETTINGS, seed=9))


def test_what_is_transparent_shows_the_colour_that_was_chosen(studio):
    clear = hostile.saved(hostile.picture().convert("RGBA").point(lambda _: 0))
    add(studio, "clear.png", clear)
    studio.photos.draw("ann", replace(SETTINGS, background="#102030"))
    studio.photos.feeder.round()
    source = studio.jobs.next(True, 0).request.source
    assert studio.sources.read(source.sha256).rgb[:3] == b"\x10\x20\x30"


def test_a_style_that_is_gone_fails_each_photo_and_says_so(studio):
    add_some(studio, 2)
    studio.photos.draw("ann", replace(SETTINGS, style="nowhere"))
    while studio.photos.feeder.round():
        pass
    look = studio.photos.look("ann")
    assert states(look) == ["failed", "failed"]
    assert "nowhere" in str(look.photos[0].error)


def test_another_owner_sees_nothing_and_changes_nothing(studio):
    add_some(studio, 2)
    assert studio.photos.look("bob").photos == ()
    assert studio.photos.thumbnail("bob", 0) is None
    for deed in (studio.photos.pause, studio.photos.cancel):
        with pytest.raises(UserError):
            deed("bob")
    with pytest.raises(UserError):
        studio.photos.remove("bob", 0)
    assert states(studio.photos.look("ann")) == ["waiting", "waiting"]


def test_one_photo_is_tried_at_five_strengths_and_the_strip_is_not_drawn_twice(studio):
    add_some(studio, 1)
    for _ in range(2):
        studio.photos.try_strengths("ann", 0, SETTINGS)
    trial = studio.photos.look("ann").trial
    assert [at for at, _ in trial.jobs] == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert len(studio.roster.all()) == 5
    studio.photos.end_trial("ann")
    assert studio.photos.look("ann").trial is None
    assert studio.roster.all() == []


def test_a_picture_of_the_studio_can_be_a_photo(studio):
    job = studio.jobs.submit("ann", GenerationRequest("a red house", 128, 128, 7))
    taken = studio.jobs.next(True, 0)
    studio.jobs.begin(taken)
    studio.jobs.finish(taken, Picture(Frame(64, 64, bytes(64 * 64 * 3))), 0.0)
    studio.photos.take("ann", job)
    with pytest.raises(UserError, match="no such picture"):
        studio.photos.take("bob", job)
    studio.photos.draw("ann", SETTINGS)
    draw_all(studio)
    made = studio.photos.look("ann").photos[0].job
    assert [card.id for card in studio.history.lineage("ann", made).parents] == [job]


def test_put_away_a_set_leaves_no_photo_on_the_disk_and_its_pictures_in_the_history(studio):
    add_some(studio, 2)
    studio.photos.draw("ann", SETTINGS)
    draw_all(studio)
    studio.photos.close("ann")
    assert studio.photos.look("ann").photos == ()
    folder = studio.config.paths.data / "photos"
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["place"]
    assert studio.history.facets("ann").total == 2


def test_a_set_holds_so_many_photos_and_no_more(studio, monkeypatch):
    monkeypatch.setattr(batches, "MOST_PHOTOS", 2)
    add_some(studio, 2)
    with pytest.raises(UserError, match="2 photos already"):
        add(studio, "more.png", photo())
    assert len(studio.photos.look("ann").photos) == 2


def test_who_has_all_deleted_has_the_photos_deleted_too(studio):
    add_some(studio, 2)
    add_some(studio, 1, "bob")
    studio.photos.draw("ann", SETTINGS)
    studio.photos.feeder.round()
    studio.history.forget("ann")
    assert studio.photos.look("ann").photos == ()
    assert studio.roster.all() == []
    assert states(studio.photos.look("bob")) == ["waiting"]
    assert len(list((studio.config.paths.data / "photos").rglob("*.photo"))) == 1


def test_another_owners_picture_waits_for_two_quanta_of_a_set_at_most(studio, clock):
    add_some(studio, 20)
    studio.photos.draw("ann", SETTINGS)
    studio.photos.feeder.round()
    for _ in range(3):
        advance(studio, clock)
    bobs = studio.jobs.submit("bob", GenerationRequest("a red house", 128, 128, 7))
    others = 0
    while studio.jobs.snapshot("bob", bobs).active:
        studio.photos.feeder.round()
        others += advance(studio, clock) == "ann"
    assert others <= 2


def advance(studio: Studio, clock: Clock) -> str:
    """One quantum, as the worker does it; whose it was."""
    job = studio.jobs.next(True, 0)
    if job.state == "queued":
        studio.jobs.begin(job)
    clock.now_s += 0.1
    if job.stage is not None and job.step == job.steps:
        studio.jobs.finish(job, Picture(Frame(2, 1, bytes(6))), 0.1)
    else:
        stage, step = ("text", 0) if job.stage is None else ("denoise", job.step + 1)
        studio.jobs.report(job, Progress(stage, step, 8), 0.1)
    return job.owner


def test_a_photo_in_the_place_of_one_that_was_taken_out_is_drawn_for_itself(studio):
    jobs = []
    for shade in (1, 2):
        add(studio, "a.png", photo(shade))
        studio.photos.draw("ann", SETTINGS)
        draw_all(studio)
        (drawn,) = studio.photos.look("ann").photos
        jobs.append(drawn.job)
        studio.photos.remove("ann", drawn.position)
    assert len(set(jobs)) == 2
