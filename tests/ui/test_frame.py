"""What can be done with the picture in the frame of the Studio page."""

from streamlit.testing.v1 import AppTest

from core.engine import Frame, Picture
from tests.ui.shown import looked_at, sent, submit, texts


def drawn(page: AppTest, studio) -> str:
    """A picture of the size that was asked for."""
    submit(page)
    job = studio.jobs.next(True, 0)
    width, height = job.request.width, job.request.height
    studio.jobs.begin(job)
    studio.jobs.finish(job, Picture(Frame(width, height, bytes(width * height * 3))), 0.0)
    return job.id


def test_the_picture_in_the_frame_can_be_redrawn_as_a_photo(page, studio, acting):
    test = page()
    picture = drawn(test, studio)
    with acting(test) as actions:
        actions.redraw(picture)
    test.run()
    (photo,) = studio.photos.look(test.session_state["owner"]).photos
    assert photo.state == "waiting" and sent(test, "photos")["problem"] == ""


def test_the_picture_in_the_frame_is_finished_larger_and_what_cannot_be_is_said(page, studio, acting):
    test = page()
    picture = drawn(test, studio)
    for factor in (2, 2, 3):
        with acting(test) as actions:
            actions.enlarge_here(picture, factor)
    larger = [one for one in looked_at(test.run()) if one["id"] != picture]
    assert [(one["width"], one["height"]) for one in larger] == [(256, 256)]
    assert "2 or 4 times larger" in texts(test)


def test_the_frame_offers_the_formats_that_can_be_written_here(page):
    formats = sent(page(), "frame")["formats"]
    assert formats[:2] == [["jpeg", "JPEG"], ["webp", "WebP"]]
