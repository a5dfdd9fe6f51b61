"""What leads from history into the Studio, without a browser: reuse, presets, the settings of a dropped picture."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import UserError
from core.request import GenerationRequest, Source, StyleUse
from studio.metadata import Settings
from ui import actions, drop_in, i18n, presets, setup, state, style_picker
from ui.history import page as history_page


@pytest.fixture
def session(page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A session without a page around it, as the Studio page has begun it."""
    page()  # puts the shared parts in place
    values: dict[str, Any] = {}
    monkeypatch.setattr(state.st, "session_state", values)
    monkeypatch.setattr(i18n, "language", lambda: "en")
    monkeypatch.setattr(state, "owner", lambda: "somebody")
    state.start_config(state.base().studio.info, 5)
    state.configure(size=(128, 128), aspect="1:1")
    return values


@pytest.fixture
def keep(studio, draw) -> Callable[..., str]:
    """A record of `somebody`, of these settings; its id."""

    def keep_one(**settings: Any) -> str:
        known: dict[str, Any] = {"prompt": "a red house", "width": 256, "height": 256, "seed": 7} | settings
        job = studio.jobs.submit(known.pop("owner", "somebody"), GenerationRequest(**known))
        draw()
        return job

    return keep_one


def said() -> str:
    return " ".join(map(i18n.say, state.result().notice))


# --- reuse ----------------------------------------------------------------------------------------------------------


def test_one_click_puts_everything_back(session, keep):
    picture = keep(
        num_inference_steps=12, guidance_scale=2.0, negative_prompt="fog", styles=(StyleUse("sketch", 0.6),)
    )  # fmt: skip
    history_page.act({"do": "reuse", "id": picture, "what": "all"})
    config = state.config()
    assert (config.prompt, config.seed, config.keep_seed, config.size, config.aspect) == (
        "a red house", 7, True, (256, 256), "1:1",
    )  # fmt: skip
    assert (config.num_inference_steps, config.guidance_scale, config.negative_prompt) == (12, 2.0, "fog")
    assert [(use.name, use.strength) for use in config.styles] == [("sketch", 0.6)] and config.count == 1
    assert session[state.GO_TO] == "studio" and said() == ""


def test_reuse_without_the_seed_lets_the_next_picture_have_its_own(session, keep):
    state.configure(seed=99, keep_seed=True)
    history_page.act({"do": "reuse", "id": keep(), "what": "other seed"})
    assert state.config().prompt == "a red house" and (state.config().seed, state.config().keep_seed) == (99, False)


def test_only_the_style_leaves_the_rest_alone(session, keep):
    state.configure(prompt="mine", seed=99, num_inference_steps=30)
    history_page.act({"do": "reuse", "id": keep(styles=(StyleUse("cartoon", 0.5),)), "what": "style"})
    config = state.config()
    assert (config.prompt, config.seed, config.num_inference_steps) == ("mine", 99, 30)
    assert config.styles == (StyleUse("cartoon", 0.5),)


def test_a_picture_of_another_is_not_there_to_reuse(session, keep):
    history_page.act({"do": "reuse", "id": keep(owner="another"), "what": "all"})
    assert isinstance(session[history_page.PROBLEM], UserError) and state.GO_TO not in session
    assert state.config().prompt == ""


def test_a_size_that_is_not_offered_is_kept_when_the_model_draws_it(page, session, keep):
    history_page.act({"do": "reuse", "id": keep(width=208, height=112), "what": "all"})
    assert state.config().size == (208, 112) and state.config().aspect == "13:7" and said() == ""


def test_an_enlarged_picture_gives_the_size_it_was_drawn_at(session):
    request = GenerationRequest("a red house", 256, 512, 7, upscale=2)
    assert setup.of_request(request).width == 128
    started = GenerationRequest("a red house", 256, 512, 7, source=Source("0" * 64, 0.5))
    assert setup.of_request(started).width == 256


# --- what cannot be taken -------------------------------------------------------------------------------------------


def test_styles_that_are_not_here_are_named_and_the_others_taken(session):
    wanted = (StyleUse("Sketch", 0.5), StyleUse("no such thing"), StyleUse("folder/cartoon", 0.7))
    setup.tell(setup.take(Settings(styles=wanted)))
    assert [(use.name, use.strength) for use in state.config().styles] == [("sketch", 0.5), ("cartoon", 0.7)]
    assert said() == "There is no style of this name here: no such thing."


def test_a_style_that_was_renamed_is_known_by_its_content(session, studio, monkeypatch):
    here = [replace(style, sha256=style.name.encode().hex().ljust(64, "0")) for style in studio.styles.list()]
    monkeypatch.setattr(style_picker, "offered", lambda styles: tuple(here))
    (sketch,) = (style for style in here if style.name == "sketch")
    assert setup.take(Settings(styles=(StyleUse("its old name", 0.5, sketch.sha256),))) == []
    assert state.config().styles[0].name == "sketch"


