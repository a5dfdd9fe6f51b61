"""What is drawn is what the caption says, in every style and shape of picture."""

from random import Random

import numpy as np
import pytest
import torch

from demo import words
from demo.captions import caption
from demo.draw import STYLES, draw, draw_batch
from demo.objects import OBJECTS
from demo.pool import HARD, SIZES, subject_at
from demo.portraits import (
    BEARDS,
    EYE_COLOURS,
    GLASSES,
    HAIR_COLOURS,
    HAIR_STYLES,
    HATS,
    MOODS,
    PEOPLE,
    SKINS,
    Portrait,
)
from demo.scenes import COLOURS, GROUNDS, KINDS, OBJECT_COLOURS, SKIES, WEATHERS, Item, Scene, random_scene
from demo.vae import random_subject

SUBJECTS = [random_subject(Random(seed)) for seed in range(12)]


def nearest_colour(rgb: np.ndarray) -> str:
    return min(COLOURS, key=lambda name: float(np.abs(rgb / 255 - np.array(COLOURS[name])).sum()))


@pytest.mark.parametrize("colour", OBJECT_COLOURS)
def test_an_object_has_the_colour_it_is_said_to_have(colour: str) -> None:
    backdrop = "grey" if colour != "grey" else "white"
    pixels = draw(Scene((Item("heart", colour, 0.0, 0.0, 0.6),), backdrop=backdrop), 128, 128, "cartoon")
    assert nearest_colour(pixels[60, 64]) == colour
    assert nearest_colour(pixels[5, 5]) == backdrop


@pytest.mark.parametrize("kind", KINDS)
def test_every_object_can_be_seen_in_every_style(kind: str) -> None:
    here = Scene((Item(kind, "red", 0.0, 0.0, 0.6),), ground="sea", sky="day", seed=3)
    gone = Scene((Item(kind, "red", 9.0, 0.0, 0.6),), ground="sea", sky="day", seed=3)
    for style in STYLES:
        one, other = draw_batch([here, gone], 160, 96, style)
        assert one.shape == (3, 96, 160)
        assert ((one - other).abs().sum(0) > 0.08).float().mean() > 0.01, style


@pytest.mark.parametrize("style", STYLES)
def test_a_picture_is_the_same_alone_and_among_others(style: str) -> None:
    together = draw_batch(SUBJECTS, 96, 96, style)
    for subject, one in zip(SUBJECTS, together, strict=True):
        assert torch.equal(draw_batch([subject], 96, 96, style)[0], one)


@pytest.mark.parametrize("style", STYLES[1:])
def test_a_style_fills_its_shapes(style: str) -> None:
    """Lines alone are lost near pure noise, where it is decided what a picture shows."""
    wall = Scene((Item("heart", "orange", 0.0, 0.0, 0.6),), backdrop="blue")
    pixels = draw(wall, 128, 128, style).astype(int)
    inside, outside = (pixels[y : y + 16, x : x + 16].mean((0, 1)) for y, x in ((52, 56), (2, 2)))
    assert np.abs(inside - outside).max() > 40


def test_no_two_styles_look_alike() -> None:
    pictures = torch.stack([draw_batch(SUBJECTS, 64, 64, style) for style in STYLES]).flatten(1)
    apart = torch.cdist(pictures, pictures, p=1) / pictures.shape[1]
    assert apart[~torch.eye(len(STYLES), dtype=torch.bool)].min() > 0.02


def test_a_scene_is_the_same_each_time() -> None:
    for seed in range(10):
        assert random_scene(Random(seed)) == random_scene(Random(seed))


def test_three_of_five_pictures_to_train_on_are_of_small_things() -> None:
    for size in SIZES:
        for index in (k for k in range(60) if k % 5 < len(HARD)):
            subject, asked = subject_at(size, index), HARD[index % 5]
            assert isinstance(subject, Scene)
            assert subject.layout == asked["layout"]
            assert asked.get("size") in (None, subject.items[0].size)
            assert len({item.kind for item in subject.items}) == len(subject.items)
        assert any(isinstance(subject_at(size, index), Portrait) for index in range(30)) == (size[0] <= size[1])


def test_captions_never_name_what_is_not_there() -> None:
    for seed in range(300):
        rng = Random(seed)
        scene = random_scene(rng)
        there = {item.kind for item in scene.items}
        colours = {item.colour for item in scene.items} | {scene.backdrop}
        spoken = set(caption(scene, rng, chinese=0.0).lower().replace(",", " ").replace(".", " ").split())
        assert spoken & set(KINDS) <= there
        assert spoken & set(COLOURS) <= colours | {"green", "blue", "orange"}  # a green meadow, a blue or orange sky
        chinese = caption(scene, rng, chinese=1.0)
        for kind, (_, nouns) in words.ZH_KINDS.items():
            if len(nouns[0]) > 1 and nouns[0] in chinese:
                assert kind in there


def test_both_languages_are_as_frequent() -> None:
    rng = Random(0)
    chinese = sum(any("\u4e00" <= c <= "\u9fff" for c in caption(SUBJECTS[k % 12], rng, 1.0)) for k in range(1000))
    assert 450 < chinese < 550


def test_both_languages_have_a_word_for_everything() -> None:
    assert set(KINDS) == set(OBJECTS) == set(words.KINDS) == set(words.ZH_KINDS)
    assert set(COLOURS) == set(words.COLOURS) == set(words.ZH_COLOURS)
    for things, tables in (
        (GROUNDS, (words.GROUNDS, words.ZH_GROUNDS)),
        (SKIES, (words.SKIES, words.ZH_SKIES)),
        (WEATHERS, (words.WEATHERS, words.ZH_WEATHERS)),
        (PEOPLE, (words.PEOPLE, words.ZH_PEOPLE)),
        (SKINS, (words.SKINS, words.ZH_SKINS)),
        (HAIR_COLOURS, (words.HAIR_COLOURS, words.ZH_HAIR_COLOURS)),
        (HAIR_STYLES, (words.HAIR_STYLES, words.ZH_HAIR_STYLES)),
        (EYE_COLOURS, (words.ZH_EYES,)),
        (GLASSES, (words.GLASSES, words.ZH_GLASSES)),
        (HATS, (words.HATS, words.ZH_HATS)),
        (BEARDS, (words.BEARDS, words.ZH_BEARDS)),
        (filter(None, MOODS), (words.MOODS, words.ZH_MOODS)),
    ):
        expected = set(things)
        for table in tables:
            assert set(table) == expected
