"""The left zone: the styles, and the folded panel with everything else."""

import streamlit as st

from core.engine import ModelInfo
from core.request import MAX_PROMPT_CHARACTERS, MAX_SEED, MAX_STEPS
from ui import actions, presets, setup, state, style_picker
from ui.i18n import _
from ui.state import key
from ui.wording import aspect_name, size_name

COUNTS = (1, 2, 4)
MOST_STRENGTH = 1.5


def show(info: ModelInfo | None) -> None:
    with st.container(key="styles"):  # a fragment must be alone in its container
        style_picker.show()
    presets.show()
    if info is not None:
        with st.expander(_("Fine-tune"), key="fine-tune"):
            _size(info)
            st.segmented_control(_("Pictures"), COUNTS, key=key("count"), required=True, width="stretch")
            st.number_input(_("Steps"), 1, MAX_STEPS, step=1, key=key("num_inference_steps"))
            _guidance()
            _seed()


def _size(info: ModelInfo) -> None:
    """The model's own sizes, by aspect, and the one of a picture whose settings are used again; the second choice only
    where there is one."""
    sizes = info.sizes or ((info.size_multiple * 8, info.size_multiple * 8),)
    if state.config().size not in sizes and setup.is_drawable(info, state.config().size):
        sizes = (*sizes, state.config().size)
    aspects = list(dict.fromkeys(map(aspect_name, sizes)))
    if state.config().aspect not in aspects:
        state.configure(aspect=aspects[0])
    st.segmented_control(
        _("Aspect"), aspects, key=key("aspect"), required=True, width="stretch"
    )  # fmt: skip
    fitting = [size for size in sizes if aspect_name(size) == state.config().aspect]
    if state.config().size not in fitting:
        state.configure(size=fitting[0])
    if len(fitting) > 1:
        st.selectbox(_("Size"), fitting, format_func=size_name, key=key("size"))


def _guidance() -> None:
    st.slider(
        _("Guidance"), 0.0, state.MOST_GUIDANCE, step=0.5, format="%.1f", key=key("guidance_scale"),
        help=_("How strictly the picture keeps to the words. 0 is what turbo models are made for."),
    )  # fmt: skip
    if state.config().guidance_scale > 0:
        st.text_input(
            _("Leave out"), key=key("negative_prompt"), placeholder=_("What should not be seen"),
            max_chars=MAX_PROMPT_CHARACTERS, persist_state="session",
        )  # fmt: skip


def _seed() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", wrap=False, key="seed-row"):
        st.number_input(
            _("Seed"), 0, MAX_SEED, step=1, key=key("seed"), on_change=actions.hold_seed,
            help=_("The same seed and settings give the same picture."),
        )  # fmt: skip
        st.button(
            _("Another seed"), icon=":material/casino:", key="roll", on_click=actions.roll,
            help=_("Another seed, and keep it"),
        )  # fmt: skip
    if not st.toggle(_("Keep this seed"), key=key("keep_seed")):
        actions.let_seed_go()
