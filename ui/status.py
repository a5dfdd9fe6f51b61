"""Under the prompt: what happens now, with Cancel while it does, or what went wrong.

The last click's own problem is told here once, by the page. Everything that moves is drawn by a component (status.html,
status.js), which listens to the looks that the frame takes.
"""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from ui import actions, state
from ui.i18n import _, say

HERE = Path(__file__).parent
KEY = "now"


def show(look: dict[str, Any]) -> None:
    problem = state.result().problem
    if problem is not None:
        with st.container(key="problem"):
            st.text(say(problem))
    with st.container(key="status"):
        component()(
            key=KEY,
            data={"look": look, "refused": problem is not None, "words": _words()},
            on_cancel_change=actions.cancel_all,
            on_retry_change=lambda: actions.retry(str(st.session_state[KEY]["retry"])),
        )


def _words() -> dict[str, str]:
    return {"cancel": _("Cancel"), "cancelAll": _("Cancel all"), "again": _("Try again")}


@cache
def component() -> Any:
    """Registered when the first page is drawn, not on import."""
    html, js = ((HERE / f"status.{kind}").read_text("utf-8") for kind in ("html", "js"))
    return st.components.v2.component("jimeng_status", html=html, js=js, isolate_styles=False)
