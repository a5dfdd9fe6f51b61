"""What a portrait is, and how to make one up at random. Words and pixels live in `captions` and `draw`."""

from dataclasses import dataclass
from random import Random

from demo.scenes import COLOURS, OBJECT_COLOURS

PEOPLE = ("man", "woman")
SKINS: dict[str, tuple[float, float, float]] = {
    "light": (0.96, 0.80, 0.69),
    "tan": (0.82, 0.60, 0.43),
    "dark": (0.46, 0.30, 0.21),
}
HAIR_COLOURS: dict[str, tuple[float, float, float]] = {
    "black": (0.09, 0.08, 0.09),
    "brown": (0.40, 0.24, 0.13),
    "blonde": (0.93, 0.78, 0.42),
    "red": (0.76, 0.27, 0.10),
    "grey": (0.66, 0.67, 0.69),
    "blue": (0.20, 0.42, 0.88),
    "pink": (0.95, 0.48, 0.70),
}
HAIR_STYLES = ("short", "long", "curly", "bald")
EYE_COLOURS: dict[str, tuple[float, float, float]] = {
    "brown": (0.36, 0.20, 0.10),
    "blue": (0.20, 0.48, 0.88),
    "green": (0.22, 0.60, 0.30),
}
GLASSES = ("glasses", "sunglasses")
HATS = ("hat", "beanie", "crown")
BEARDS = ("beard", "moustache")
MOODS = ("smiling", "sad", "")


@dataclass(frozen=True)
class Portrait:
    """A head with shoulders before a plain background; an empty string is "none" (for `mood`: a neutral face)."""

    person: str
    skin: str
    hair: str
    hair_colour: str
    eyes: str
    clothes: str
    backdrop: str
    glasses: str = ""
    hat: str = ""
    hat_colour: str = ""
    beard: str = ""
    mood: str = ""
    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0
    seed: int = 0


def random_portrait(rng: Random) -> Portrait:
    person = rng.choice(PEOPLE)
    weights = (0.45, 0.15, 0.2, 0.2) if person == "man" else (0.2, 0.55, 0.25, 0.0)
    hair = rng.choices(HAIR_STYLES, weights)[0]
    hat = rng.choice(HATS) if rng.random() < 0.3 else ""
    colour = rng.choices(tuple(HAIR_COLOURS), (3, 3, 3, 2, 2, 1.5, 1.5))[0]
    backdrop = rng.choice([c for c in COLOURS if c not in (colour, "orange" if colour == "red" else "")])
    return Portrait(
        person,
        skin=rng.choices(tuple(SKINS), (0.5, 0.25, 0.25))[0],
        hair=hair,
        hair_colour=colour if hair != "bald" else "",
        eyes=rng.choice(tuple(EYE_COLOURS)),
        clothes=rng.choice([c for c in OBJECT_COLOURS if c != backdrop]),
        backdrop=backdrop,
        glasses=rng.choices(("", *GLASSES), (0.65, 0.2, 0.15))[0],
        hat=hat,
        hat_colour=rng.choice([c for c in OBJECT_COLOURS if c not in (backdrop, colour)]) if hat else "",
        beard=rng.choices(("", *BEARDS), (0.5, 0.3, 0.2))[0] if person == "man" else "",
        mood=rng.choices(MOODS, (0.5, 0.2, 0.3))[0],
        x=rng.uniform(-0.06, 0.06),
        y=rng.uniform(-0.04, 0.04),
        scale=rng.uniform(0.92, 1.04),
        seed=rng.getrandbits(32),
    )
