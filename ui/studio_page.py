"""The Studio page: choices on the left, the prompt in the middle, the picture on the right."""

import streamlit as st

from ui import actions, drop_in, form, frame, live, settings, state, status
from ui.i18n import _


def show() -> None:
    studio = state.base().studio
    studio.worker.expect()
    state.start_config(studio.info, actions.new_seed())
    look = live.look(studio, state.owner())
    left, middle, right = st.columns([1, 2, 1], gap="large")
    with left, st.container(key="zone-settings"):
        settings.show(studio.info)
    with middle, st.container(key="zone-prompt"):
        form.show()
        drop_in.show_notice()
        status.show(look)
        _say_when_not_remembered()
        form.examples(studio.info)
        drop_in.show()
    with right, st.container(key="zone-picture"):
        frame.show(look)
    actions.answered()


def _say_when_not_remembered() -> None:
    if not state.is_remembered():
        with st.container(key="no-cookie"):
            st.text(
                _("This browser keeps no cookies. Allow them for this address, or pictures cannot be shown to you.")
            )
