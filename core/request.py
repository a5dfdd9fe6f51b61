"""What a user asks for: frozen, validated once where it is made, the same in a job, in history and in a file.

Checks here need no model; what depends on one (the multiple a size must keep) is `ModelInfo.check`.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

from core.errors import N_, UserError

MAX_PROMPT_CHARACTERS = 4_000
MAX_STEPS = 100
MAX_GUIDANCE = 20.0
MAX_SIDE = 8_192
MAX_SEED = 2**53 - 1  # the largest whole number that JSON and a browser carry exactly
MAX_STRENGTH = 2.0
MAX_STYLES = 4
MAX_STYLE_NAME = 200
USUAL_STRENGTH = 0.6  # how much of a source is drawn anew
MIN_REDRAWN = 0.1  # less than that changes nothing that could be seen
UPSCALES = (1, 2, 4)
UPSCALE_STRENGTH = 0.3  # of the second pass, for a picture that is drawn and enlarged at once
_SHA256 = re.compile(r"([0-9a-f]{64})?")
_INVISIBLE = ("Cf", "Zl", "Zp", "Zs", "Cc")  # formats, such as a zero-width space, and separators


@dataclass(frozen=True, slots=True)
class StyleUse:
    """A style and how strongly it is applied: 1 as trained, 0 off, negative away from it.

    `sha256` pins the file's content; empty means "whatever is there now".
    """

    name: str
    strength: float = 1.0
    sha256: str = ""

    def __post_init__(self) -> None:
        parts = self.name.split("/") if isinstance(self.name, str) else [""]
        if not all(parts) or "." in parts or ".." in parts or len(self.name) > MAX_STYLE_NAME or _odd(self.name, "\\:"):
            raise UserError(N_("That is not the name of a style. Pick one from the list."))
        if not isinstance(self.sha256, str) or not _SHA256.fullmatch(self.sha256):
            raise UserError(N_("These settings could not be read. They may be damaged or from another program."))
        object.__setattr__(self, "strength", _number(N_("Style strength"), self.strength, -MAX_STRENGTH, MAX_STRENGTH))


@dataclass(frozen=True, slots=True)
class Source:
    """The picture to start from, `Frame.sha256` of it, and how much is drawn anew: 1 leaves nothing of it."""

    sha256: str
    strength: float = USUAL_STRENGTH

    def __post_init__(self) -> None:
        if not isinstance(self.sha256, str) or not self.sha256 or not _SHA256.fullmatch(self.sha256):
            raise UserError(N_("These settings could not be read. They may be damaged or from another program."))
        object.__setattr__(self, "strength", _number(N_("Strength"), self.strength, MIN_REDRAWN, 1.0))


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One picture. Width and height in pixels; `guidance_scale` as diffusers' Z-Image has it (0 is off).

    With a `source` it starts from that picture, cut to this shape. `upscale` over 1 makes it so many times larger in a
    second pass: the source, or, without one, the picture that the same request draws at `base` size. Width and height
    are those of the result in any case.
    """

    prompt: str
    width: int
    height: int
    seed: int
    num_inference_steps: int = 8
    guidance_scale: float = 0.0
    negative_prompt: str = ""
    styles: tuple[StyleUse, ...] = field(default=())
    source: Source | None = None
    upscale: int = 1

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "prompt", _text(self.prompt))
        if all(unicodedata.category(c) in _INVISIBLE for c in self.prompt):
            raise UserError(N_("The prompt is empty. Say in a few words what you would like to see."))
        set_(self, "negative_prompt", _text(self.negative_prompt))
        set_(self, "width", _whole(N_("Width"), self.width, 1, MAX_SIDE))
        set_(self, "height", _whole(N_("Height"), self.height, 1, MAX_SIDE))
        set_(self, "seed", _whole(N_("Seed"), self.seed, 0, MAX_SEED))
        set_(self, "num_inference_steps", _whole(N_("Steps"), self.num_inference_steps, 1, MAX_STEPS))
        set_(self, "guidance_scale", _number(N_("Guidance"), self.guidance_scale, 0.0, MAX_GUIDANCE))
        set_(self, "styles", tuple(self.styles))
        if len(self.styles) > MAX_STYLES:
            raise UserError(N_("At most {most} styles can be combined. Take one away."), most=MAX_STYLES)
        if self.source is not None and not isinstance(self.source, Source):
            raise UserError(N_("These settings could not be read. They may be damaged or from another program."))
        if type(self.upscale) is not int or self.upscale not in UPSCALES:
            raise UserError(N_("A picture can be made 2 or 4 times larger, or left as it is."))
        if self.width % self.upscale or self.height % self.upscale:
            raise UserError(
                N_("{width} x {height} pixels is not {factor} times another size. Change it, or do not enlarge."),
                width=self.width, height=self.height, factor=self.upscale,
            )  # fmt: skip

    @property
    def first_step(self) -> int:
        """How many steps of the schedule are left out, because the source is that far already; as diffusers counts."""
        if self.source is None and self.upscale == 1:
            return 0
        strength = self.source.strength if self.source is not None else UPSCALE_STRENGTH
        return int(max(self.num_inference_steps - self.num_inference_steps * strength, 0))

    @property
    def denoising_steps(self) -> int:
        """Steps of the schedule that are walked: at least one."""
        return self.num_inference_steps - self.first_step

    @property
    def base(self) -> Self:
        """What is drawn first, when a picture without a source is drawn and enlarged at once."""
        factor = self.upscale
        return replace(self, width=self.width // factor, height=self.height // factor, upscale=1)

    def to_json(self) -> str:
        """A single line of JSON; `from_json` gives an equal request back. What is not there is not written."""
        data = asdict(self)
        if self.source is None:
            del data["source"]
        if self.upscale == 1:
            del data["upscale"]
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Raises UserError when the text is not a request, or one out of bounds."""
        unreadable = UserError(N_("These settings could not be read. They may be damaged or from another program."))
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise unreadable from error
        if not isinstance(data, dict) or not isinstance(data.get("styles", []), list):
            raise unreadable
        try:
            styles = tuple(StyleUse(**_known(StyleUse, s)) for s in data.pop("styles", []))
            source = data.pop("source", None)
            start = None if source is None else Source(**_known(Source, source))
            return cls(**_known(cls, data), styles=styles, source=start)
        except TypeError as error:
            raise unreadable from error


def _known(kind: type, data: object) -> dict[str, Any]:
    names = {f.name for f in fields(kind)}
    if not isinstance(data, Mapping) or not set(data) <= names:
        raise TypeError("unknown field")
    return dict(data)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise UserError(N_("The prompt is not text."))
    if len(value) > MAX_PROMPT_CHARACTERS:
        raise UserError(
            N_("The prompt has {count} characters; {most} is the most. Shorten it."),
            count=len(value),
            most=MAX_PROMPT_CHARACTERS,
        )
    value = value.replace("\r\n", "\n").strip()
    if _odd(value):
        raise UserError(
            N_("The prompt holds characters that cannot be read as text. Delete what was pasted and type it anew.")
        )
    return value


def _odd(text: str, also: str = "") -> bool:
    """Control characters (but for line breaks and tabs), lone surrogates, or any of `also`."""
    return any((unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t") or c in also for c in text)


def _whole(name: str, value: object, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise _out_of_range(name, least, most)
    return value


def _number(name: str, value: object, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise _out_of_range(name, least, most)  # not a number is within no range
    return float(value)


def _out_of_range(name: str, least: float, most: float) -> UserError:
    return UserError(
        N_("{name} has to be a number from {least} to {most}."),
        name=name,
        least=f"{least:.16g}",
        most=f"{most:.16g}",
    )
