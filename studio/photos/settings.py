"""How a set of photos is drawn: one style, one strength, one seed for all of them, so that they look like a set."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self, get_args

from core.engine import ModelInfo
from core.errors import N_, UserError
from core.request import MAX_SEED, MIN_REDRAWN, USUAL_STRENGTH, GenerationRequest, Source, StyleUse
from studio.formats import QUALITY, Format, available
from studio.photos.sizes import fit

DEFAULT_STYLE = "cartoon"
LONGEST = (256, 512, 768, 1024, 1536, 2048)  # pixels
TRIED = (0.2, 0.4, 0.6, 0.8, 1.0)  # strengths of a strip
_COLOUR = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class PhotoSettings:
    """`strength` is how much is drawn anew: 0.1 next to nothing, 1 all. `longest` is a side of the result in pixels.

    `camera_data` says whether time, place and camera of a photo stand in the picture that is handed over.
    """

    style: str = ""
    strength: float = USUAL_STRENGTH
    prompt: str = ""
    longest: int = 1024
    seed: int = 0
    format: Format = "png"
    quality: int = QUALITY
    background: str = "#ffffff"
    camera_data: bool = False

    def __post_init__(self) -> None:
        """Raises UserError for what cannot be."""
        text = all(isinstance(value, str) for value in (self.style, self.prompt, self.format, self.background))
        numbers = [(self.strength, MIN_REDRAWN, 1.0), (self.quality, 1, 100), (self.seed, 0, MAX_SEED)]
        if not text or not all(_is_within(*one) for one in [*numbers, (self.longest, 16, 8192)]):
            raise _unreadable()
        if self.format not in get_args(Format) or not _COLOUR.fullmatch(self.background):
            raise _unreadable()
        whole = (self.longest, self.seed, self.quality)
        if any(type(value) is not int for value in whole) or type(self.camera_data) is not bool:
            raise _unreadable()

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Raises UserError when the text is no such settings."""
        try:
            return cls.of(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise _unreadable() from error

    @classmethod
    def of(cls, given: object) -> Self:
        """As they come from a browser. Raises UserError."""
        names = {field.name for field in fields(cls)}
        if not isinstance(given, Mapping) or not set(given) <= names:
            raise _unreadable()
        return cls(**given)

    def background_rgb(self) -> tuple[int, int, int]:
        red, green, blue = bytes.fromhex(self.background[1:])
        return red, green, blue

    def request(self, info: ModelInfo, photo: tuple[int, int], source: str, words: str) -> GenerationRequest:
        """What draws a photo of this size from `source`. `words` stand in where there is no prompt."""
        width, height = fit(photo, self.longest, info)
        return GenerationRequest(
            prompt=self.prompt.strip() or words, width=width, height=height, seed=self.seed,
            num_inference_steps=info.num_inference_steps, guidance_scale=info.guidance_scale,
            styles=(StyleUse(self.style),) if self.style else (), source=Source(source, self.strength),
        )  # fmt: skip

    def at(self, strength: float) -> Self:
        return replace(self, strength=strength)

    def as_of(self, made: GenerationRequest) -> Self:
        """What a picture was drawn with from its photo; the rest as it is."""
        style = made.styles[0].name if made.styles else ""
        strength = made.source.strength if made.source is not None else self.strength
        return replace(
            self, style=style, strength=max(MIN_REDRAWN, strength), prompt=made.prompt, seed=made.seed,
            longest=max(made.width, made.height),
        )  # fmt: skip


def defaults(info: ModelInfo | None, styles: tuple[str, ...], seed: int) -> PhotoSettings:
    """What a new set begins with."""
    usual = max(info.sizes[0]) if info is not None and info.sizes else min(offered(info)[-1], 1024)
    strength = info.photo_strength if info is not None else USUAL_STRENGTH
    style = DEFAULT_STYLE if DEFAULT_STYLE in styles else ""
    return PhotoSettings(style=style, strength=strength, longest=usual, seed=seed)


def offered(info: ModelInfo | None) -> tuple[int, ...]:
    """Longest sides to choose from: those that the model was made for, and others that it can draw."""
    most = info.max_side if info is not None else max(LONGEST)
    own = {max(size) for size in info.sizes} if info is not None else set()
    return tuple(sorted(own | {side for side in LONGEST if side <= most})) or (most,)


def formats() -> tuple[Format, ...]:
    return available()


def _is_within(value: object, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _unreadable() -> UserError:
    return UserError(N_("These settings could not be read. They may be damaged or from another program."))


def as_data(settings: PhotoSettings) -> dict[str, Any]:
    """Plain JSON."""
    return asdict(settings)
