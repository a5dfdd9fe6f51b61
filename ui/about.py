"""Quiet, at the foot: which model is loaded, what it knows, and the other language."""

import streamlit as st

from studio.build import Studio
from ui import i18n
from ui.i18n import _, of_language


def show(studio: Studio) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", key="about"):
        with st.container(gap=None, key="model"):
            if studio.info is not None:
                st.text(_("Model: {name}").format(name=studio.info.name))
                if knows := of_language(studio.info.knows):
                    st.text(knows)
        for language, name in i18n.LANGUAGES.items():
            if language != i18n.language():
                st.button(name, key=f"language-{language}", type="tertiary", on_click=i18n.switch, args=(language,))
