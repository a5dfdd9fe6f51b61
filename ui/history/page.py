"""The History page as Streamlit sees it: one component, and what it leads to in the Studio."""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from core.errors import UserError
from ui import actions, i18n, setup, state
from ui.history.words import words
from ui.i18n import say

HERE = Path(__file__).parent
SHARED = HERE.parent
KEY = "history"
PROBLEM = "history.problem"  # why the last click came to nothing
SCRIPTS = (
    "requests.js", "gallery.js", "find.js", "zoom.js", "settings.js", "notes.js", "verify.js", "detail.js",
    "compare.js", "around.js", "page.js",
)  # fmt: skip


def show() -> None:
    with st.container(key="history-page"):  # a fragment must be alone in its container
        st.fragment(_history)()


def _history() -> None:
    if state.GO_TO in st.session_state:
        st.rerun()
    problem = st.session_state.get(PROBLEM)
    if problem is not None:
        with st.container(key="problem"):
            st.text(say(problem))
    component()(key=KEY, data=page_data(), on_act_change=_acted)


def _acted() -> None:
    act(st.session_state[KEY]["act"])


def act(order: Any) -> None:
    """What was clicked, as it came from the browser: {do: "studio"}, {do: "reuse", id, what}, {do: "photo", id}
    or {do: "enlarge", id, factor}."""
    st.session_state.pop(PROBLEM, None)
    try:
        if order.get("do") == "photo":
            actions.redraw(str(order.get("id")))
            return
        to = "studio"
        if order.get("do") == "reuse":
            to = setup.reuse(str(order.get("id")), str(order.get("what")))
        elif order.get("do") == "enlarge":
            actions.enlarge(str(order.get("id")), order.get("factor"))
        st.session_state[state.GO_TO] = to
    except UserError as error:
        st.session_state[PROBLEM] = error


def page_data() -> dict[str, Any]:
    """All that the component needs, as plain JSON. The pictures it asks for by itself."""
    return {
        "lang": i18n.language(),
        "language": i18n.language().replace("_", "-"),
        "trashDays": state.base().studio.config.history.trash_days,
        "words": words(),
    }


@cache
def component() -> Any:
    """Registered when the first page is drawn, not on import."""
    html = (HERE / "page.html").read_text("utf-8")
    css = "\n".join(file.read_text("utf-8") for file in (SHARED / "menu.css", SHARED / "over.css", HERE / "page.css"))
    scripts = [*(SHARED / name for name in ("dom.js", "menu.js", "over.js")), *(HERE / name for name in SCRIPTS)]
    js = "\n".join(script.read_text("utf-8") for script in scripts)
    return st.components.v2.component("jimeng_history", html=html, css=css, js=js)
