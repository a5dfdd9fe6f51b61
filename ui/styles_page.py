"""The Styles page: all styles as cards, and ways to compare them by pictures."""

from collections.abc import Callable

import streamlit as st

from core.errors import N_
from ui import style_compare, style_library
from ui.i18n import _

VIEWS: dict[str, tuple[str, Callable[[], None]]] = {
    "all": (N_("All styles"), style_library.show),
    "wall": (N_("Every style at once"), style_compare.wall),
    "checkpoints": (N_("Stages of training"), style_compare.checkpoints),
    "grid": (N_("From weak to strong"), style_compare.grid),
}


def show() -> None:
    with st.container(key="styles-page"):
        view = st.segmented_control(
            _("View"), list(VIEWS), format_func=lambda name: _(VIEWS[name][0]), default="all", required=True,
            key="styles.view", label_visibility="collapsed", persist_state="session",
        )  # fmt: skip
        with st.container(key=f"view-{view}"):
            VIEWS[str(view)][1]()
