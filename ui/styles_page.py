"""The Styles page."""

import streamlit as st

from ui.i18n import _


def show() -> None:
    st.html(f"<h2>{_('Styles')}</h2>")
