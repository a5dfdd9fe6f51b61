"""What a page is told between two clicks: its owner's jobs, and nothing when there is nothing new."""

from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.engine import EngineStatus, Frame, Progress
from core.errors import UserError
from core.request import GenerationRequest
from ui import i18n, live, state

REQUEST = GenerationRequest("a red house", 160, 96, 7, num_inference_steps=8)


@pytest.fixture
def browser(studio) -> Callable[[str], TestClient]:
    """A browser whose cookie says who it is."""
    base = state.Base(studio, lambda cookies: cookies.get("owner"), i18n.load_catalogs())
    state.install(base)

    def open_browser(owner: str) -> TestClient:
        return TestClient(Starlette(routes=[live.live_route(base)]), cookies={"owner": owner} if owner else None)

    return open_browser


def see(client: TestClient, lang: str = "en", seen: str = ""):
    return client.get(live.URL, params={"lang": lang, "seen": seen})


def begin(studio):
    """The next job has its words and one step of eight."""
    job = studio.jobs.next(True, 0)
    studio.jobs.begin(job)
    studio.jobs.report(job, Progress("text", 0, 8), 0.1)
    studio.jobs.report(job, Progress("denoise", 1, 8, Frame(1, 1, b"\x01\x02\x03")), 0.1)
    return job


def test_an_owner_sees_a_job_from_the_queue_to_the_picture(browser, studio, draw):
    mine = browser("me")
    job_id = studio.jobs.submit("me", REQUEST)
    (job,) = see(mine).json()["jobs"]
    assert (job["state"], job["place"], job["preview"]) == ("queued", "Number 1 in line", "")
    assert (job["width"], job["height"]) == (160, 96)  # from the start, so that nothing has to move later
    begin(studio)
    look = see(mine).json()
    assert look["jobs"][0]["preview"] == f"/app/static/preview/{job_id}?v=1" and look["jobs"][0]["share"] == 1 / 8
    assert look["status"].startswith("Drawing · step 1 of 8")
    draw()
    assert see(mine).json()["jobs"][0]["state"] == "done"


def test_nobody_sees_anothers_jobs_nor_does_a_stranger(browser, studio):
    studio.jobs.submit("me", REQUEST)
    assert see(browser("you")).json()["jobs"] == []
    assert see(browser("")).status_code == 404
    assert "red house" not in see(browser("you")).text


def test_a_look_at_which_nothing_has_changed_has_no_content(browser, studio):
    mine = browser("me")
    tag = see(mine).json()["tag"]
    assert see(mine, seen=tag).status_code == 204 and not see(mine, seen=tag).content
    yours = studio.jobs.submit("you", REQUEST)
    assert see(mine, seen=tag).status_code == 204  # others are not my business
    studio.jobs.cancel("you", yours)
    studio.jobs.submit("me", REQUEST)
    waiting = see(mine, seen=tag).json()["tag"]
    job = studio.jobs.next(True, 0)
    studio.jobs.begin(job)
    begun = see(mine, seen=waiting).json()["tag"]
    studio.jobs.report(job, Progress("denoise", 1, 8), 0.1)
    drawn = see(mine, seen=begun).json()["tag"]
    assert len({tag, waiting, begun, drawn}) == 4
    assert see(mine, lang="zh_CN", seen=drawn).json()["status"].startswith("正在绘制")
    studio.worker.status = EngineStatus("failed", error=UserError("The model is {what}.", what="gone"))
    assert see(mine, seen=drawn).status_code == 200


def test_looks_are_rare_when_there_is_little_to_see(browser, studio):
    def pause(owner: str) -> int:
        return see(browser(owner)).json()["again_ms"]

    for owner in ("first", "second", "third", "fourth", "me"):
        studio.jobs.submit(owner, REQUEST)
    begin(studio)
    running, near, far, idle = pause("first"), pause("second"), pause("me"), pause("nobody")
    assert running < near < far < idle


def test_a_later_look_is_known_from_an_earlier_one(browser):
    one, two = see(browser("me")).json(), see(browser("me")).json()
    assert one["at"] < two["at"] and one["process"] == two["process"]


def test_the_strip_has_what_waits_what_failed_and_the_latest_pictures_but_nothing_cancelled(browser, studio, draw):
    for seed in range(live.STRIP + 2):
        studio.jobs.submit("me", GenerationRequest(f"number {seed}", 128, 128, seed))
        draw()
    cancelled = studio.jobs.submit("me", REQUEST)
    studio.jobs.cancel("me", cancelled)
    studio.jobs.submit("me", GenerationRequest("breaks", 128, 128, 1))
    studio.jobs.fail(studio.jobs.next(True, 0), UserError("It broke."))
    studio.jobs.submit("me", GenerationRequest("waits", 128, 128, 2))
    told = [(job["prompt"], job["state"]) for job in see(browser("me")).json()["jobs"]]
    latest = [(f"number {seed}", "done") for seed in range(live.STRIP + 1, 2, -1)]
    assert told == [("waits", "queued"), ("breaks", "failed"), *latest]


def test_an_unknown_language_is_english_and_what_stands_in_the_address_is_never_said(browser):
    assert see(browser("me"), lang="<script>").json()["status"] == see(browser("me")).json()["status"]


def test_a_page_keeps_what_it_has_while_the_jobs_cannot_be_read(browser, page, studio, monkeypatch):
    def refuse(*_: object) -> list:
        raise UserError("The database refuses.")

    test = page()
    monkeypatch.setattr(studio.jobs, "list", refuse)
    assert see(browser("me")).status_code == 503
    assert not test.run().exception
    assert not test.button(key="generate").click().run().exception
    found = live.look(studio, "me")
    assert (found["problem"], found["jobs"]) == ("The database refuses.", [])
