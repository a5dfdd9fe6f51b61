"""What the buttons do: each is a callback that changes config or result. None waits for the device."""

import random
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from hashlib import sha256
from math import inf

import streamlit as st

from core.errors import UserError
from core.request import GenerationRequest
from studio.photos import enlarging
from ui import state
from ui.state import Config

DOUBLE_CLICK_S = 0.5  # as desktops have it
NEW_SEEDS = 2**32  # ten digits at most: short enough to read aloud
_random = random.SystemRandom()


def new_seed() -> int:
    return _random.randrange(NEW_SEEDS)


def generate() -> None:
    """Submit what the form says: `count` pictures with following seeds.

    A request, seed included, is one job as long as that has not ended, whoever sends it twice: a second click, a second
    tab, a browser that lost the answer. Its key is the request itself and what came before it (`_before`), so that what
    was drawn or cancelled can be drawn again. A wish for another picture differs by its seed. So a new seed is drawn
    for each press, except for one that comes before the page has *answered* the press before it, or within a double
    click of that: counting from there, a slow answer does not turn one wish into two.
    """
    result, config = state.result(), state.config()
    is_new = not result.pressed and state.base().clock() - result.answered_s > DOUBLE_CLICK_S
    if is_new and not config.keep_seed:
        meant = config.seed == result.meant_seed  # a browser that has not yet heard of `hold_seed` still says otherwise
        state.configure(seed=config.seed if meant else new_seed(), keep_seed=meant)
        config = state.config()
    result.pressed, result.meant_seed = True, None
    result.prompt, result.seed = config.prompt, config.seed

    def submit() -> None:
        if is_new:
            result.before = _before()
        _submit_all(_requests(config), result.before)

    _ask_for(submit)


def answered() -> None:
    """The page that tells of the last press is drawn."""
    result = state.result()
    if result.pressed:
        result.pressed, result.answered_s = False, state.base().clock()


def more_like(job_id: str) -> None:
    """The same settings with the next seed that was not drawn yet."""

    def submit() -> None:
        jobs, owner = state.base().studio.jobs, state.owner()
        if (known := jobs.snapshot(owner, job_id)) is None:
            return
        alike = [j.request for j in jobs.list(owner) if replace(j.request, seed=known.request.seed) == known.request]
        seed = max((request.seed for request in alike), default=known.request.seed) + 1
        _submit_all([replace(known.request, seed=seed)], _before(), parent=job_id)

    _ask_for(submit)


def retry(job_id: str) -> None:
    """Ask anew for a picture that failed; once, however often it is clicked."""
    retried = state.result().retried

    def submit() -> None:
        state.base().studio.jobs.retry(state.owner(), job_id)
        retried.append(job_id)

    if job_id not in retried:
        _ask_for(submit)


def enlarge(job_id: str, factor: int) -> None:
    """A finished picture once more, 2 or 4 times larger; the frame goes along with it. Raises UserError."""
    studio = state.base().studio
    enlarging.enlarge(studio.jobs, studio.sources, state.owner(), job_id, factor)
    state.result().follow()


def enlarge_here(job_id: str, factor: int) -> None:
    """`enlarge` from the Studio page, which says what went wrong."""
    _ask_for(lambda: enlarge(job_id, factor))


def redraw(picture_id: str) -> None:
    """A picture as a photo: on to the Photos page, which takes it in."""
    st.session_state[state.START_PHOTO], st.session_state[state.GO_TO] = picture_id, "photos"


def cancel(job_id: str) -> None:
    """Stop one picture of this owner that waits or is being drawn. To want it after that is a new wish."""
    state.result().answered_s = -inf
    state.base().studio.jobs.cancel(state.owner(), job_id)


def cancel_all() -> None:
    """Stop all of them."""

    def stop() -> None:
        for job in state.base().studio.jobs.list(state.owner()):
            if job.active:
                cancel(job.id)

    _attempt(stop)


def show(job_id: str) -> None:
    """Put a job of this owner into the frame, and keep it there."""

    def pick() -> None:
        if state.base().studio.jobs.snapshot(state.owner(), job_id) is not None:
            state.result().show(job_id)

    _attempt(pick)


def fill(prompt: str) -> None:
    state.configure(prompt=prompt)


def roll() -> None:
    state.configure(seed=new_seed())
    hold_seed()


def hold_seed() -> None:
    """Who types a seed means it, also when the next press comes before the browser shows it as kept."""
    state.configure(keep_seed=True)
    state.result().meant_seed = state.config().seed


def let_seed_go() -> None:
    """The toggle "Keep this seed" was switched off, and the page has been drawn so."""
    state.result().meant_seed = None


def _requests(config: Config) -> list[GenerationRequest]:
    width, height = config.size
    first = GenerationRequest(
        prompt=config.prompt,
        width=width,
        height=height,
        seed=config.seed,
        num_inference_steps=config.num_inference_steps,
        guidance_scale=config.guidance_scale,
        negative_prompt=config.negative_prompt if config.guidance_scale > 0 else "",
        styles=config.styles,
    )
    return [replace(first, seed=first.seed + n) for n in range(config.count)]


def _submit_all(requests: list[GenerationRequest], before: str, parent: str = "") -> None:
    for request in requests:
        key = sha256(f"{before} {request.to_json()}".encode()).hexdigest()
        state.base().studio.jobs.submit(state.owner(), request, key=key, parent=parent)


def _before() -> str:
    """The newest job of the owner that has ended: it is another one as soon as any job that was asked for ends."""
    return next((job.id for job in state.base().studio.jobs.list(state.owner()) if not job.active), "")


def _ask_for(submit: Callable[[], None]) -> None:
    """Submit, and let the frame go along with what comes of it. What goes wrong leaves the form as it is."""

    def checked() -> None:
        model = state.base().studio.worker.status
        if model.error is not None:
            raise copy(model.error)  # each raise has its own traceback
        submit()

    state.result().follow()
    _attempt(checked)


def _attempt(act: Callable[[], None]) -> None:
    """What goes wrong is kept for the page to say."""
    result = state.result()
    result.problem, result.notice = None, []
    try:
        act()
    except UserError as error:
        result.problem = error
