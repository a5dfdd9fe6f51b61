"""The pictures of a comparison as they come: one component draws them, a fragment asks for more until it is over."""

from functools import cache
from pathlib import Path
from typing import Any, cast

import streamlit as st

from core.errors import UserError
from studio.compare import Comparison, Outcome
from ui import state
from ui.i18n import _, say

HERE = Path(__file__).parent
KEY = "style-wall"
POLL_S = 0.6
RUNS, KEPT, PROBLEM = "compare.runs", "compare.kept", "compare.keep-problem"


def begin(kind: str, comparison: Comparison) -> None:
    """In place of the last one of its kind, which is stopped."""
    before = _runs().get(kind)
    if before is not None:
        before.cancel(state.base().studio.jobs, state.owner())
    _runs()[kind] = comparison


def show(kind: str, mode: str = "wall", columns: int = 0) -> None:
    """The latest comparison of this kind, if there is one."""
    if kind in _runs():
        active = not _is_over(kind)
        with st.container(key="compare-now"):  # a fragment must be alone in its container
            st.fragment(_wall, run_every=POLL_S if active else None)(kind, mode, columns, active)


def _wall(kind: str, mode: str, columns: int, was_active: bool) -> None:
    studio = state.base().studio
    _runs()[kind].advance(studio.jobs, studio.styles, state.owner())
    if was_active and _is_over(kind):
        st.rerun()
    component()(key=f"{KEY} {kind}", data=wall_data(kind, mode, columns), on_act_change=lambda: _acted(kind))


def _acted(kind: str) -> None:
    act(kind, st.session_state[f"{KEY} {kind}"]["act"])


def act(kind: str, order: Any) -> None:
    """What was clicked, as it came from the browser: {do: "cancel"}, or {do: "keep", cell}."""
    studio, run = state.base().studio, _runs()[kind]
    st.session_state.pop(PROBLEM, None)
    if order.get("do") == "cancel":
        run.cancel(studio.jobs, state.owner())
    elif order.get("do") == "keep":
        number, outcomes = order.get("cell"), run.outcomes(studio.jobs, state.owner())
        if isinstance(number, int) and 0 <= number < len(outcomes):
            _keep(outcomes[number])


def _keep(outcome: Outcome) -> None:
    """Make a picture the thumbnail of its style."""
    studio = state.base().studio
    file = studio.jobs.picture(state.owner(), outcome.job_id)
    try:
        if file is None or len(outcome.cell.styles) != 1:
            return
        (use,) = studio.styles.pin(outcome.cell.styles)
        studio.styles.illustrate(use.sha256, file)
        _kept().add(outcome.job_id)
    except UserError as error:
        st.session_state[PROBLEM] = error


def wall_data(kind: str, mode: str = "wall", columns: int = 0) -> dict[str, Any]:
    """All that the component needs, as plain JSON."""
    studio, run = state.base().studio, _runs()[kind]
    outcomes = run.outcomes(studio.jobs, state.owner())
    problem = st.session_state.get(PROBLEM) or run.held_up
    return {
        "mode": mode,
        "columns": columns,
        "width": run.request.width,
        "height": run.request.height,
        "active": not _is_over(kind),
        "progress": _progress(run, outcomes),
        "note": say(problem) if problem else "",
        "cells": [_cell(outcome) for outcome in outcomes],
        "words": _words(),
    }


def _progress(run: Comparison, outcomes: list[Outcome]) -> str:
    done = sum(outcome.state == "done" for outcome in outcomes)
    if run.cancelled:
        return _("Stopped after {done} of {count}").format(done=done, count=len(outcomes))
    return _("{done} of {count}").format(done=done, count=len(outcomes))


def _cell(outcome: Outcome) -> dict[str, Any]:
    done, job = outcome.state == "done", outcome.job_id
    keep = ("kept" if job in _kept() else "offered") if done and len(outcome.cell.styles) == 1 else ""
    return {
        "label": outcome.cell.label,
        "state": outcome.state,
        "id": job,
        "src": f"/app/static/img/{job}" if done else "",
        "thumb": f"/app/static/thumb/{job}" if done else "",
        "preview": f"/app/static/preview/{job}?v={outcome.preview}" if outcome.preview and not done else "",
        "share": outcome.share,
        "says": _says(outcome),
        "keep": keep,
    }


def _says(outcome: Outcome) -> str:
    if outcome.error is not None:
        return say(outcome.error)
    return {"waiting": _("Waiting …"), "queued": _("Waiting …"), "cancelled": _("Cancelled")}.get(outcome.state, "")


def _is_over(kind: str) -> bool:
    return _runs()[kind].is_over(state.base().studio.jobs, state.owner())


def _runs() -> dict[str, Comparison]:
    return cast(dict[str, Comparison], st.session_state.setdefault(RUNS, {}))


def _kept() -> set[str]:
    return cast(set[str], st.session_state.setdefault(KEPT, set()))


def _words() -> dict[str, str]:
    return {
        "cancel": _("Cancel"),
        "keep": _("Use as its picture"),
        "keepLong": _("Show this picture for the style, to everybody who uses the studio"),
        "kept": _("Its picture now"),
        "stage": _("Stage of training"),
    }


@cache
def component() -> Any:
    """Registered when the first page is drawn, not on import."""
    html, css, js = ((HERE / f"style_wall.{kind}").read_text("utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component("jimeng_wall", html=html, css=css, js=js)
