"""A style as the pages and the jobs see it: plain, frozen data."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from core.errors import UserError
from core.style import StyleReport
from studio.styles.text import one_line

State: TypeAlias = Literal["looking", "ready", "unusable"]


@dataclass(frozen=True, slots=True)
class About:
    """What people wrote of a style. Plain text of no markup: cleaned and cut where it is read, and not to be believed.

    `words` are its trigger words.
    """

    title: str = ""
    author: str = ""
    description: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Style:
    """A file in the styles folder; `name` is its path there without the ending, with forward slashes.

    `looking` is a file that is still being written or read; its `sha256` is empty until that is done. `problem` says
    why an unusable one is not offered. `thumbnail` is empty without one, and another text whenever it changes.
    """

    name: str
    file: Path
    state: State = "ready"
    size_bytes: int = 0
    sha256: str = ""
    report: StyleReport | None = None
    about: About = field(default_factory=About)
    thumbnail: str = ""
    problem: UserError | None = None

    @property
    def label(self) -> str:
        """The name as it may be shown: no character in it turns or hides the others."""
        return one_line(self.name, len(self.name)) or "?"

    @property
    def title(self) -> str:
        """What to call it: as its author did, else its file's name."""
        return self.about.title or self.label.rpartition("/")[2]
