"""What was found in a picture: settings as far as they can be used here, and by name what cannot."""

import math
import unicodedata
from dataclasses import dataclass, field, fields
from typing import Any

from core.errors import UserError
from core.request import (
    MAX_GUIDANCE,
    MAX_PROMPT_CHARACTERS,
    MAX_SEED,
    MAX_SIDE,
    MAX_STEPS,
    MAX_STYLES,
    GenerationRequest,
    StyleUse,
)
from studio.metadata.facts import Facts

MOST_UNUSED = 50
MOST_VALUE = 200  # characters of a value that is only named


@dataclass(frozen=True, slots=True)
class Settings:
    """What a request is made of, each None where the picture does not say. `guidance_scale` as our requests have it.

    Whether there is a style of such a name, and whether the model takes the size, is for others to see.
    """

    prompt: str | None = None
    negative_prompt: str | None = None
    seed: int | None = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    width: int | None = None
    height: int | None = None
    styles: tuple[StyleUse, ...] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """`origin` is the program's name. `unused` are (name, value) as that program has them. `facts` only in our own."""

    origin: str
    settings: Settings
    unused: tuple[tuple[str, str], ...] = ()
    facts: Facts | None = None


@dataclass(slots=True)
class Collector:
    """Takes what a program wrote, value by value: what a request can hold becomes a setting, the rest is named."""

    _values: dict[str, Any] = field(default_factory=dict)
    _styles: list[StyleUse] = field(default_factory=list)
    _unused: list[tuple[str, str]] = field(default_factory=list)

    def has(self, setting: str) -> bool:
        return setting in self._values

    def text(self, setting: str, name: str, value: object) -> None:
        """A prompt. Characters that no request can hold are left out."""
        if not isinstance(value, str):
            return
        value = value.replace("\r\n", "\n")
        plain = "".join(c for c in value if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
        if len(plain) > MAX_PROMPT_CHARACTERS:
            self.leave(name, plain)
        else:
            self._values[setting] = plain.strip()

    def seed(self, name: str, value: object) -> None:
        self._whole("seed", name, value, 0, MAX_SEED)

    def steps(self, name: str, value: object) -> None:
        self._whole("num_inference_steps", name, value, 1, MAX_STEPS)

    def size(self, name: str, width: object, height: object) -> None:
        sides = _int(width), _int(height)
        if all(side is not None and 1 <= side <= MAX_SIDE for side in sides):
            self._values["width"], self._values["height"] = sides
        else:
            self.leave(name, f"{width}x{height}")

    def cfg(self, name: str, value: object) -> None:
        """The usual CFG scale, where 1 is off. Ours counts from 0: `positive + guidance * (positive - negative)`."""
        number = _float(value)
        if number is not None and 0 <= number - 1 <= MAX_GUIDANCE:
            self._values["guidance_scale"] = round(number - 1, 6)
        else:
            self.leave(name, value)

    def style(self, name: object, strength: object) -> None:
        """A LoRA by its file's name, with or without folder and ending."""
        stem = str(name).replace("\\", "/").rpartition("/")[2].removesuffix(".safetensors")
        number = _float(strength)
        try:
            use = StyleUse(stem, 1.0 if number is None else number)
        except UserError:
            self.leave("LoRA", f"{name} {strength}")
            return
        if len(self._styles) < MAX_STYLES and all(use.name != known.name for known in self._styles):
            self._styles.append(use)
        else:
            self.leave("LoRA", f"{name} {strength}")

    def leave(self, name: object, value: object) -> None:
        """Something that has no place in a request."""
        told = _line(str(name), 60), _line(_shown(value), MOST_VALUE)
        if all(told) and len(self._unused) < MOST_UNUSED and told not in self._unused:
            self._unused.append(told)

    def found(self, origin: str) -> Found:
        styles = tuple(self._styles) or None
        return Found(origin, Settings(**self._values, styles=styles), tuple(self._unused))

    def _whole(self, setting: str, name: str, value: object, least: int, most: int) -> None:
        number = _int(value)
        if number is not None and least <= number <= most:
            self._values[setting] = number
        else:
            self.leave(name, value)


def of_request(request: GenerationRequest) -> tuple[Settings, tuple[tuple[str, str], ...]]:
    """All of them, as the picture was drawn at first, and by name what was done with another picture, or to it."""
    base, unused = enlarged_from(request), []
    if request.source is not None:
        unused.append(("source", f"{request.source.sha256[:12]} {request.source.strength:g}"))
    if request.upscale > 1:
        unused.append(("upscale", str(request.upscale)))
    return Settings(**{f.name: getattr(base, f.name) for f in fields(Settings)}), tuple(unused)


def enlarged_from(request: GenerationRequest) -> GenerationRequest:
    """What was drawn before it was made larger at once; the request itself where nothing was."""
    return request.base if request.upscale > 1 and request.source is None else request


def _int(value: object) -> int | None:
    number = _float(value)
    if number is None or number != int(number):
        return None
    return int(value) if isinstance(value, int | str) and str(value).strip().isdecimal() else int(number)


def _float(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)[:41]) > 40:
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else "" if value is None else str(value)


def _line(text: str, most: int) -> str:
    """One line of plain text: no control, direction or private characters."""
    plain = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text[: most * 4])
    plain = " ".join(plain.split())
    return plain if len(plain) <= most else plain[: most - 1] + "…"
