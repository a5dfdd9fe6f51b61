"""Errors cross processes whole, and say what they say in any order of words."""

import copy
import pickle

import pytest

from core.errors import InternalError, StudioError, UserError

ERRORS = [
    UserError("The prompt is empty."),
    UserError("{side} pixels is too much; {most} is the most.", side=9, most=8),
    UserError("{file}: {why}", file="{braces}", why="%s {0}"),
    InternalError("0a1b2c3d"),
]


@pytest.mark.parametrize("error", ERRORS, ids=str)
def test_an_error_is_the_same_after_a_pickle_and_a_copy(error: StudioError) -> None:
    for again in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):  # noqa: S301 (our own bytes)
        assert type(again) is type(error)
        assert (str(again), again.template, again.values) == (str(error), error.template, error.values)


def test_values_are_kept_apart_from_the_template_for_translation() -> None:
    error = UserError("Try {low} or {high}.", low=96, high=112)
    assert error.template == "Try {low} or {high}."
    assert str(error) == "Try 96 or 112."


def test_what_a_user_typed_is_never_read_as_a_template() -> None:
    assert str(UserError("There is no {name}.", name="{name} {secret!r}")) == "There is no {name} {secret!r}."


def test_an_internal_error_shows_its_id_and_nothing_else() -> None:
    assert InternalError("0a1b2c3d").error_id in str(InternalError("0a1b2c3d"))
