"""What is drawn is what the caption says, in every style and shape of picture."""

from random import Random

import numpy as np
import pytest

from demo.captions import ZH_COLOURS, ZH_OBJECTS, caption
from demo.draw import STYLES, draw
from demo.scenes import COLOURS, OBJECT_COLOURS, OBJECTS, Item, Scene, random_scene


def nearest_colour(rgb: np.ndarray) -> str:
    return min(COLOURS, key=lambda name: float(np.abs(rgb / 255 - np.array(COLOURS[name])).sum()))


@pytest.mark.parametrize("colour", OBJECT_COLOURS)
def test_an_object_has_the_colour_it_is_said_to_have(colour: str) -> None:
    backdrop = "grey" if colour != "grey" else "white"
    pixels = draw(Scene((Item("heart", colour, 0.0, 0.0, 0.6),), backdrop=backdrop), 128, 128, "cartoon")
    assert nearest_colour(pixels[60, 64]) == colour
    assert nearest_colour(pixels[5, 5]) == backdrop


@pytest.mark.parametrize("kind", OBJECTS)
@pytest.mark.parametrize("style", STYLES)
def test_every_object_can_be_seen_in_every_style(kind: str, style: str) -> None:
    def picture(item: Item) -> np.ndarray:
        return draw(Scene((item,), ground="sea", sky="day", seed=3), 160, 96, style).astype(int)

    here, elsewhere = picture(Item(kind, "red", 0.0, 0.0, 0.6)), picture(Item(kind, "red", 9.0, 0.0, 0.6))
    assert here.shape == (96, 160, 3)
    assert (np.abs(here - elsewhere).sum(axis=2) > 20).mean() > 0.02


def test_a_scene_is_the_same_picture_each_time() -> None:
    for seed in range(10):
        scene = random_scene(Random(seed))
        assert scene == random_scene(Random(seed))
        assert np.array_equal(draw(scene, 128, 128), draw(scene, 128, 128))


def test_captions_never_name_what_is_not_there() -> None:
    for seed in range(300):
        rng = Random(seed)
        scene = random_scene(rng)
        there = {item.kind for item in scene.items}
        colours = {item.colour for item in scene.items} | {scene.backdrop}
        text = caption(scene, rng).lower()
        words = set(text.replace(",", " ").replace(".", " ").split())
        assert words & set(OBJECTS) <= there
        assert words & set(COLOURS) <= colours | {"green", "blue", "orange"}  # a green meadow, a blue or orange sky
        for kind, (_, noun) in ZH_OBJECTS.items():
            if len(noun) > 1 and noun in text:
                assert kind in there


def test_both_languages_have_a_word_for_everything() -> None:
    assert set(ZH_COLOURS) == set(COLOURS)
    assert set(ZH_OBJECTS) == set(OBJECTS)