def test_a_size_that_cannot_be_drawn_becomes_the_nearest_shape(session):
    setup.tell(setup.take(Settings(width=1216, height=832)))
    assert state.config().size == (160, 96)
    assert said() == "This model does not draw 1216 × 832; 160 × 96 is the nearest."


def test_what_is_done_next_takes_the_notice_away(session, studio):
    setup.tell(setup.take(Settings(width=1216, height=832)))
    actions.generate()
    assert said() == ""


# --- a picture dropped in -------------------------------------------------------------------------------------------


def test_the_settings_of_a_dropped_picture_fill_the_fields_and_the_rest_is_named(session):
    settings = {"prompt": "a cat", "seed": 3, "num_inference_steps": 20, "width": 128, "height": 128,
                "styles": [{"name": "cartoon", "strength": 0.4}, {"name": "other", "strength": 1}]}  # fmt: skip
    drop_in.fill({"origin": "ComfyUI", "settings": settings, "unused": [["sampler", "dpmpp_2m"], ["Clip skip", "2"]]})
    config = state.config()
    assert (config.prompt, config.seed, config.num_inference_steps, config.size) == ("a cat", 3, 20, (128, 128))
    assert config.styles == (StyleUse("cartoon", 0.4),)
    assert said() == (
        "The settings are those of a picture from ComfyUI. There is no style of this name here: other. "
        "Not used here: sampler dpmpp_2m · Clip skip 2."
    )


@pytest.mark.parametrize(
    "found",
    [None, "x", 7, [], {}, {"settings": 3}, {"settings": {"prompt": 3, "seed": "x", "width": True, "height": -1}},
     {"settings": {"prompt": "\x00", "seed": 2**60, "num_inference_steps": 10**9, "guidance_scale": 1e999}},
     {"settings": {"styles": [None, 3, {"name": "../x", "strength": 1}, {"name": "sketch", "strength": 99}]}},
     {"unused": [1, 2]}, {"unused": "x", "origin": ["x"] * 999}],
)  # fmt: skip
def test_whatever_a_browser_sends_the_fields_stay_whole(session, found):
    state.configure(prompt="mine")
    before = state.config()
    drop_in.fill(found)
    assert state.config() == before and len(said()) < 400


# --- presets --------------------------------------------------------------------------------------------------------


def names() -> list[str]:
    return [preset["name"] for preset in presets.presets_data()["presets"]]


def act(do: str, name: str, **more: str) -> str:
    presets.act({"do": do, "name": name, **more})
    return str(presets.presets_data()["problem"])


def test_a_preset_brings_back_all_but_the_prompt_and_the_seed(session):
    state.configure(size=(256, 256), aspect="1:1", num_inference_steps=20, styles=(StyleUse("sketch", 0.85),))
    assert act("save", "Client A") == ""
    state.configure(
        size=(160, 96), aspect="5:3", num_inference_steps=8, styles=(), prompt="a new one", seed=42, keep_seed=True
    )  # fmt: skip
    assert act("apply", "Client A") == ""
    config = state.config()
    assert (config.size, config.num_inference_steps) == ((256, 256), 20)
    assert [(use.name, use.strength) for use in config.styles] == [("sketch", 0.85)]
    assert (config.prompt, config.seed, config.keep_seed) == ("a new one", 42, True)


def test_a_preset_is_renamed_deleted_and_brought_back(session):
    act("save", "Client A")
    act("save", "Client B")
    assert "already" in act("rename", "Client A", to="Client B") and names() == ["Client A", "Client B"]
    assert act("rename", "Client A", to="Client C") == "" and sorted(names()) == ["Client B", "Client C"]
    assert act("drop", "Client C") == "" and names() == ["Client B"]
    assert presets.presets_data()["dropped"] == "Client C"
    act("undo", "")
    assert sorted(names()) == ["Client B", "Client C"] and presets.presets_data()["dropped"] == ""


def test_a_name_that_is_none_is_refused_and_nothing_is_lost(session):
    act("save", "Client A")
    for name in ("", "  ", "x" * 300):
        assert "name" in act("save", name) and "name" in act("rename", "Client A", to=name)
    assert "no such preset" in act("apply", "gone") and "no such preset" in act("drop", "gone")
    assert names() == ["Client A"]


def test_presets_are_ones_own(session, monkeypatch):
    act("save", "Client A")
    monkeypatch.setattr(state, "owner", lambda: "another")
    assert names() == [] and "no such preset" in act("apply", "Client A")


# --- lineage --------------------------------------------------------------------------------------------------------


def test_more_like_this_is_remembered_as_made_from_it(session, keep, studio, draw):
    picture = keep()
    actions.more_like(picture)
    draw()
    (child,) = studio.history.lineage("somebody", picture).children
    assert child.id != picture and [p.id for p in studio.history.lineage("somebody", child.id).parents] == [picture]
