"""Comparing styles by pictures: all of them, the checkpoints of one, or some from weak to strong."""

from collections.abc import Callable
from copy import copy
from uuid import uuid4

import streamlit as st

from core.errors import N_, UserError
from core.request import MAX_PROMPT_CHARACTERS, MAX_SEED, GenerationRequest, StyleUse
from studio.compare import Cell, Comparison, strengths
from studio.styles import Style
from studio.styles.families import Checkpoint, families
from ui import actions, state, style_picker, style_wall
from ui.i18n import _, of_language, say

MOST_STRENGTH = 1.5
STEPS = 5  # from weak to strong
MOST_ROWS = 6
PROMPT, SEED, RANGE = "compare.prompt", "compare.seed", "compare.range"
PROBLEM = "compare.problem"
Plan = Callable[[], list[Cell]]


def wall() -> None:
    """Every style that can be used, beside the model without any."""
    _intro(_("One prompt and one seed, drawn in every style. A picture you like can become the style's own."))
    styles = _usable()
    if not styles:
        st.text(_("There is nothing to compare yet. Add styles first."))
        return
    plain = Cell(_("Without a style"))
    _form("wall", lambda: [plain, *(Cell(style.label, _alone(style)) for style in styles)])
    style_wall.show("wall")


def checkpoints() -> None:
    """The files of one training run, in the order in which they were saved."""
    _intro(_("Files saved while one style was trained, drawn with one prompt and one seed. Slide to see it learn."))
    found = {family.name: family for family in families(_usable())}
    if not found:
        st.text(
            _("When your styles hold files of one training run, they appear here: ink-000002, ink-000004, ink_epoch_6.")
        )
        return
    name = st.selectbox(_("Style"), list(found), key="compare.family", persist_state="session", width=360)
    members = found[name].checkpoints
    _form(f"checkpoints {name}", lambda: [Cell(_stage(c), _alone(c.style)) for c in members])
    style_wall.show(f"checkpoints {name}", mode="checkpoints")


def grid() -> None:
    """A few styles, each at several strengths."""
    _intro(_("A style from weak to strong, with one prompt and one seed. Several styles make a table."))
    styles = _usable()
    if not styles:
        st.text(_("There is nothing to compare yet. Add styles first."))
        return
    names = [style.name for style in styles]
    with st.container(horizontal=True, gap="large", key="compare-choices"):
        chosen = st.multiselect(
            _("Styles"), names, default=_first_choice(names), max_selections=MOST_ROWS, key="compare.styles",
            placeholder=_("Choose styles"), persist_state="session",
        )  # fmt: skip
        low, high = st.slider(
            _("Strength from and to"), 0.0, MOST_STRENGTH, (0.25, 1.25), step=0.05, key=RANGE, persist_state="session"
        )
    values = strengths(low, high, STEPS)
    _form("grid", lambda: [Cell(f"{name} · {s:g}", (StyleUse(name, s),)) for name in chosen for s in values])
    style_wall.show("grid", mode="grid", columns=STEPS)


def _intro(text: str) -> None:
    with st.container(key="compare-intro"):
        st.text(text)


def _form(kind: str, plan: Plan) -> None:
    """The prompt and the seed; all comparisons share them, so that one can follow the other."""
    _start()
    with st.form(f"compare {kind}", border=False), st.container(key="compare-form"):
        st.text_area(
            _("Prompt"), key=PROMPT, height=76, max_chars=MAX_PROMPT_CHARACTERS, label_visibility="collapsed",
            placeholder=_("Describe the picture you have in mind …"), persist_state="session",
        )  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="bottom", key="compare-row"):
            st.number_input(_("Seed"), 0, MAX_SEED, step=1, key=SEED, width=180, persist_state="session")
            st.form_submit_button(_("Draw them all"), type="primary", on_click=_begin, args=(kind, plan))
    if (problem := st.session_state.get(PROBLEM)) is not None:
        with st.container(key="problem"):
            st.text(say(problem))


def _start() -> None:
    """Begin with what is in the Studio, else with an example of the model's."""
    studio = state.base().studio
    examples = of_language(studio.info.examples) if studio.info else ()
    if PROMPT not in st.session_state:
        st.session_state[PROMPT] = state.config().prompt or next(iter(examples), "")
    if SEED not in st.session_state:
        st.session_state[SEED] = state.config().seed or actions.new_seed()


def _begin(kind: str, plan: Plan) -> None:
    st.session_state.pop(PROBLEM, None)
    try:
        style_wall.begin(kind, _comparison(plan()))
    except UserError as error:
        st.session_state[PROBLEM] = error


def _comparison(cells: list[Cell]) -> Comparison:
    """Raises UserError for a prompt that is none, or while the model cannot be used."""
    studio, config = state.base().studio, state.config()
    if studio.worker.status.error is not None or studio.info is None:
        raise copy(studio.worker.status.error or UserError(N_("There is no model to draw with.")))
    info = studio.info
    width, height = config.size if config.size in info.sizes else info.sizes[0]
    request = GenerationRequest(
        prompt=st.session_state[PROMPT], width=width, height=height, seed=st.session_state[SEED],
        num_inference_steps=info.num_inference_steps, guidance_scale=info.guidance_scale,
    )  # fmt: skip
    return Comparison(request, tuple(cells), uuid4().hex)


def _usable() -> tuple[Style, ...]:
    return style_picker.offered(state.base().studio.styles.list())


def _first_choice(names: list[str]) -> list[str]:
    chosen = [use.name for use in state.config().styles if use.name in names]
    return chosen or names[:1]


def _alone(style: Style) -> tuple[StyleUse, ...]:
    return (StyleUse(style.name, sha256=style.sha256),)


def _stage(checkpoint: Checkpoint) -> str:
    if checkpoint.unit == "last":
        return _("Last")
    if checkpoint.unit == "epoch":
        return _("Epoch {number}").format(number=checkpoint.number)
    if checkpoint.unit == "step":
        return _("Step {number}").format(number=checkpoint.number)
    return f"{checkpoint.number}"
