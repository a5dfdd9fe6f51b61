"""A request is checked once, where it is made, and comes back from JSON as it went."""

import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UserError
from core.request import MAX_PROMPT_CHARACTERS, MAX_SEED, MAX_STYLES, GenerationRequest, Source, StyleUse

GOOD: dict[str, Any] = {"prompt": "a red house", "width": 128, "height": 96, "seed": 7}


def make(**changes: Any) -> GenerationRequest:
    return GenerationRequest(**{**GOOD, **changes})


@pytest.mark.parametrize("prompt", ["", " ", "\n\t \u3000", "\u200b", "\u200b \u2060\ufeff"])
def test_a_prompt_that_shows_nothing_is_refused_as_empty(prompt: str) -> None:
    with pytest.raises(UserError, match="The prompt is empty. Say in a few words"):
        make(prompt=prompt)


@pytest.mark.parametrize("field", ["prompt", "negative_prompt"])
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a" * 100_000, "100000 characters; 4000 is the most. Shorten it."),
        ("a\x00house", "cannot be read as text"),
        ("a\x1b[31mhouse", "cannot be read as text"),
        ("a \x85 house", "cannot be read as text"),
        ("a \ud83c house", "cannot be read as text"),
        ("house\rhouse", "cannot be read as text"),
        (7, "not text"),
        (None, "not text"),
        (b"house", "not text"),
    ],
)
def test_text_that_cannot_be_drawn_is_refused_by_its_cause(field: str, text: object, says: str) -> None:
    with pytest.raises(UserError, match=says):
        make(**{field: text})


def test_the_longest_prompt_is_accepted_and_one_more_character_is_not() -> None:
    assert make(prompt="a" * MAX_PROMPT_CHARACTERS).prompt == "a" * MAX_PROMPT_CHARACTERS
    with pytest.raises(UserError):
        make(prompt="a" * (MAX_PROMPT_CHARACTERS + 1))


def test_a_prompt_keeps_its_words_and_loses_only_the_space_around_it() -> None:
    assert make(prompt="  草地上一座红色的房子\r\nline two \n").prompt == "草地上一座红色的房子\nline two"


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("width", 0, "Width has to be a number from 1 to 8192."),
        ("width", 20_000, "Width has to be a number from 1 to 8192."),
        ("height", -16, "Height has to be a number"),
        ("height", 128.0, "Height has to be a number"),
        ("width", "128", "Width has to be a number"),
        ("width", True, "Width has to be a number"),
        ("num_inference_steps", 0, "Steps has to be a number from 1 to 100."),
        ("num_inference_steps", 101, "Steps has to be a number"),
        ("seed", -1, "Seed has to be a number from 0 to 9007199254740991."),
        ("seed", 2**70, "Seed has to be a number"),
        ("seed", None, "Seed has to be a number"),
        ("guidance_scale", -0.1, "Guidance has to be a number from 0 to 20."),
        ("guidance_scale", float("nan"), "Guidance has to be a number"),
        ("guidance_scale", float("inf"), "Guidance has to be a number"),
        pytest.param("guidance_scale", 10**400, "Guidance has to be a number", id="guidance-huge"),
        ("guidance_scale", "1", "Guidance has to be a number"),
    ],
)
def test_a_number_out_of_bounds_is_refused_with_the_bounds(field: str, value: object, says: str) -> None:
    with pytest.raises(UserError, match=says):
        make(**{field: value})


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "a//b",
        "../secret",
        "a/../b",
        "./a",
        "/etc/passwd",
        "C:\\a",
        "a\\b",
        "a:b",
        "a\x00b",
        "\ud800",
        "a" * 201,
        5,
    ],
)
def test_what_cannot_be_the_name_of_a_style_is_refused(name: Any) -> None:
    with pytest.raises(UserError, match="not the name of a style"):
        StyleUse(name)


@pytest.mark.parametrize(
    "strength", [float("nan"), float("inf"), 2.01, -2.01, "1", None, True, pytest.param(10**400, id="huge")]
)
def test_a_strength_out_of_bounds_is_refused(strength: Any) -> None:
    with pytest.raises(UserError, match="Style strength has to be a number from -2 to 2."):
        StyleUse("sketch", strength)


@pytest.mark.parametrize("sha256", [5, None, "abc", "g" * 64, "a" * 65, "A" * 64, "a" * 64 + "\n"])
def test_what_cannot_be_a_content_hash_is_refused(sha256: Any) -> None:
    with pytest.raises(UserError, match="could not be read"):
        StyleUse("sketch", 1.0, sha256)


def test_more_styles_than_can_be_combined_are_refused() -> None:
    with pytest.raises(UserError, match=f"At most {MAX_STYLES} styles"):
        make(styles=tuple(StyleUse(f"s{i}") for i in range(MAX_STYLES + 1)))


@pytest.mark.parametrize("sha256", ["", None, 5, "abc", "A" * 64, "a" * 64 + "\n"])
def test_what_cannot_be_the_hash_of_a_source_is_refused(sha256: Any) -> None:
    with pytest.raises(UserError, match="could not be read"):
        Source(sha256)


