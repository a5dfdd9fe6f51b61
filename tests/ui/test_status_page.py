"""The Status page: what everybody may know, and nothing of what others asked for."""

from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from core.engine import EngineFacts, EngineStatus, Progress
from core.errors import InternalError, OutOfMemory, UserError
from core.request import GenerationRequest, StyleUse
from studio.hooks import HookStatus
from ui.wording import duration


def shown(page: AppTest) -> str:
    page._page_hash = calc_hash("status")
    page.run()
    assert not page.exception
    (found,) = [html.proto.body for html in page.get("html") if 'class="state"' in html.proto.body]
    return found


def ask(studio, owner: str, prompt: str = "a secret wish", steps: int = 8) -> str:
    return studio.jobs.submit(owner, GenerationRequest(prompt, 160, 96, 7, steps, styles=(StyleUse("sketch"),)))


def test_the_queue_says_who_waits_for_what_size_and_never_for_what(page, studio, cookies):
    cookies["owner"] = "me"
    ask(studio, "you", steps=40)
    ask(studio, "me", "my own wish")
    job = studio.jobs.next(True, 0)
    studio.jobs.begin(job)
    studio.jobs.report(job, Progress("denoise", 1, job.request.num_inference_steps), 0.1)
    found = shown(page())
    assert "<td>You</td>" in found and "<td>Person 1</td>" in found and "160 × 96" in found
    assert "waiting" in found and "step 1 of" in found and "Drawing 1 · 1 waiting" in found
    assert "wish" not in found and "sketch" not in found and "you" not in found and "me<" not in found


def test_an_idle_studio_says_so(page):
    found = shown(page())
    assert "Nobody is waiting." in found and "<table>" not in found and "Nothing." in found


def test_the_model_the_device_and_the_versions_are_named(page, studio):
    assert "test model · Ready" in shown(page()) and "streamlit 1." in shown(page())
    studio.worker.facts = EngineFacts("Some GPU", "bfloat16", 3 << 30, 24 << 30, frozenset({"a", "b"}), 5 << 20)
    found = shown(page())
    assert "Some GPU · bfloat16" in found and "3.0 of 24.0 GB" in found and "2 · 5 MB" in found


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"memory_peak": 5 << 30}, "3.0 of 24.0 GB · at most 5.0 GB"),
        ({}, "<dd>The whole model</dd>"),
        ({"tier": "staged", "lowered": True}, "One part of the model after the other · since memory ran out"),
        ({"tier": "8-bit"}, "the largest in 8 bits"),
        (
            {"tier": "streamed", "at_rest": True},
            "A few layers of the model at a time · given back until somebody draws",
        ),
    ],
)
def test_how_the_model_is_in_memory_is_told_in_words(page, studio, facts, says):
    test = page()
    studio.worker.facts = EngineFacts("Some GPU", "bfloat16", 3 << 30, 24 << 30, **facts)
    assert says in shown(test)


def test_the_status_page_is_no_sign_that_somebody_will_draw_and_the_studio_page_is_one(page, studio, monkeypatch):
    signs = []
    monkeypatch.setattr(studio.worker, "expect", lambda: signs.append(1))
    test = page()
    assert signs
    signs.clear()
    shown(test)
    assert not signs


def test_a_model_that_loads_or_cannot_be_used_says_so(page, studio):
    studio.worker.status = EngineStatus("loading", 0.4)
    assert "The model is loading (40 %)" in shown(page())
    studio.worker.status = EngineStatus("failed", error=UserError("There is no model folder {path}.", path="<b>"))
    assert "There is no model folder &lt;b&gt;." in shown(page()) and "Cannot be used" in shown(page())


@pytest.mark.parametrize(
    ("error", "mine", "others"),
    [
        (UserError("The style {name} is broken.", name="<i>mine</i>"), "Your picture: The style &lt;i&gt;mine",
         "Somebody&#x27;s picture could not be drawn with its settings."),
        (OutOfMemory(), "Your picture: The device ran out", "Somebody&#x27;s picture: The device ran out"),
        (InternalError("abc123"), "abc123", "abc123"),
    ],
)  # fmt: skip
def test_what_went_wrong_is_told_in_full_to_its_owner_only(page, studio, cookies, error, mine, others):
    ask(studio, "me")
    studio.jobs.fail(studio.jobs.next(True, 0), error)
    cookies["owner"] = "me"
    assert mine in shown(page())
    cookies["owner"] = "you"
    found = shown(page())
    assert others in found and ("mine" not in found)


@pytest.mark.parametrize(
    ("seconds", "says"), [(-1, "0 s"), (0.9, "0 s"), (59.9, "59 s"), (60, "1:00"), (187, "3:07"), (3_600, "60:00")]
)
def test_a_duration_is_read_at_a_glance(page, seconds, says):
    page()
    from ui.i18n import speaking

    with speaking("en"):
        assert duration(seconds) == says


def test_trouble_with_those_who_are_told_of_pictures_is_shown(page, studio, monkeypatch):
    why = UserError("{host} answers with status {status}.", host="hooks.example", status=500)
    since = datetime(2026, 1, 4, 10, 22, tzinfo=UTC)
    known = (
        HookStatus("log", "history", 0),
        HookStatus("webhook", "hooks.example", 3, since, why),
        HookStatus("archive", "/mnt/nas", 0, closed=True, dropped=2),
    )
    test = page()
    assert "Who is told" not in shown(test)
    monkeypatch.setattr(type(studio.hooks), "status", lambda _: known)
    found = shown(test)
    assert "<dt>Day log</dt><dd>All is well</dd>" in found
    assert "<dt>Webhook hooks.example</dt>" in found
    assert "Trouble since 2026-01-04 10:22: hooks.example answers with status 500. · 3 waiting" in found
    assert "It wants to hear nothing any more. · 2 were too old to be sent" in found
