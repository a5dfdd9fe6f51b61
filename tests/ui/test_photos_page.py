"""What leads to the Photos page and from a picture to a larger one, without a browser."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.engine import Frame, Picture
from core.request import GenerationRequest
from studio.photos.settings import PhotoSettings
from tests.hostile import photos as hostile
from ui import i18n, state
from ui.history import page as history_page
from ui.photos import page as photos_page


@pytest.fixture
def session(page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A session without a page around it."""
    page()
    values: dict[str, Any] = {}
    monkeypatch.setattr(state.st, "session_state", values)
    monkeypatch.setattr(i18n, "language", lambda: "en")
    monkeypatch.setattr(state, "owner", lambda: "somebody")
    state.start_config(state.base().studio.info, 5)
    return values


@pytest.fixture
def picture(studio) -> str:
    job_id = studio.jobs.submit("somebody", GenerationRequest("a red house", 64, 48, 7))
    job = studio.jobs.next(True, 0)
    studio.jobs.begin(job)
    studio.jobs.finish(job, Picture(Frame(64, 48, bytes(64 * 48 * 3))), 0.0)
    return job_id


def test_the_page_offers_what_this_studio_can_do(session, studio):
    studio.styles.scan()
    data = photos_page.page_data()
    assert data["sides"] == (128, 160, 256, 512)
    assert {"png", "jpeg", "webp"} <= set(data["formats"])
    assert data["words"]["dropHere"] == "Drop photos here"


def test_a_picture_becomes_a_photo_with_a_click(session, studio, picture):
    history_page.act({"do": "photo", "id": picture})
    assert session[state.GO_TO] == "photos"
    assert photos_page._take(session.pop(state.START_PHOTO)) == ""
    assert [photo.state for photo in studio.photos.look("somebody").photos] == ["waiting"]


def test_a_picture_that_is_gone_or_anothers_is_said_to_be(session, studio, picture, monkeypatch):
    assert photos_page._take("0" * 32) == "There is no such picture any more."
    monkeypatch.setattr(state, "owner", lambda: "another")
    assert photos_page._take(picture) == "There is no such picture any more."


def test_a_picture_is_finished_larger_once_however_often_it_is_clicked(session, studio, picture):
    for _ in range(2):
        history_page.act({"do": "enlarge", "id": picture, "factor": 4})
    assert session[state.GO_TO] == "studio"
    (job,) = [job for job in studio.jobs.list("somebody") if job.active]
    request = job.request
    assert (request.width, request.height, request.upscale, request.seed) == (256, 192, 4, 7)
    assert studio.sources.file("somebody", request.source.sha256)


@pytest.mark.parametrize("factor", [3, 0, -2, 1_000, "much", None, [2]])
def test_a_factor_that_is_none_is_refused_in_words(session, studio, picture, factor):
    history_page.act({"do": "enlarge", "id": picture, "factor": factor})
    assert session[history_page.PROBLEM]
    assert not any(job.active for job in studio.jobs.list("somebody"))


# --- the settings of what was drawn from a photo --------------------------------------------------------------------


def drawn_from_photo(studio) -> str:
    """A picture of a set that has been put away since; its id."""
    settings = PhotoSettings("cartoon", 0.3, "a portrait", 128, 9)
    (photo,) = studio.photos.add("somebody", "Ann.jpg", io.BytesIO(hostile.saved(hostile.picture(), "JPEG")))
    studio.photos.draw("somebody", settings)
    studio.photos.feeder.round()
    finish(studio)
    (photo,) = studio.photos.look("somebody").photos
    studio.photos.feeder.round()
    studio.photos.close("somebody")
    return photo.job


def finish(studio) -> None:
    job = studio.jobs.next(True, 0)
    width, height = job.request.width, job.request.height
    studio.jobs.begin(job)
    studio.jobs.finish(job, Picture(Frame(width, height, bytes(width * height * 3))), 0.0)


def request_of(studio, job: str) -> GenerationRequest:
    return studio.jobs.snapshot("somebody", job).request


def test_reuse_of_what_was_drawn_from_a_photo_leads_to_the_same_picture_again(session, studio):
    studio.styles.scan()
    picture = drawn_from_photo(studio)
    history_page.act({"do": "reuse", "id": picture, "what": "all"})
    assert session[state.GO_TO] == "photos" and session.get(history_page.PROBLEM) is None
    look = studio.photos.look("somebody")
    assert [photo.name for photo in look.photos] == ["Ann.jpg"]
    studio.photos.draw("somebody", look.settings)
    studio.photos.feeder.round()
    (photo,) = studio.photos.look("somebody").photos
    assert request_of(studio, photo.job) == request_of(studio, picture)


def test_reuse_of_a_larger_one_is_reuse_of_what_it_was_made_from(session, studio):
    studio.styles.scan()
    picture = drawn_from_photo(studio)
    history_page.act({"do": "enlarge", "id": picture, "factor": 2})
    (larger,) = [job for job in studio.jobs.list("somebody") if job.active]
    finish(studio)
    history_page.act({"do": "reuse", "id": larger.id, "what": "other seed"})
    settings = studio.photos.look("somebody").settings
    assert (settings.longest, settings.strength, settings.style) == (128, 0.3, "cartoon")
    assert settings.seed != 9


def test_only_the_style_of_it_leads_to_the_studio(session, studio):
    studio.styles.scan()
    history_page.act({"do": "reuse", "id": drawn_from_photo(studio), "what": "style"})
    assert session[state.GO_TO] == "studio"
    assert [use.name for use in state.config().styles] == ["cartoon"]


def test_a_photo_that_is_gone_or_a_set_that_is_being_drawn_is_said(session, studio):
    studio.styles.scan()
    picture = drawn_from_photo(studio)
    list(studio.photos.add("somebody", "b.png", io.BytesIO(hostile.saved(hostile.picture()))))
    studio.photos.draw("somebody", PhotoSettings(longest=128))
    history_page.act({"do": "reuse", "id": picture, "what": "all"})
    assert "being drawn" in str(session[history_page.PROBLEM]) and state.GO_TO not in session
    studio.sources.forget("somebody")
    history_page.act({"do": "reuse", "id": picture, "what": "all"})
    assert "is not here any more" in str(session[history_page.PROBLEM]) and state.GO_TO not in session
