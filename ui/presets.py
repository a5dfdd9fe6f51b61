"""Presets: settings that the owner keeps under a name of their own, listed in the Studio below the styles.

A preset is all but the prompt and the seed: those stay as they are when it is used.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from core.errors import N_, UserError
from core.request import GenerationRequest
from ui import setup, state
from ui.i18n import _, say
from ui.wording import size_name

HERE = Path(__file__).parent
KEY = "presets"
PROBLEM = "presets.problem"  # why the last click came to nothing
DROPPED = "presets.dropped"  # (name, request) of what this session deleted last, for undo
MOST_NAME = 80


def show() -> None:
    with st.container(key="presets-zone"):
        component()(key=KEY, data=presets_data(), on_act_change=lambda: act(st.session_state[KEY]["act"]))


def act(order: Any) -> None:
    """What was clicked, as it came from the browser: {do, name} and, to rename, {to}."""
    what, name = str(order.get("do")), str(order.get("name"))
    st.session_state.pop(PROBLEM, None)
    try:
        if what == "apply":
            setup.tell(_apply(name))
        elif what == "save":
            keep(name, setup.as_request("-"))
        elif what == "rename":
            _rename(name, str(order.get("to")))
        elif what == "drop":
            _drop(name)
        elif what == "undo" and DROPPED in st.session_state:
            keep(*st.session_state.pop(DROPPED))
    except UserError as error:
        st.session_state[PROBLEM] = error


def keep(name: str, request: GenerationRequest) -> None:
    """Under this name from now on. Raises UserError for a name that is none."""
    state.base().studio.history.save_preset(state.owner(), name, request)


def _apply(name: str) -> list[UserError]:
    settings = setup.of_request(_find(name))
    return setup.take(replace(settings, prompt=None, seed=None))


def _rename(name: str, to: str) -> None:
    """Kept under the new name first: whatever happens in between, it is there."""
    request = _find(name)
    if to.strip() == name:
        return
    if any(known == to.strip() for known, _request in _all()):
        raise UserError(N_("There is a preset “{name}” already. Choose another name."), name=to.strip())
    keep(to, request)
    state.base().studio.history.drop_preset(state.owner(), name)


def _drop(name: str) -> None:
    st.session_state[DROPPED] = (name, _find(name))
    state.base().studio.history.drop_preset(state.owner(), name)


def _find(name: str) -> GenerationRequest:
    request = dict(_all()).get(name)
    if request is None:
        raise UserError(N_("There is no such preset any more."))
    return request


def _all() -> list[tuple[str, GenerationRequest]]:
    return [(preset.name, preset.request) for preset in state.base().studio.history.presets(state.owner())]


def presets_data() -> dict[str, Any]:
    """All that the component needs, as plain JSON."""
    problem: UserError | None = st.session_state.get(PROBLEM)
    try:
        presets = _all()
    except UserError as error:
        presets, problem = [], error
    dropped = st.session_state.get(DROPPED)
    return {
        "presets": [{"name": name, "about": _about(request)} for name, request in presets],
        "problem": say(problem) if problem else "",
        "dropped": dropped[0] if dropped else "",
        "most": MOST_NAME,
        "words": _words(),
    }


def _about(request: GenerationRequest) -> str:
    parts = [size_name((request.width, request.height)), *(f"{s.name} {s.strength:g}" for s in request.styles)]
    return " · ".join(parts)


def _words() -> dict[str, str]:
    return {
        "presets": _("Presets"),
        "keep": _("Keep these settings as a preset"),
        "add": _("Keep the settings as they are now"),
        "name": _("Name of the preset"),
        "save": _("Save"),
        "edit": _("Edit"),
        "done": _("Done"),
        "rename": _("Rename {name}"),
        "drop": _("Delete {name}"),
        "dropped": _("“{name}” was deleted."),
        "undo": _("Undo"),
        "cancel": _("Cancel"),
    }


@cache
def component() -> Any:
    """Registered when the first page is drawn, not on import."""
    html, css = ((HERE / f"presets.{kind}").read_text("utf-8") for kind in ("html", "css"))
    js = "\n".join((HERE / name).read_text("utf-8") for name in ("dom.js", "presets.js"))
    return st.components.v2.component("jimeng_presets", html=html, css=css, js=js)
