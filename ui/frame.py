"""The right zone: the frame with the preview or the picture, what can be done with it, and the latest ones.

One component draws it all (frame.html, frame.css, frame.js): pictures come by URL, words and numbers as data, and what
is clicked comes back as an id.
"""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from core.errors import StudioError
from core.request import GenerationRequest
from studio.jobs import Snapshot
from ui import actions, i18n, state, status
from ui.i18n import _
from ui.wording import facts

HERE = Path(__file__).parent
STRIP = 12  # latest pictures shown
KEY = "frame"


def show(watching: bool) -> None:
    """Looks again by itself while `watching`; at the end the whole page is drawn once more."""
    st.fragment(_frame, run_every=status.POLL_S if watching else None)(watching, state.result().problem)


def _frame(watching: bool, problem: StudioError | None) -> None:
    jobs = status.mine()
    _follow(jobs)
    begun_or_ended = watching != any(job.active for job in jobs)
    if begun_or_ended or state.result().problem is not problem:  # what concerns the whole page, not the frame alone
        st.rerun()
    component()(
        key=KEY,
        data=frame_data(jobs),
        on_show_change=lambda: _clicked("show"),
        on_more_change=lambda: _clicked("more"),
    )


def _clicked(what: str) -> None:
    job_id = str(st.session_state[KEY][what])
    if what == "show":
        actions.show(job_id)
    else:
        actions.more_like(job_id)


def _follow(jobs: list[Snapshot]) -> None:
    """While following, the newest finished picture is the one shown."""
    result = state.result()
    done = [job.id for job in jobs if job.state == "done"]
    if done and (result.following or result.shown not in done):
        result.shown = done[-1]


def frame_data(jobs: list[Snapshot]) -> dict[str, Any]:
    """All that the component needs, as plain JSON."""
    result, config = state.result(), state.config()
    drawn = next((job for job in jobs if job.state == "running"), None)
    drawn = drawn or next((job for job in jobs if job.active), None)
    shown = next((job for job in jobs if job.id == result.shown), None)
    common = {"words": _words(), "language": i18n.language().replace("_", "-"), "strip": _strip(jobs)}
    if drawn is not None and result.following:
        preview = f"/app/static/preview/{drawn.id}?v={drawn.preview_version}" if drawn.preview_version else ""
        share = drawn.step / drawn.request.num_inference_steps
        return common | _of(drawn.request) | {"state": drawn.state, "id": drawn.id, "src": preview, "share": share}
    if shown is not None:
        source = f"/app/static/img/{shown.id}"
        return common | _of(shown.request) | {"state": "done", "id": shown.id, "src": source}
    width, height = config.size
    return common | {"state": "empty", "id": "", "src": "", "width": width or 1, "height": height or 1}


def _of(request: GenerationRequest) -> dict[str, Any]:
    return {
        "width": request.width,
        "height": request.height,
        "prompt": request.prompt,
        "facts": facts(request),
    }


def _strip(jobs: list[Snapshot]) -> list[dict[str, str]]:
    done = [job for job in jobs if job.state == "done"][-STRIP:]
    return [{"id": job.id, "prompt": job.request.prompt} for job in reversed(done)]


def _words() -> dict[str, str]:
    return {
        "empty": _("Your picture appears here."),
        "gone": _("The file of this picture is no longer there."),
        "save": _("Save full size"),
        "more": _("More like this"),
        "enlarge": _("Fill the window"),
        "close": _("Close"),
        "latest": _("Latest pictures"),
        "ready": _("The picture is ready."),
        "picture": _("Picture: {prompt}"),
    }


@cache
def component() -> Any:
    """Registered when the first page is drawn, not on import."""
    html, css, js = ((HERE / f"frame.{kind}").read_text("utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component("jimeng_frame", html=html, css=css, js=js)
