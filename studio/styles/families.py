"""Files of one training run: the same name with the number of an epoch or a step."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from studio.styles.style import Style

Unit: TypeAlias = Literal["", "epoch", "step", "last"]
_NAMED = re.compile(r"(.+?)[-_. ]+(epochs?|ep|e|steps?|s|iters?|it|checkpoint|ckpt)[-_ ]?(\d+)", re.IGNORECASE)
_NUMBERED = re.compile(r"(.+?)[-_. ]+(\d{3,})")  # fewer digits are a version: "anime-2"
_UNITS: dict[str, Unit] = {"e": "epoch", "s": "step", "i": "step", "c": ""}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A style and where in its training it was saved; the one without a number is the "last"."""

    style: Style
    unit: Unit
    number: int = 0


@dataclass(frozen=True, slots=True)
class Family:
    """Two or more checkpoints of one run, in the order of training; `name` is what they share."""

    name: str
    checkpoints: tuple[Checkpoint, ...]


def families(styles: Iterable[Style]) -> tuple[Family, ...]:
    """The families among `styles`, in their order; a style that stands alone is in none."""
    grouped: dict[str, list[tuple[str, Checkpoint]]] = {}
    for style in styles:
        stem, checkpoint = _split(style)
        grouped.setdefault(stem.casefold(), []).append((stem, checkpoint))
    return tuple(
        Family(members[0][0], tuple(sorted((c for _, c in members), key=_order)))
        for members in grouped.values()
        if len(members) > 1 and any(c.unit != "last" for _, c in members)
    )


def _split(style: Style) -> tuple[str, Checkpoint]:
    folder, slash, name = style.name.rpartition("/")
    if named := _NAMED.fullmatch(name):
        return folder + slash + named[1], Checkpoint(style, _UNITS[named[2][0].lower()], int(named[3]))
    if numbered := _NUMBERED.fullmatch(name):
        return folder + slash + numbered[1], Checkpoint(style, "", int(numbered[2]))
    return style.name, Checkpoint(style, "last")


def _order(checkpoint: Checkpoint) -> tuple[bool, str, int]:
    return (checkpoint.unit == "last", checkpoint.unit, checkpoint.number)
