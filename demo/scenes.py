"""What a little scene is, and how to make one up at random. Words and pixels live in `captions` and `draw`."""

from dataclasses import dataclass
from random import Random

KINDS = (
    "house", "tree", "car", "boat", "flower", "star", "heart", "fish", "cat", "mushroom", "balloon", "apple",
    "sun", "moon", "bird", "rocket", "umbrella", "cup",
)  # fmt: skip

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
GROUNDS = ("meadow", "beach", "snow", "sea", "street")
SKIES = ("day", "sunset", "night")
WEATHERS = ("rain", "snowfall")
LAYOUTS = {"one": 0.5, "count": 0.2, "beside": 0.2, "above": 0.1}  # and how often each is made up
MOST = 4


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
    """Items on a ground under a sky, or on a plain background (then `ground`, `sky` and `weather` are empty).

    `layout` says how the items stand: "one" alone, "count" several alike in a row, "beside" the first left of the
    second, "above" the first over the second.
    """

    items: tuple[Item, ...]
    ground: str = ""
    sky: str = ""
    backdrop: str = ""
    weather: str = ""
    layout: str = "one"
    seed: int = 0  # of the small things nobody asks for: stars, clouds, waves


def random_scene(rng: Random, aspect: float = 1.0, layout: str = "", size: str = "") -> Scene:
    """A scene for a picture of width / height `aspect`; of `layout`, or of any; one alone of `size`, or of any."""
    plain = rng.random() < 0.4
    backdrop = rng.choice(tuple(COLOURS)) if plain else ""
    ground = "" if plain else rng.choice(GROUNDS)
    sky = "" if plain else rng.choice(SKIES)
    weather = "" if plain or rng.random() > 0.2 else rng.choice(WEATHERS)
    layout = layout or rng.choices(tuple(LAYOUTS), tuple(LAYOUTS.values()))[0]
    hidden = {backdrop, "white" if ground == "snow" else "", "green" if ground == "meadow" else ""}
    colours = [c for c in OBJECT_COLOURS if c not in hidden]
    half_width, half_height = max(1.0, aspect), max(1.0, 1 / aspect)
    if layout == "one":
        items = _one(rng, colours, half_width, half_height, size)
    else:
        items = _ARRANGE[layout](rng, colours, half_width, half_height)
    return Scene(items, ground, sky, backdrop, weather, layout, rng.getrandbits(32))


def _one(rng: Random, colours: list[str], half_width: float, half_height: float, size: str) -> tuple[Item, ...]:
    size = size or rng.choices(("", "small", "big"), (0.7, 0.15, 0.15))[0]
    scale = {"": rng.uniform(0.5, 0.62), "small": rng.uniform(0.28, 0.34), "big": rng.uniform(0.72, 0.78)}[size]
    place = "" if size == "big" else rng.choices(("", "left", "right"), (0.7, 0.15, 0.15))[0]
    if place:
        scale = min(scale, 0.48)
    x = {"": 0.0, "left": -1.0, "right": 1.0}[place] * rng.uniform(0.42, 0.5) * half_width + rng.uniform(-0.05, 0.05)
    y = 0.1 * half_height + rng.uniform(-0.06, 0.1)
    return (Item(rng.choice(KINDS), rng.choice(colours), x, y, scale, place, size),)


def _count(rng: Random, colours: list[str], half_width: float, half_height: float) -> tuple[Item, ...]:
    many = rng.randint(2, MOST)
    kind, colour = rng.choice(KINDS), rng.choice(colours)
    columns = many if half_width > 1.3 or many < MOST else 2
    rows = many // columns
    scale = min(0.44, 0.9 * half_width / columns, 0.62 * half_height / rows) * rng.uniform(0.9, 1.0)
    items = []
    for k in range(many):
        x = (2 * (k % columns) + 1 - columns) * half_width / columns
        y = 0.1 * half_height + (2 * (k // columns) + 1 - rows) * 0.46 * half_height
        items.append(Item(kind, colour, x + rng.uniform(-0.03, 0.03), y + rng.uniform(-0.04, 0.04), scale))
    return tuple(items)


def _beside(rng: Random, colours: list[str], half_width: float, half_height: float) -> tuple[Item, ...]:
    kinds, (first, second) = rng.sample(KINDS, 2), (rng.choice(colours), rng.choice(colours))
    gap, y = rng.uniform(0.44, 0.5) * half_width, 0.12 * half_height
    return (
        Item(kinds[0], first, -gap, y + rng.uniform(-0.06, 0.1), rng.uniform(0.36, 0.44), "left"),
        Item(kinds[1], second, gap, y + rng.uniform(-0.06, 0.1), rng.uniform(0.36, 0.44), "right"),
    )


def _above(rng: Random, colours: list[str], half_width: float, half_height: float) -> tuple[Item, ...]:
    kinds, (first, second) = rng.sample(KINDS, 2), (rng.choice(colours), rng.choice(colours))
    gap = rng.uniform(0.46, 0.5) * half_height
    return (
        Item(kinds[0], first, rng.uniform(-0.2, 0.2), -gap, rng.uniform(0.36, 0.42)),
        Item(kinds[1], second, rng.uniform(-0.2, 0.2), gap, rng.uniform(0.36, 0.42)),
    )


_ARRANGE = {"count": _count, "beside": _beside, "above": _above}
