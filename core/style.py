"""What a style file turned out to be, as plain data: inspection writes it, the library and the pages read it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from core.errors import UserError


@dataclass(frozen=True, slots=True)
class StyleReport:
    """A file, looked at without trusting it. It can be used when `problem` is None.

    `layout` and `kind` are names to show ("kohya", "LoRA"). The file changes `modules`, and `applied` of them are
    modules of this model. `rank` is (least, most). `made_for` names the model it seems to be for, "" when it is this
    one or cannot be told. `metadata` is the file's own text: untrusted, cut to a sane length.
    """

    sha256: str
    size_bytes: int
    layout: str = ""
    kind: str = ""
    modules: int = 0
    applied: int = 0
    rank: tuple[int, int] = (0, 0)
    dtype: str = ""
    made_for: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    problem: UserError | None = None


class StyleTools(Protocol):
    """What the library needs of the pipeline. Both may take seconds for a large file, and be called on any thread."""

    def inspect(self, file: Path) -> StyleReport:
        """Never raises for what stands in the file; raises OSError when it cannot be read."""
        ...

    def compile(self, file: Path, sha256: str) -> None:
        """Make the file ready for the model, in the cache. Raises UserError when it does not fit or is damaged."""
        ...
