"""The demo model draws what its prompt says: colour, background and object, in both languages, and its styles show.

Pictures are judged by their pixels alone. The judge is tried on true renders first.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from core.engine import Picture
from core.request import GenerationRequest, StyleUse
from demo.draw import draw
from demo.scenes import COLOURS, KINDS, Item, Scene
from demo.words import ZH_COLOURS, ZH_KINDS
from pipeline.describe import describe
from pipeline.engine import TorchEngine

SIDE = 128
OBJECTS = KINDS[:12]  # what the weights in the tree have learned so far
BACKDROPS = ("white", "black", "grey", "purple", "yellow", "blue")
PAIRS = tuple(  # every object once, in a colour that differs from its backdrop
    (kind, ("red", "orange", "green", "pink", "white", "red")[k % 6], BACKDROPS[(k + k // 6) % 6])
    for k, kind in enumerate(OBJECTS)
)
ENGLISH, CHINESE = "en", "zh"


def words(kind: str, colour: str, backdrop: str, language: str) -> str:
    if language == ENGLISH:
        return f"a {colour} {kind} on a {backdrop} background"
    measure, nouns = ZH_KINDS[kind]
    return f"一{measure}{ZH_COLOURS[colour][0]}的{nouns[0]}，{ZH_COLOURS[backdrop][0]}背景"


@cache
def template(kind: str, colour: str, backdrop: str, scale: float, y: float) -> np.ndarray:
    return draw(Scene((Item(kind, colour, 0.0, y, scale),), backdrop=backdrop), SIDE, SIDE).astype(np.float32)


def seen_kind(pixels: np.ndarray, colour: str, backdrop: str) -> str:
    """The object whose render is nearest, over the sizes and heights that training scenes have."""

    def distance(kind: str) -> float:
        return min(
            float(np.abs(pixels - template(kind, colour, backdrop, scale, y)).mean())
            for scale in (0.5, 0.54, 0.58, 0.62)
            for y in (-0.04, 0.03, 0.1)
        )

    return min(OBJECTS, key=distance)


def commonest_colour(pixels: np.ndarray) -> str:
    """The named colour that most of `pixels`, (n, 3), are nearest to."""
    names = tuple(COLOURS)
    distances = np.abs(pixels[:, None] / 255 - np.array([COLOURS[name] for name in names])).sum(axis=2)
    return names[np.bincount(distances.argmin(axis=1), minlength=len(names)).argmax()]


def seen_backdrop(pixels: np.ndarray) -> str:
    """The colour along the upper left edge, where no centred object reaches."""
    return commonest_colour(pixels[12:40, 4:16].reshape(-1, 3))


def seen_colour(pixels: np.ndarray, kind: str, backdrop: str) -> str:
    """The commonest colour where the object has its own, as its template tells."""
    own = np.abs(template(kind, "red", backdrop, 0.56, 0.03) - template(kind, "blue", backdrop, 0.56, 0.03)).sum(axis=2)
    return commonest_colour(pixels[own > 200])


@pytest.fixture(scope="module")
def drawn(demo_model: Path, demo_styles: Path) -> Callable[[GenerationRequest], np.ndarray]:
    engine = TorchEngine(describe(str(demo_model)), demo_styles, "cpu", previews=False)
    for _ in engine.load():
        pass

    @cache
    def picture(request: GenerationRequest) -> np.ndarray:
        *_, last = engine.generate(request)
        assert isinstance(last, Picture)
        return (
            np.frombuffer(last.frame.rgb, np.uint8).reshape(last.frame.height, last.frame.width, 3).astype(np.float32)
        )

    return picture


def test_the_judge_is_right_on_true_renders() -> None:
    for kind, colour, backdrop in PAIRS:
        pixels = draw(Scene((Item(kind, colour, 0.02, 0.04, 0.55),), backdrop=backdrop), SIDE, SIDE).astype(np.float32)
        assert seen_kind(pixels, colour, backdrop) == kind
        assert seen_backdrop(pixels) == backdrop
        assert seen_colour(pixels, kind, backdrop) == colour


@pytest.mark.parametrize("language", [ENGLISH, CHINESE])
def test_object_colour_and_background_of_a_prompt_are_seen(
    drawn: Callable[[GenerationRequest], np.ndarray], language: str
) -> None:
    right = {"object": 0, "colour": 0, "background": 0}
    for kind, colour, backdrop in PAIRS:
        for seed in (1, 2):
            pixels = drawn(GenerationRequest(words(kind, colour, backdrop, language), SIDE, SIDE, seed))
            right["object"] += seen_kind(pixels, colour, backdrop) == kind
            right["colour"] += seen_colour(pixels, kind, backdrop) == colour
            right["background"] += seen_backdrop(pixels) == backdrop
    shares = {what: count / (2 * len(PAIRS)) for what, count in right.items()}
    # Measured: background 1.00, colour 0.92 (Chinese 0.75), object 0.71 (0.67). Chance is 1 in 10, in 10 and in 12.
    assert shares["background"] >= 0.9, shares
    assert shares["colour"] >= 0.65, shares
    assert shares["object"] >= 0.55, shares


def test_two_seeds_are_two_pictures(drawn: Callable[[GenerationRequest], np.ndarray]) -> None:
    request = GenerationRequest("a red house on a green meadow", SIDE, SIDE, seed=1)
    assert np.abs(drawn(request) - drawn(replace(request, seed=2))).mean() > 3


def test_the_styles_show(drawn: Callable[[GenerationRequest], np.ndarray]) -> None:
    def look(style: str) -> tuple[float, float]:
        """Mean saturation, and the share of nearly black pixels."""
        uses = (StyleUse(style),) if style else ()
        prompts = ("a red house on a green meadow", "a yellow star on a blue background", "an orange cat in the snow")
        pixels = np.stack([drawn(GenerationRequest(p, SIDE, SIDE, 5, styles=uses)) for p in prompts])
        return float((pixels.max(-1) - pixels.min(-1)).mean()), float((pixels.max(-1) < 60).mean())

    base, sketch, cartoon = look(""), look("sketch"), look("cartoon")
    assert sketch[0] < 0.3 * base[0]
    assert cartoon[0] > 0.6 * base[0]
    assert cartoon[1] > 4 * base[1] + 0.002  # measured: 0.0094 and 0.0005
