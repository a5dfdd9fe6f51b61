"""The Status page: who waits, the device and its memory, the model, and what went wrong lately."""

import streamlit as st

from ui.i18n import _


def show() -> None:
    st.html(f"<h2>{_('Status')}</h2>")
