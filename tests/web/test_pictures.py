"""Pictures by URL, to their owner only."""

import io

import pytest
from PIL import Image

from core.engine import Frame, Progress
from core.request import GenerationRequest


@pytest.fixture
def known(browser):
    """A browser that has opened the page; it is the first, so it is owner1."""
    client = browser()
    assert client.get("/").status_code == 200
    return client


def test_a_picture_is_the_stored_file_byte_for_byte(known, draw, studio):
    picture = draw("owner1")
    answer = known.get(f"/app/static/img/{picture}")
    assert answer.content == studio.jobs.picture("owner1", picture).read_bytes()
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert answer.headers["content-disposition"].startswith("inline")


def test_a_download_is_the_same_bytes_with_the_name_of_its_file(known, draw, studio):
    picture = draw("owner1")
    saved = known.get(f"/app/static/img/{picture}?download=1")
    assert saved.content == known.get(f"/app/static/img/{picture}").content
    name = studio.jobs.picture("owner1", picture).name
    assert saved.headers["content-disposition"] == f"attachment; filename*=UTF-8''{name}"


def test_a_thumbnail_is_webp(known, draw):
    answer = known.get(f"/app/static/thumb/{draw('owner1')}")
    assert answer.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(answer.content)).format == "WEBP"


@pytest.mark.parametrize("kind", ["img", "thumb"])
def test_a_browser_that_has_a_picture_is_not_sent_it_again_but_another_browser_learns_nothing(
    known, browser, draw, kind
):
    url = f"/app/static/{kind}/{draw('owner1')}"
    etag = known.get(url).headers["etag"]
    again = known.get(url, headers={"if-none-match": f'W/"x", {etag}'})
    assert (again.status_code, again.content) == (304, b"") and "immutable" in again.headers["cache-control"]
    assert known.get(url, headers={"if-none-match": '"another"'}).status_code == 200
    assert browser().get(url, headers={"if-none-match": etag}).status_code == 404


def test_a_preview_is_the_latest_frame_and_is_kept_for_its_version_only(known, studio):
    job_id = studio.jobs.submit("owner1", GenerationRequest("a red house", 128, 128, 7))
    job = studio.jobs.next(True, 0)
    url = f"/app/static/preview/{job_id}?v=1"
    assert known.get(url).status_code == 404
    studio.jobs.report(job, Progress("denoise", 1, 8, Frame(1, 1, b"\x09\x08\x07")), 0.1)
    answer = known.get(url)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "private, max-age=300"
    assert known.get(url.split("?")[0]).headers["cache-control"] == "no-store"
    assert Image.open(io.BytesIO(answer.content)).getpixel((0, 0)) == (9, 8, 7)
    studio.jobs.report(job, Progress("denoise", 2, 8, Frame(40, 20, bytes(40 * 20 * 3))), 0.1)
    assert Image.open(io.BytesIO(known.get(url).content)).size == (240, 120)  # small ones are enlarged, softly
    studio.jobs.report(job, Progress("denoise", 3, 8, Frame(300, 2, bytes(300 * 2 * 3))), 0.1)
    assert Image.open(io.BytesIO(known.get(url).content)).size == (300, 2)


@pytest.mark.parametrize("kind", ["img", "thumb", "preview"])
def test_somebody_elses_picture_is_as_unknown_as_none(known, browser, draw, kind):
    picture = draw("owner1")
    other = browser()
    other.get("/")
    strange = other.get(f"/app/static/{kind}/{picture}")
    nothing = other.get(f"/app/static/{kind}/{'f' * 32}")
    assert strange.status_code == nothing.status_code == 404
    assert strange.content == nothing.content and strange.headers == nothing.headers
    assert browser().get(f"/app/static/{kind}/{picture}").status_code == 404  # no cookie at all


@pytest.mark.parametrize("kind", ["img", "thumb", "preview"])
@pytest.mark.parametrize("name", ["..%2f..%2fsecret.key", "%00", "x" * 5000, "a.png", "%ff"])
def test_a_name_that_is_no_id_is_unknown(known, kind, name):
    assert known.get(f"/app/static/{kind}/{name}").status_code == 404


@pytest.mark.parametrize("kind", ["img", "thumb"])
def test_a_picture_whose_file_was_deleted_is_unknown_and_no_crash(known, draw, studio, kind):
    picture = draw("owner1")
    studio.jobs.picture("owner1", picture, kind == "thumb").unlink()
    assert known.get(f"/app/static/{kind}/{picture}").status_code == 404


def test_pictures_can_only_be_read(known, draw):
    assert known.post(f"/app/static/img/{draw('owner1')}").status_code == 405
