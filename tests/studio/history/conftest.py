"""A history with pictures in it, drawn by nothing: the pixels are a test's own."""

from collections.abc import Callable
from typing import Any

import pytest

from core.engine import Frame, Picture
from core.errors import UserError
from core.request import GenerationRequest
from studio.build import Studio
from studio.endings import Surroundings
from studio.history import History

FRAME = Frame(2, 1, b"\x01\x02\x03\xfd\xfe\xff")
SURROUNDINGS = Surroundings("demo", "ab" * 32, {"device": "cpu", "torch": "2.13"})

Draw = Callable[..., str]


def ask(prompt: str = "a red house", **more: Any) -> GenerationRequest:
    return GenerationRequest(**{"prompt": prompt, "width": 128, "height": 128, "seed": 7, **more})


@pytest.fixture
def history(studio: Studio) -> History:
    return studio.history


@pytest.fixture
def draw(studio: Studio) -> Draw:
    """Has a picture drawn; returns its id. Without a `frame` it fails."""
    studio.jobs.drawn_in(SURROUNDINGS)

    def draw_one(prompt: str = "a red house", owner: str = "ann", frame: Frame | None = FRAME, **more: Any) -> str:
        origin = {name: more.pop(name) for name in ("parent", "batch", "batch_index", "input_name") if name in more}
        job_id = studio.jobs.submit(owner, ask(prompt, **more), **origin)
        end(studio, frame)
        return job_id

    return draw_one


def end(studio: Studio, frame: Frame | None = FRAME) -> None:
    """The job whose turn it is ends with this picture, or fails."""
    job = studio.jobs.next(True, 0)
    assert job is not None
    if job.state == "queued":
        studio.jobs.begin(job)
    if frame is None:
        studio.jobs.fail(job, UserError("The style {name} is broken.", name="x"))
    else:
        studio.jobs.finish(job, Picture(frame), 0.1)
