"""What a user asks for: frozen, validated once where it is made, the same in a job, in history and in a file.

Checks here need no model; what depends on one (the multiple a size must keep) is `ModelInfo.check`.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
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
class GenerationRequest:
    """One picture. Width and height in pixels; `guidance_scale` as diffusers' Z-Image has it (0 is off)."""

    prompt: str
    width: int
    height: int
    seed: int
    num_inference_steps: int = 8
    guidance_scale: float = 0.0
    negative_prompt: str = ""
    styles: tuple[StyleUse, ...] = field(default=())

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

    def to_json(self) -> str:
        """A single line of JSON; `from_json` gives an equal request back."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"), sort_keys=True)

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
            return cls(**_known(cls, data), styles=styles)
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
