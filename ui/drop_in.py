"""A picture dropped anywhere on the Studio page, picked or pasted: its settings fill the fields, as far as known.

The browser sends the file to web/drop_in.py and hands on what that found in it.
"""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from core.errors import N_, UserError
from ui import i18n, setup, state
from ui.i18n import _, say
from web.drop_in import MOST_MB, UPLOAD

HERE = Path(__file__).parent
KEY = "drop-in"


def show() -> None:
    component()(key=KEY, data=_data(), on_fill_change=lambda: fill(st.session_state[KEY]["fill"]))


def fill(found: Any) -> None:
    """What the browser was told of a picture: {origin, settings, unused}. Nothing in it is trusted."""
    found = found if isinstance(found, dict) else {}
    told = [UserError(N_("The settings are those of a picture from {origin}."), origin=str(found.get("origin"))[:60])]
    told += setup.take(setup.of_json(found.get("settings")))
    unused = found.get("unused")
    names = [f"{name} {value}"[:80] for name, value in unused] if _is_pairs(unused) else []
    if names:
        more = ["…"] * (len(names) > setup.MOST_NAMED)
        told.append(UserError(N_("Not used here: {names}."), names=" · ".join(names[: setup.MOST_NAMED] + more)))
    setup.tell(told)


def show_notice() -> None:
    """What was said of the settings that came last."""
    notice = state.result().notice
    if notice:
        with st.container(key="notice"):
            st.text(" ".join(map(say, notice)))


def _is_pairs(unused: object) -> bool:
    return isinstance(unused, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in unused)


def _data() -> dict[str, Any]:
    return {
        "url": f"{UPLOAD}?lang={i18n.language()}",
        "most_mb": MOST_MB,
        "words": {
            "pick": _("Use the settings of a picture"),
            "dropHere": _("Drop a picture here to use its settings"),
            "reading": _("The picture is being read …"),
            "tooLarge": _("The file is too large: {most} MB is the most."),
            "cut": _("The studio cannot be reached. Try again in a moment."),
        },
    }


@cache
def component() -> Any:
    """Registered when the first page is drawn, not on import."""
    html = (HERE / "drop_in.html").read_text("utf-8")
    css = "\n".join((HERE / name).read_text("utf-8") for name in ("drop_in.css", "drop_target.css"))
    js = "\n".join((HERE / name).read_text("utf-8") for name in ("dom.js", "drop_target.js", "drop_in.js"))
    return st.components.v2.component("jimeng_drop_in", html=html, css=css, js=js)
