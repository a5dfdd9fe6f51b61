"""The prompt: type, Ctrl+Enter. Examples fill it in."""

import streamlit as st

from core.engine import ModelInfo
from ui import actions
from ui.i18n import _, of_language
from ui.state import key
from ui.wording import unmarked

HEIGHT = 208


def show() -> None:
    """No form of Streamlit's: one keeps what was typed to itself until it is sent, and another page would lose it."""
    st.text_area(
        _("Prompt"), key=key("prompt"), height=HEIGHT, label_visibility="collapsed",
        placeholder=_("Describe the picture you have in mind …"),
    )  # fmt: skip
    with st.container(horizontal=True, horizontal_alignment="right", key="submit-row"):
        st.button(_("Generate"), type="primary", on_click=actions.generate, key="generate", shortcut="Ctrl+Enter")


def examples(info: ModelInfo | None) -> None:
    prompts = of_language(info.examples) if info else ()
    if not prompts:
        return
    with st.container(horizontal=True, gap="small", key="examples"):
        for number, example in enumerate(prompts):
            st.button(
                unmarked(example), key=f"example-{number}", type="tertiary", on_click=actions.fill, args=(example,)
            )  # fmt: skip
