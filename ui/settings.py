"""The left zone: style and strength, and the folded panel with everything else."""

import streamlit as st

from core.engine import ModelInfo
from core.request import MAX_PROMPT_CHARACTERS, MAX_SEED, MAX_STEPS
from studio.styles import Style
from ui import actions, state
from ui.i18n import _
from ui.state import key
from ui.wording import aspect_name, size_name

COUNTS = (1, 2, 4)
MOST_STRENGTH = 1.5


def show(styles: tuple[Style, ...], info: ModelInfo | None) -> None:
    _style(styles)
    if info is not None:
        with st.expander(_("Fine-tune"), key="fine-tune"):
            _size(info)
            st.segmented_control(_("Pictures"), COUNTS, key=key("count"), required=True, width="stretch")
            st.number_input(_("Steps"), 1, MAX_STEPS, step=1, key=key("num_inference_steps"))
            _guidance()
            _seed()


def _style(styles: tuple[Style, ...]) -> None:
    names = ["", *(style.name for style in styles)]
    if state.config().style not in names:  # its file is gone
        state.configure(style="")
    none = _("None")
    st.selectbox(_("Style"), names, format_func=lambda name: name or none, key=key("style"))
    if len(names) == 1:
        st.text(_("No styles yet. Put .safetensors files into {folder}.").format(folder=_folder()))
        return
    off = not state.config().style
    st.slider(_("Strength"), 0.0, MOST_STRENGTH, step=0.05, format="%.2f", key=key("strength"), disabled=off)


def _folder() -> str:
    return state.base().studio.styles.folder.name + "/"


def _size(info: ModelInfo) -> None:
    """The model's own sizes, by aspect; the second choice only where there is one."""
    sizes = info.sizes or ((info.size_multiple * 8, info.size_multiple * 8),)
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
    st.toggle(_("Keep this seed"), key=key("keep_seed"))
