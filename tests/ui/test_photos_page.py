"""What leads to the Photos page and from a picture to a larger one, without a browser."""

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.engine import Frame, Picture
from core.request import GenerationRequest
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
