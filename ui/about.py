"""Quiet, at the foot: which model is loaded, what it knows, and the other language."""

import streamlit as st

from studio.build import Studio
from ui import i18n
from ui.i18n import _, of_language


def show(studio: Studio) -> None:
    with st.container(key="about"):
        if studio.info is not None:
            st.text(_("Model: {name}").format(name=studio.info.name))
            knows = of_language(studio.info.knows)
            if knows:
                st.text(knows)
        with st.container(horizontal=True, key="languages"):
            for language, name in i18n.LANGUAGES.items():
                if language != i18n.language():
                    st.button(name, key=f"language-{language}", type="tertiary", on_click=i18n.switch, args=(language,))
