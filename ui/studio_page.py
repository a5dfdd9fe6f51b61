"""The Studio page: choices on the left, the prompt in the middle, the picture on the right."""

import streamlit as st

from ui import actions, form, frame, settings, state, status
from ui.i18n import _


def show() -> None:
    studio = state.base().studio
    state.start_config(studio.info, actions.new_seed())
    watching = status.is_active()
    left, middle, right = st.columns([1, 2, 1], gap="large")
    with left, st.container(key="zone-settings"):
        settings.show(studio.styles.list(), studio.info)
    with middle, st.container(key="zone-prompt"):
        form.show()
        # A fragment must be alone in its container. Where one that reruns overtakes the page it is part of, Streamlit
        # (1.67) takes its old place for empty, and what follows moves up one and is overwritten (seen: the examples).
        with st.container(key="now"):
            status.show(watching)
        _say_when_not_remembered()
        form.examples(studio.info)
    with right, st.container(key="zone-picture"):
        frame.show(watching)


def _say_when_not_remembered() -> None:
    if not state.is_remembered():
        with st.container(key="no-cookie"):
            st.text(
                _("This browser keeps no cookies. Allow them for this address, or pictures cannot be shown to you.")
            )
