"""The three layers of state: base (what all share), config (this session's choices), result (what came of them).

Results are ids, never pixels. Nothing of one session is reachable from another: config and result live in Streamlit's
session state, and jobs are asked for by owner.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from gettext import NullTranslations
from math import inf
from time import monotonic
from typing import Any, cast
from uuid import uuid4

import streamlit as st

from core.engine import ModelInfo
from core.errors import StudioError
from core.request import MAX_STEPS, StyleUse
from studio.build import Studio

# --- base: one object for the process -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Base:
    """`read_owner` takes a browser's cookies; `catalogs` are translations by language; `clock` is monotonic."""

    studio: Studio
    read_owner: Callable[[Mapping[str, str]], str | None]
    catalogs: Mapping[str, NullTranslations]
    clock: Callable[[], float] = monotonic


_base: Base | None = None


def install(shared: Base) -> None:
    """Called once, by app.py, before the first page is asked for."""
    global _base
    _base = shared


def base() -> Base:
    if _base is None:
        raise RuntimeError("start the studio with app.py")
    return _base


def owner() -> str:
    """Who this session belongs to: what the browser's cookie says, else a name for this session alone."""
    if "owner" not in st.session_state:
        st.session_state["owner"] = base().read_owner(st.context.cookies) or uuid4().hex
    return str(st.session_state["owner"])


def is_remembered() -> bool:
    """Whether this browser keeps our cookie. One that does not cannot be given its pictures."""
    return base().read_owner(st.context.cookies) is not None


# --- config: this session's choices ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Config:
    """What the widgets say. Each field stands in session state as `key(name)`, which is its widget's key."""

    prompt: str = ""
    styles: tuple[StyleUse, ...] = ()
    num_inference_steps: int = 8
    guidance_scale: float = 0.0
    negative_prompt: str = ""
    seed: int = 0
    keep_seed: bool = False
    aspect: str = ""
    size: tuple[int, int] = (0, 0)
    count: int = 1


MOST_GUIDANCE = 10.0  # on the page; beyond, pictures only burn


def key(name: str) -> str:
    return f"config.{name}"


def config() -> Config:
    return Config(**{f.name: st.session_state.get(key(f.name), f.default) for f in fields(Config)})


def configure(**choices: Any) -> None:
    """Change choices. Only before their widgets are drawn in this run: at its start, or in a callback."""
    for name, value in choices.items():
        st.session_state[key(name)] = value


def start_config(info: ModelInfo | None, seed: int) -> None:
    """Fill in what is missing: what was chosen before, else the model's own defaults."""
    defaults: dict[str, Any] = {f.name: f.default for f in fields(Config)} | {"seed": seed}
    if info is not None:
        defaults["num_inference_steps"] = min(max(1, info.num_inference_steps), MAX_STEPS)
        defaults["guidance_scale"] = min(max(0.0, info.guidance_scale), MOST_GUIDANCE)
    for name, value in {**{key(name): value for name, value in defaults.items()}, **_kept()}.items():
        if name not in st.session_state:  # assigning anew would overwrite what is being typed
            st.session_state[name] = value
    keep_config()


def keep_config() -> None:
    """Keep what is chosen, at the start of each run: Streamlit forgets a widget once a page has not drawn it."""
    _kept().update({name: value for name, value in st.session_state.items() if str(name).startswith(key(""))})


def _kept() -> dict[Any, Any]:
    return cast(dict[Any, Any], st.session_state.setdefault("kept", {}))


START_PHOTO = "start-photo"  # the id of a picture that is to be a photo; the Photos page takes it in
GO_TO = "go-to"  # the address of a page that a click leads to; navigation.py goes there in the next run


# --- result: what came of them --------------------------------------------------------------------------------------


@dataclass(slots=True)
class Result:
    """`shown` is the job this tab has picked for its frame; "" goes along with what is being drawn. Each pick and each
    return to "" counts as one of `choices`. `prompt` and `seed` are those of the last wish; `problem` is why the last
    click came to nothing, `notice` what is to be said of settings that came from elsewhere; `retried` failed and were
    asked for anew. `meant_seed` was typed or rolled, and is not used yet.

    `pressed`, `answered_s` and `before` tell a double click from a second wish: see `actions.generate`.
    """

    shown: str = ""
    choices: int = 0
    prompt: str = ""
    seed: int = 0
    meant_seed: int | None = None
    problem: StudioError | None = None
    notice: list[StudioError] = field(default_factory=list)
    retried: list[str] = field(default_factory=list)
    pressed: bool = False
    answered_s: float = -inf
    before: str = ""

    def show(self, job_id: str) -> None:
        self.shown, self.choices = job_id, self.choices + 1

    def follow(self) -> None:
        self.show("")


def result() -> Result:
    """This session's. A new session of a known browser goes along with what its owner has."""
    if "result" not in st.session_state:
        st.session_state["result"] = Result()
    return cast(Result, st.session_state["result"])
