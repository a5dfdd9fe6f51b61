"""How it stands with those who are told of pictures, for the Status page."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from core.errors import StudioError

Kind: TypeAlias = Literal["log", "webhook", "archive"]


@dataclass(frozen=True, slots=True)
class HookStatus:
    """`name` is a host or a folder. All is well when `since` is None: else the trouble began then, and `why` says what
    it is. A `closed` webhook has answered that it wants nothing any more. `dropped` letters were too old to be sent."""

    kind: Kind
    name: str
    waiting: int
    since: datetime | None = None
    why: StudioError | None = None
    closed: bool = False
    dropped: int = 0
