"""A job, and what others see of it."""

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from core.engine import Frame, Progress, Stage
from core.errors import StudioError
from core.request import GenerationRequest

State: TypeAlias = Literal["queued", "running", "done", "failed", "cancelled"]
Kind: TypeAlias = Literal["interactive", "batch", "verify"]
Lane: TypeAlias = Literal["interactive", "batch"]
Phase: TypeAlias = Stage | Literal["save"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A job at one moment. `position` counts from 1 while it waits; times are in seconds.

    `left_s` is what is left until the picture is there, from measured times; None while nothing is known. `attempt`
    counts from 1; more than one means that the studio died over this job and began it anew. `file` is the name of the
    picture's file once there is one.
    """

    id: str
    request: GenerationRequest
    created: datetime
    state: State
    position: int = 0
    stage: Phase | None = None
    step: int = 0
    steps: int = 0
    preview_version: int = 0
    elapsed_s: float = 0.0
    left_s: float | None = None
    error: StudioError | None = None
    kind: Kind = "interactive"
    attempt: int = 1
    frugal: bool = False
    file: str = ""

    @property
    def share(self) -> float:
        """Of its steps, those that are done: 0 to 1."""
        return self.step / self.steps if self.steps else 0.0

    @property
    def active(self) -> bool:
        return self.state in ("queued", "running")


@dataclass(frozen=True, slots=True)
class Row:
    """A job as everybody may see it: whose it is only as "yours" or a number, and nothing of what it asks for."""

    mine: bool
    person: int
    kind: Lane
    state: State
    width: int
    height: int
    step: int
    steps: int
    waited_s: float


@dataclass(frozen=True, slots=True)
class Mishap:
    """A job that failed, for the Status page."""

    at: datetime
    mine: bool
    error: StudioError


@dataclass(frozen=True, slots=True)
class Overview:
    """Jobs that run and wait, in the order in which they are likely to end; the latest failures, newest first."""

    rows: tuple[Row, ...]
    mishaps: tuple[Mishap, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a job comes from: the record that it was made from (of a verification, that it draws again), its batch and
    its place in there, and what the user called the picture that it was made from. Empty is none.
    """

    parent: str = ""
    batch: str = ""
    batch_index: int = 0
    input_name: str = ""


@dataclass(slots=True, eq=False)
class Job:
    """An active job, of this process. Touched only under the lock of `Roster`, but for what never changes.

    `cancelled` is set from any thread, and seen by the worker at the next quantum. Moments are on the monotonic clock.
    `spent_s` is the device's time by stage.
    """

    id: str
    owner: str
    key: str | None
    kind: Kind
    request: GenerationRequest
    created: datetime
    created_s: float
    attempts: int = 0
    origin: Origin = Origin()  # noqa: RUF009 (frozen)
    state: State = "queued"
    stage: Phase | None = None
    step: int = 0
    steps: int = 0
    preview: Frame | None = None
    preview_version: int = 0
    started_s: float | None = None
    first_step_s: float = 0.0
    frugal: bool = False
    spent_s: dict[str, float] = field(default_factory=dict)
    cancelled: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.steps = self.request.denoising_steps  # until the engine says

    @property
    def lane(self) -> Lane:
        """Whether somebody waits for it."""
        return "batch" if self.kind == "batch" else "interactive"

    def pay(self, stage: str, seconds: float) -> None:
        """The device was at it for that long."""
        self.spent_s[stage] = self.spent_s.get(stage, 0.0) + seconds

    def follow(self, progress: Progress, now_s: float) -> None:
        """A quantum of it is done."""
        if not progress.step:
            self.first_step_s = now_s
        self.stage, self.step, self.steps = progress.stage, progress.step, progress.steps
        if progress.preview is not None:
            self.preview, self.preview_version = progress.preview, self.preview_version + 1

    def begin_anew(self, frugal: bool) -> None:
        """Back to the first quantum; the preview stays until there is a better one."""
        self.stage, self.step, self.frugal = None, 0, frugal
        self.spent_s.clear()
