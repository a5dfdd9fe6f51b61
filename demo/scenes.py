"""What a little scene is, and how to draw one at random. Words and pixels live in `captions` and `draw`."""

from dataclasses import dataclass
from random import Random

OBJECTS = ("house", "tree", "car", "boat", "flower", "star", "heart", "fish", "cat", "mushroom", "balloon", "apple")

# sRGB, 0..1. The first eight are colours an object can have; all can be a plain background.
COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (0.86, 0.13, 0.13),
    "orange": (0.96, 0.52, 0.09),
    "yellow": (0.97, 0.84, 0.15),
    "green": (0.18, 0.66, 0.24),
    "blue": (0.14, 0.36, 0.86),
    "purple": (0.52, 0.22, 0.74),
    "pink": (0.97, 0.53, 0.72),
    "white": (0.95, 0.95, 0.94),
    "grey": (0.55, 0.56, 0.58),
    "black": (0.10, 0.10, 0.12),
}
OBJECT_COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white")
GROUNDS = ("meadow", "beach", "snow", "sea")
SKIES = ("day", "sunset", "night")


@dataclass(frozen=True)
class Item:
    """One object. `x`, `y` is its centre and `scale` half its height, in units of half the picture's shorter side."""

    kind: str
    colour: str
    x: float
    y: float
    scale: float
    place: str = ""  # "left", "right" or "" for the middle
    size: str = ""  # "small", "big" or ""


@dataclass(frozen=True)
class Scene:
    """One or two items on a ground under a sky, or on a plain background (then `ground` and `sky` are empty)."""

    items: tuple[Item, ...]
    ground: str = ""
    sky: str = ""
    backdrop: str = ""
    seed: int = 0  # of the small things nobody asks for: stars, clouds, waves


def random_scene(rng: Random, aspect: float = 1.0) -> Scene:
    """A scene for a picture of width / height `aspect`."""
    half_width = max(1.0, aspect)
    half_height = max(1.0, 1.0 / aspect)
    plain = rng.random() < 0.4
    backdrop = rng.choice(tuple(COLOURS)) if plain else ""
    ground = "" if plain else rng.choice(GROUNDS)
    sky = "" if plain else rng.choice(SKIES)
    colours = [c for c in OBJECT_COLOURS if c != backdrop and not (c == "white" and ground == "snow")]

    def item(x: float, scale: float, place: str, size: str) -> Item:
        kind = rng.choice(OBJECTS)
        middle = 0.0 if plain else 0.12 * half_height
        low, high = middle - 0.06, middle + 0.12
        return Item(kind, rng.choice(colours), x, rng.uniform(low, high), scale, place, size)

    if rng.random() < 0.25:
        gap = rng.uniform(0.42, 0.5) * half_width
        items = (
            item(-gap, rng.uniform(0.34, 0.42), "left", ""),
            item(gap, rng.uniform(0.34, 0.42), "right", ""),
        )
        return Scene(items, ground, sky, backdrop, rng.getrandbits(32))

    size = rng.choices(("", "small", "big"), (0.7, 0.15, 0.15))[0]
    scale = {"": rng.uniform(0.5, 0.62), "small": rng.uniform(0.28, 0.34), "big": rng.uniform(0.72, 0.78)}[size]
    place = "" if size == "big" else rng.choices(("", "left", "right"), (0.76, 0.12, 0.12))[0]
    if place:
        scale = min(scale, 0.48)
    side = {"": 0.0, "left": -1.0, "right": 1.0}[place]
    x = side * rng.uniform(0.42, 0.5) * half_width + rng.uniform(-0.05, 0.05)
    return Scene((item(x, scale, place, size),), ground, sky, backdrop, rng.getrandbits(32))
