"""What a model says it can draw is what is accepted, and the advice given with a refusal can be followed."""

import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine import EngineStatus, Frame, ModelInfo, Picture, Progress
from core.errors import UserError
from core.request import GenerationRequest

INFO = ModelInfo("demo", "/model", 16, 512, ((128, 128),), 8, 0.0, {"en": "houses"}, {"en": ("a house",)})


def ask(width: int, height: int) -> GenerationRequest:
    return GenerationRequest("a house", width, height, 1)


def test_sizes_on_the_models_multiple_are_accepted() -> None:
    INFO.check(ask(16, 512))


def test_a_size_off_the_models_multiple_is_refused_with_its_neighbours() -> None:
    with pytest.raises(UserError, match="100 pixels is not a multiple of 16, as this model needs. Try 96 or 112."):
        INFO.check(ask(128, 100))


def test_a_size_beyond_the_model_is_refused_with_the_most_it_can() -> None:
    with pytest.raises(UserError, match="528 pixels is more than this model can draw. 512 is the most."):
        INFO.check(ask(528, 128))


@given(st.integers(1, 8192), st.integers(1, 8192))
def test_every_size_named_in_a_refusal_is_one_that_is_accepted(width: int, height: int) -> None:
    try:
        INFO.check(ask(width, height))
    except UserError as error:
        advice = [int(n) for n in re.findall(r"\d+", str(error).rpartition("model")[2])]
        assert advice
        for side in advice:
            INFO.check(ask(side, side))
    else:
        assert width % 16 == height % 16 == 0


@pytest.mark.parametrize(
    "message",
    [
        INFO,
        Progress("denoise", 2, 8, Frame(1, 1, b"abc")),
        Picture(Frame(1, 1, b"abc")),
        EngineStatus("failed", error=UserError("no {model}", model="x")),
    ],
    ids=lambda m: type(m).__name__,
)
def test_messages_cross_processes_whole(message: object) -> None:
    again = pickle.loads(pickle.dumps(message))  # noqa: S301 (our own bytes)
    assert repr(again) == repr(message)


def test_pixels_are_never_written_out_in_a_log_line() -> None:
    assert "abc" not in repr(Picture(Frame(1, 1, b"abc")))