@pytest.mark.parametrize("strength", [0.0, 0.09, 1.01, -0.5, float("nan"), "0.5", None, True])
def test_how_much_of_a_source_is_drawn_anew_has_bounds(strength: Any) -> None:
    with pytest.raises(UserError, match="Strength has to be a number from 0.1 to 1."):
        Source("a" * 64, strength)


@pytest.mark.parametrize("factor", [0, 3, 8, -2, 2.0, True, "2", None])
def test_a_picture_is_made_two_or_four_times_larger_or_left(factor: Any) -> None:
    with pytest.raises(UserError, match="2 or 4 times larger"):
        make(upscale=factor)


def test_an_enlarged_picture_is_a_whole_multiple_of_what_is_drawn_first() -> None:
    assert (make(width=256, height=384, upscale=4).base.width, make(width=256, height=384, upscale=4).base.height) == (
        64, 96,
    )  # fmt: skip
    with pytest.raises(UserError, match="130 x 96 pixels is not 4 times another size"):
        make(width=130, upscale=4)


@pytest.mark.parametrize(
    ("steps", "strength", "walked"), [(8, 1.0, 8), (8, 0.6, 5), (8, 0.3, 3), (8, 0.1, 1), (1, 0.1, 1), (100, 0.5, 50)]
)
def test_the_strength_says_how_much_of_the_schedule_is_walked(steps: int, strength: float, walked: int) -> None:
    request = make(num_inference_steps=steps, source=Source("a" * 64, strength))
    assert request.denoising_steps == walked == steps - request.first_step


def test_a_request_without_a_source_is_written_as_it_always_was() -> None:
    line = (
        '{"guidance_scale":0.0,"height":96,"negative_prompt":"","num_inference_steps":8,"prompt":"a red house",'
        '"seed":7,"styles":[{"name":"sketch","sha256":"","strength":0.8}],"width":128}'
    )
    request = make(styles=(StyleUse("sketch", 0.8),))
    assert request.to_json() == line
    assert GenerationRequest.from_json(line) == request


@pytest.mark.parametrize("source", ["x", 5, [], {}, {"sha256": "a" * 64, "other": 1}, {"strength": 0.5}])
def test_json_with_a_source_that_is_none_is_refused(source: Any) -> None:
    with pytest.raises(UserError, match="could not be read"):
        GenerationRequest.from_json(json.dumps({**GOOD, "source": source}))
    with pytest.raises(UserError, match="could not be read"):
        make(source=source)


texts = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=60).map(lambda t: "x" + t)
names = st.from_regex(r"[a-z0-9_ 画-]{1,12}(/[a-z0-9_.]{1,8}x)?", fullmatch=True)
styles = st.builds(
    StyleUse, names, st.floats(-2, 2, allow_nan=False), st.from_regex(r"([0-9a-f]{64})?", fullmatch=True)
)
requests = st.builds(
    GenerationRequest,
    prompt=texts,
    width=st.integers(1, 8192),
    height=st.integers(1, 8192),
    seed=st.integers(0, MAX_SEED),
    num_inference_steps=st.integers(1, 100),
    guidance_scale=st.floats(0, 20) | st.integers(0, 20),
    negative_prompt=st.just("") | texts,
    styles=st.lists(styles, max_size=MAX_STYLES).map(tuple),
    source=st.none() | st.builds(Source, st.from_regex(r"[0-9a-f]{64}", fullmatch=True), st.floats(0.1, 1)),
) | st.builds(
    lambda width, height, factor: GenerationRequest("x", width * 4, height * 4, 7, upscale=factor),
    st.integers(1, 2048),
    st.integers(1, 2048),
    st.sampled_from((1, 2, 4)),
)


@given(requests)
def test_any_request_comes_back_from_json_equal(request: GenerationRequest) -> None:
    line = request.to_json()
    assert "\n" not in line
    again = GenerationRequest.from_json(line)
    assert again == request
    assert again.to_json() == line
    line.encode("utf-8")


@given(requests)
def test_any_request_comes_back_from_a_pickle_equal(request: GenerationRequest) -> None:
    assert pickle.loads(pickle.dumps(request)) == request  # noqa: S301 (our own bytes)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
fields_ = st.sampled_from(
    [*GOOD, "styles", "source", "upscale", "guidance_scale", "num_inference_steps", "negative_prompt", "other"]
)


@given(st.dictionaries(fields_, json_values, max_size=4))
def test_whatever_stands_in_the_json_the_answer_is_a_request_or_a_user_error(changes: dict[str, Any]) -> None:
    try:
        request = GenerationRequest.from_json(json.dumps({**GOOD, **changes}))
    except UserError:
        return
    assert GenerationRequest.from_json(request.to_json()) == request


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "7", "{", "{}", '{"prompt":"a"}', "[" * 100_000, '{"prompt":"a","other":1}', '{"styles":{}}'],
)
def test_json_that_is_not_a_request_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="could not be read"):
        GenerationRequest.from_json(text)


def test_a_request_cannot_be_changed_once_made() -> None:
    with pytest.raises(AttributeError):
        make().prompt = "another"  # type: ignore[misc]
