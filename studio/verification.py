"""A record that is drawn again: are the pixels the same, and if not, what is another than it was?"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

import numpy as np

from core import errors
from core.engine import Frame
from core.errors import StudioError
from core.request import StyleUse
from studio.job import State


@dataclass(frozen=True, slots=True)
class Change:
    """Something that a picture depends on, as it was and as it is: `what` is "model", "device", "torch", "style NAME",
    "file" for the stored picture itself, and so on. "" is unknown, or not there."""

    what: str
    then: str
    now: str


@dataclass(frozen=True, slots=True)
class Verification:
    """How the last drawing of a record went, or how far it is: `state` is that of its job.

    Once it is "done", `identical` says whether every pixel is the same; if not, `psnr_db` how close they are, None
    where there is no picture of that size to compare with. `changed` is what is another than it was.
    """

    job_id: str
    state: State
    at: datetime
    identical: bool = False
    psnr_db: float | None = None
    changed: tuple[Change, ...] = ()
    error: StudioError | None = None

    def to_json(self) -> str:
        """What `from_json` makes an equal one of."""
        return json.dumps(
            {
                "job": self.job_id,
                "state": self.state,
                "at_ms": int(self.at.timestamp() * 1000),
                "identical": self.identical,
                "psnr_db": self.psnr_db,
                "changed": [[change.what, change.then, change.now] for change in self.changed],
                "error": errors.to_json(self.error) if self.error is not None else None,
            },
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, text: str) -> "Verification":
        """Raises ValueError for what `to_json` has not written."""
        data = json.loads(text)
        try:
            return cls(
                job_id=data["job"],
                state=cast(State, data["state"]),
                at=datetime.fromtimestamp(data["at_ms"] / 1000, UTC),
                identical=data["identical"],
                psnr_db=data["psnr_db"],
                changed=tuple(Change(*change) for change in data["changed"]),
                error=errors.from_json(data["error"]) if data["error"] else None,
            )
        except (KeyError, TypeError) as error:
            raise ValueError("not a verification of ours") from error


def psnr_db(one: Frame, other: Frame) -> float | None:
    """Peak signal-to-noise ratio over all channels, 10 log10(255^2 / MSE); None when sizes differ or all is equal."""
    if (one.width, one.height) != (other.width, other.height):
        return None
    a, b = (np.frombuffer(frame.rgb, np.uint8).astype(np.float32) for frame in (one, other))
    error = float(np.mean(np.square(a - b), dtype=np.float64))
    return 10 * math.log10(255**2 / error) if error else None


def changes(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[Change]:
    """What differs between two sets of facts. Nothing is known to differ where nothing was written down."""
    if then:
        for what in sorted({*then, *now}):
            if then.get(what, "") != now.get(what, ""):
                yield Change(what, then.get(what, ""), now.get(what, ""))


def style_changes(then: tuple[StyleUse, ...], now: tuple[StyleUse, ...]) -> Iterator[Change]:
    """Styles whose file is another. Both are of the same request."""
    for before, after in zip(then, now, strict=False):
        if before.sha256 and before.sha256 != after.sha256:
            yield Change(f"style {before.name}", before.sha256[:12], after.sha256[:12])
