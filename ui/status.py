"""Under the prompt: what happens now, with Cancel while it does, or what went wrong."""

import streamlit as st

from studio.jobs import Snapshot
from ui import actions, state
from ui.i18n import _, say
from ui.wording import status_line

POLL_S = 0.15
LOADING_POLL_S = 1.0


def show(watching: bool) -> None:
    """Looks again by itself while `watching`, or while the model loads."""
    loading = state.base().studio.worker.status.state == "loading"
    st.fragment(_line, run_every=POLL_S if watching else LOADING_POLL_S if loading else None)(loading)


def mine() -> list[Snapshot]:
    """This session's jobs, oldest first; those that the studio has forgotten are left out."""
    ids = set(state.result().jobs)
    return [job for job in reversed(state.base().studio.jobs.list(state.owner())) if job.id in ids]


def is_active() -> bool:
    return any(job.active for job in mine())


def _line(was_loading: bool) -> None:
    jobs, model = mine(), state.base().studio.worker.status
    if was_loading and model.state != "loading":
        st.rerun()
    active = [job for job in jobs if job.active]
    last = jobs[-1] if jobs else None
    problem = state.result().problem or model.error or (last.error if last and not active else None)
    if problem is not None:
        with st.container(key="problem"):
            st.text(say(problem))
    if active or problem is None:
        with st.container(horizontal=True, vertical_alignment="center", key="status"):
            st.text(status_line(active, last, model))
            if active:
                st.button(_("Cancel"), key="cancel", type="tertiary", on_click=actions.cancel)
