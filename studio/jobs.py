"""Submit, watch, cancel: what pages, HTTP and the command line call.

First form: in memory, first come first served. It does not survive a restart; the interface is the one that will.
"""

import threading
from collections import deque
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias

from core.engine import Frame, ModelInfo, Picture, Progress, Stage
from core.errors import N_, StudioError, UserError
from core.request import GenerationRequest
from studio.files import PictureFiles
from studio.styles import StyleLibrary

State: TypeAlias = Literal["queued", "running", "done", "failed", "cancelled"]
Kind: TypeAlias = Literal["interactive", "batch"]
KEPT_PER_OWNER = 200  # finished jobs remembered
KEPT_ERRORS = 20


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A job at one moment. `position` counts from 1 while it waits; times are in seconds.

    `left_s` is what is left until the picture is there, from measured times; None while nothing is known. `attempt`
    counts from 1; more than one means that the studio was stopped in the middle and began anew.
    """

    id: str
    request: GenerationRequest
    created: datetime
    state: State
    position: int = 0
    stage: Stage | None = None
    step: int = 0
    preview_version: int = 0
    elapsed_s: float = 0.0
    left_s: float | None = None
    error: StudioError | None = None
    kind: Kind = "interactive"
    attempt: int = 1

    @property
    def active(self) -> bool:
        return self.state in ("queued", "running")


@dataclass(frozen=True, slots=True)
class Row:
    """A job as everybody may see it: whose it is only as "yours" or a number, and nothing of what it asks for."""

    mine: bool
    person: int
    kind: Kind
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


@dataclass(slots=True, eq=False)
class Job:
    """The record behind a snapshot; touched only under the lock of `Jobs`."""

    id: str
    owner: str
    key: str
    request: GenerationRequest
    created: datetime
    created_s: float
    kind: Kind = "interactive"
    state: State = "queued"
    progress: Progress = field(default_factory=lambda: Progress("text", 0, 0))
    preview: Frame | None = None
    preview_version: int = 0
    started_s: float = 0.0
    first_step_s: float = 0.0
    ended_s: float = 0.0
    error: StudioError | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)


class Jobs:
    """All jobs of the process. Every method may be called from any thread, and none waits for the device."""

    def __init__(
        self,
        info: ModelInfo | None,
        styles: StyleLibrary,
        files: PictureFiles,
        *,
        max_jobs: int,
        max_jobs_per_owner: int,
        clock: Callable[[], float],
        new_id: Callable[[], str],
    ) -> None:
        self._info, self._styles, self._files = info, styles, files
        self._max_jobs, self._max_jobs_per_owner = max_jobs, max_jobs_per_owner
        self._clock, self._new_id = clock, new_id
        self._jobs: dict[str, Job] = {}  # in order of submission
        self._queue: deque[Job] = deque()
        self._changed = threading.Condition()
        self._mishaps: deque[tuple[datetime, str, StudioError]] = deque(maxlen=KEPT_ERRORS)
        self._refusal: UserError | None = None
        self._decode_s = 0.0

    # --- for those who ask -------------------------------------------------------------------------------------

    def submit(self, owner: str, request: GenerationRequest, key: str = "", kind: Kind = "interactive") -> str:
        """Accept a request and return its job's id. The same `key` from the same owner is the same job.

        Raises UserError for what this model cannot draw, a style that is not there, or a full queue.
        """
        with self._changed:
            if (same := self._same(owner, key)) is not None:  # a repeated submit is answered, whatever changed since
                return same.id
        if self._info is not None:
            self._info.check(request)
        request = replace(request, styles=self._styles.pin(request.styles))
        with self._changed:
            if (same := self._same(owner, key)) is not None:  # the other one was quicker
                return same.id
            if self._refusal is not None:
                raise copy(self._refusal)  # each raise has its own traceback
            self._check_limits(owner)
            job = Job(self._new_id(), owner, key, request, datetime.now(UTC), self._clock(), kind)
            self._jobs[job.id] = job
            self._queue.append(job)
            self._forget_old(owner)
            self._changed.notify_all()
            return job.id

    def snapshot(self, owner: str, job_id: str) -> Snapshot | None:
        """The job now; None when there is no such job of this owner."""
        with self._changed:
            job = self._owned(owner, job_id)
            return self._snapshot(job) if job else None

    def list(self, owner: str, limit: int = 50) -> list[Snapshot]:
        """The owner's jobs, newest first."""
        with self._changed:
            mine = [j for j in reversed(self._jobs.values()) if j.owner == owner]
            return [self._snapshot(j) for j in mine[:limit]]

    def cancel(self, owner: str, job_id: str) -> bool:
        """Stop a job: at once when it waits, at the next quantum when it runs. False when there is nothing to stop."""
        with self._changed:
            job = self._owned(owner, job_id)
            if job is None or job.state not in ("queued", "running"):
                return False
            job.cancelled.set()
            if job.state == "queued":
                self._queue.remove(job)
                self._end(job, "cancelled")
            return True

    def retry(self, owner: str, job_id: str) -> str:
        """Ask for the same picture anew; returns the new job's id. Raises UserError as `submit` does."""
        known = self.snapshot(owner, job_id)
        if known is None:
            raise UserError(N_("There is no such picture any more."))
        return self.submit(owner, known.request, kind=known.kind)

    def overview(self, owner: str) -> Overview:
        """What everybody may see of all jobs; `owner` is who looks."""
        with self._changed:
            active = [j for j in self._jobs.values() if j.state in ("queued", "running")]
            people = {name: n for n, name in enumerate(dict.fromkeys(j.owner for j in active), 1)}
            return Overview(
                tuple(
                    Row(
                        j.owner == owner, people[j.owner], j.kind, j.state, j.request.width, j.request.height,
                        j.progress.step, j.request.num_inference_steps, self._clock() - j.created_s,
                    )
                    for j in active
                ),
                tuple(Mishap(at, who == owner, error) for at, who, error in reversed(self._mishaps)),
            )  # fmt: skip

    def preview(self, owner: str, job_id: str) -> Frame | None:
        """The latest preview frame of a running job."""
        with self._changed:
            job = self._owned(owner, job_id)
            return job.preview if job else None

    def picture(self, owner: str, job_id: str, thumbnail: bool = False) -> Path | None:
        """The finished picture's file; None when it is not there or not this owner's."""
        with self._changed:
            job = self._owned(owner, job_id)
            if job is None or job.state != "done":
                return None
        return self._files.thumbnail(job_id) if thumbnail else self._files.picture(job_id)

    # --- for the worker ----------------------------------------------------------------------------------------

    def claim(self, timeout_s: float) -> Job | None:
        """The next job, now running; None when none came in time."""
        with self._changed:
            if not self._queue:
                self._changed.wait(timeout_s)
            if not self._queue:
                return None
            job = self._queue.popleft()
            job.state, job.started_s = "running", self._clock()
            return job

    def report(self, job: Job, progress: Progress) -> None:
        """A quantum of `job` is done."""
        with self._changed:
            job.progress = progress
            if progress.stage == "text":
                job.first_step_s = self._clock()
            if progress.preview is not None:
                job.preview, job.preview_version = progress.preview, job.preview_version + 1

    def finish(self, job: Job, picture: Picture, decode_s: float) -> None:
        """Save the picture; only then is the job done. Raises UserError when it cannot be saved."""
        self._files.save(job.id, picture.frame)
        with self._changed:
            self._decode_s = decode_s
            self._end(job, "done")

    def stop(self, job: Job) -> None:
        """`job` was cancelled and has stopped."""
        with self._changed:
            self._end(job, "cancelled")

    def fail(self, job: Job, error: StudioError) -> None:
        """`job` ended without a picture, and `error` says why."""
        with self._changed:
            self._end(job, "failed", error)

    def refuse(self, error: UserError) -> None:
        """The engine cannot be used: fail what waits, and answer every submit with `error`."""
        with self._changed:
            self._refusal = error
            while self._queue:
                self._end(self._queue.popleft(), "failed", error)

    # --- inside, with the lock held ----------------------------------------------------------------------------

    def _end(self, job: Job, state: State, error: StudioError | None = None) -> None:
        if job.state not in ("queued", "running"):
            return  # a job ends once: what goes wrong after its picture was saved does not unmake it
        job.state, job.ended_s, job.preview, job.error = state, self._clock(), None, error
        if error is not None:
            self._mishaps.append((datetime.now(UTC), job.owner, error))
        if not job.started_s:
            job.started_s = job.ended_s

    def _owned(self, owner: str, job_id: str) -> Job | None:
        job = self._jobs.get(job_id)
        return job if job is not None and job.owner == owner else None

    def _same(self, owner: str, key: str) -> Job | None:
        return next((j for j in self._jobs.values() if key and j.owner == owner and j.key == key), None)

    def _check_limits(self, owner: str) -> None:
        active = [j for j in self._jobs.values() if j.state in ("queued", "running")]
        mine = sum(j.owner == owner for j in active)
        if mine >= self._max_jobs_per_owner:
            raise UserError(
                N_("{count} of your pictures are waiting already. Let one finish, or cancel one."), count=mine
            )
        if len(active) >= self._max_jobs:
            raise UserError(N_("The studio is full: {count} pictures are waiting. Try again soon."), count=len(active))

    def _forget_old(self, owner: str) -> None:
        ended = [j for j in self._jobs.values() if j.owner == owner and j.state not in ("queued", "running")]
        for job in ended[: max(0, len(ended) - KEPT_PER_OWNER)]:
            del self._jobs[job.id]

    def _snapshot(self, job: Job) -> Snapshot:
        now = job.ended_s or self._clock()
        return Snapshot(
            id=job.id,
            request=job.request,
            created=job.created,
            state=job.state,
            position=self._queue.index(job) + 1 if job.state == "queued" else 0,
            stage=job.progress.stage if job.state == "running" else None,
            step=job.progress.step,
            preview_version=job.preview_version,
            elapsed_s=now - job.started_s if job.started_s else 0.0,
            left_s=self._left_s(job),
            error=job.error,
            kind=job.kind,
        )

    def _left_s(self, job: Job) -> float | None:
        """From the measured time of this job's own steps; None until there is one."""
        step, steps = job.progress.step, job.progress.steps
        if job.state != "running" or not step:
            return None
        since_first = self._clock() - job.first_step_s
        return max(0.0, since_first / step * (steps - step)) + self._decode_s
