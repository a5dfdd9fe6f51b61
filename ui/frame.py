"""The right zone: the frame with the preview or the picture, what can be done with it, and all others in a strip.

One component draws it (frame.html, frame.css, frame.js): pictures come by URL, words and numbers as data, and what is
clicked comes back as an id. After the page has been drawn it looks again by itself (live.py, live.js).
"""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from core.request import MAX_SIDE
from studio import formats
from ui import actions, i18n, live, state
from ui.i18n import _
from ui.wording import FORMAT_NAMES

HERE = Path(__file__).parent
KEY = "frame"
SCRIPTS = (
    "dom.js",
    "menu.js",
    "live.js",
    "picture.js",
    "strip.js",
    "frame.js",
)  # one after the other they are the component's module


def show(look: dict[str, Any]) -> None:
    component()(
        key=KEY,
        data=frame_data(look),
        on_show_change=lambda: actions.show(_clicked("show")),
        on_alike_change=lambda: actions.more_like(_clicked("alike")),
        on_photo_change=lambda: actions.redraw(_clicked("photo")),
        on_enlarge_change=_enlarge,
        on_retry_change=lambda: actions.retry(_clicked("retry")),
        on_cancel_change=lambda: actions.cancel(_clicked("cancel")),
    )


def _clicked(what: str) -> str:
    return str(st.session_state[KEY][what])


def _enlarge() -> None:
    wanted = st.session_state[KEY]["enlarge"]
    actions.enlarge_here(str(wanted.get("id")), wanted.get("factor"))


def frame_data(look: dict[str, Any]) -> dict[str, Any]:
    """All that the component needs, as plain JSON. `choices` counts, so that it knows an old choice from a new one."""
    result, (width, height) = state.result(), state.config().size
    return {
        "look": look,
        "url": f"{live.URL}?lang={i18n.language()}",
        "language": i18n.language().replace("_", "-"),
        "choice": result.shown,
        "choices": result.choices,
        "retried": result.retried,
        "empty": {"width": width or 1, "height": height or 1},
        "formats": [(kind, FORMAT_NAMES[kind]) for kind in formats.available() if kind != "png"],
        "most": MAX_SIDE,
        "words": _words(),
    }


def _words() -> dict[str, str]:
    return {
        "empty": _("Your picture appears here."),
        "failed": _("This picture could not be drawn."),
        "gone": _("The file of this picture is no longer there."),
        "save": _("Save full size"),
        "alike": _("More like this"),
        "more": _("More"),
        "saveAs": _("Save as {format}"),
        "copy": _("Copy the picture"),
        "copied": _("Copied"),
        "notCopied": _("It could not be copied."),
        "asPhoto": _("Redraw as a photo"),
        "enlargeTo": _("Finish at {width} × {height}"),
        "again": _("Try again"),
        "drop": _("Cancel this picture"),
        "enlarge": _("Fill the window"),
        "close": _("Close"),
        "latest": _("Latest pictures"),
        "ready": _("The picture is ready."),
        "picture": _("Picture: {prompt}"),
    }


@cache
def component() -> Any:
    """Registered when the first page is drawn, not on import."""
    html = (HERE / "frame.html").read_text("utf-8")
    css = "\n".join((HERE / name).read_text("utf-8") for name in ("menu.css", "frame.css"))
    js = "\n".join((HERE / name).read_text("utf-8") for name in SCRIPTS)
    return st.components.v2.component("jimeng_frame", html=html, css=css, js=js)
