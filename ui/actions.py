"""What the buttons do: each is a callback that changes config or result. None waits for the device."""

import random
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import replace
from time import monotonic

from core.errors import UserError
from core.request import GenerationRequest, StyleUse
from ui import state
from ui.state import Config

DOUBLE_CLICK_S = 0.5
KEPT_JOBS = 200  # a session remembers; no less than a full queue and the strip
NEW_SEEDS = 2**32  # ten digits at most: short enough to read aloud
_random = random.SystemRandom()


def new_seed() -> int:
    return _random.randrange(NEW_SEEDS)


def generate() -> None:
    """Submit what the form says: `count` pictures with following seeds."""
    result, config = state.result(), state.config()
    form = replace(config, seed=0)
    if form == result.form and monotonic() - result.submitted_s < DOUBLE_CLICK_S:
        return
    if not config.keep_seed:
        state.configure(seed=new_seed())
        config = state.config()
    result.prompt, result.seed = config.prompt, config.seed
    if _submit(lambda: _requests(config)):
        result.form, result.submitted_s = form, monotonic()


def more_like(job_id: str) -> None:
    """The same settings with the next seed that was not drawn yet."""
    jobs, owner = state.base().studio.jobs, state.owner()
    known = jobs.snapshot(owner, job_id)
    if known is None:
        return
    seeds = [j.request.seed for j in jobs.list(owner) if replace(j.request, seed=known.request.seed) == known.request]
    _submit(lambda: [replace(known.request, seed=max(seeds, default=known.request.seed) + 1)])


def cancel() -> None:
    """Stop all of this session's pictures that wait or run."""
    for job_id in state.result().jobs:
        state.base().studio.jobs.cancel(state.owner(), job_id)


def show(job_id: str) -> None:
    """Put a picture of this owner into the frame, and keep it there."""
    snapshot = state.base().studio.jobs.snapshot(state.owner(), job_id)
    if snapshot is not None and snapshot.state == "done":
        result = state.result()
        result.shown, result.following = job_id, False


def fill(prompt: str) -> None:
    state.configure(prompt=prompt)


def roll() -> None:
    state.configure(seed=new_seed(), keep_seed=True)


def hold_seed() -> None:
    """Who types a seed means it."""
    state.configure(keep_seed=True)


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
        styles=(StyleUse(config.style, config.strength),) if config.style else (),
    )
    return [replace(first, seed=first.seed + n) for n in range(config.count)]


def _submit(make: Callable[[], Iterable[GenerationRequest]]) -> bool:
    """Submit what `make` gives; what goes wrong is kept for the page to say, and the form keeps its content."""
    result, studio = state.result(), state.base().studio
    result.problem = None
    try:
        if studio.worker.status.error is not None:
            raise copy(studio.worker.status.error)  # each raise has its own traceback
        for request in make():
            result.jobs.append(studio.jobs.submit(state.owner(), request))
        del result.jobs[:-KEPT_JOBS]
    except UserError as error:
        result.problem = error
        return False
    finally:
        result.following = True
    return True
