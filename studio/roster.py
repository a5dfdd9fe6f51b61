"""The jobs that run and wait, in memory: who looks pays nothing, and nothing here waits for a disk or the device."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from core.engine import Frame, Progress
from core.errors import N_, UserError
from studio.job import Job, Row, Snapshot
from studio.scheduler import Scheduler


class QueueFull(UserError):
    """There is no room now; there will be."""


class Roster:
    """Any thread may call any method. `version` counts changes, for those who wait for one."""

    def __init__(
        self, scheduler: Scheduler, clock: Callable[[], float], *, max_jobs: int, max_jobs_per_owner: int
    ) -> None:
        self._scheduler, self._clock = scheduler, clock
        self._max_jobs, self._max_jobs_per_owner = max_jobs, max_jobs_per_owner
        self._jobs: dict[str, Job] = {}  # in order of submission
        self._submitting: Counter[str] = Counter()
        self._positions: dict[str, int] | None = None
        self._changed = threading.Condition()
        self.version = 0

    # --- coming and going --------------------------------------------------------------------------------------

    @contextmanager
    def place_for(self, owner: str) -> Iterator[None]:
        """Keeps a place for a job that is being written down. Raises QueueFull when there is none."""
        with self._changed:
            self._check_limits(owner)
            self._submitting[owner] += 1
        try:
            yield
        finally:
            with self._changed:
                self._submitting[owner] -= 1
                self._submitting += Counter()  # forgets those at zero

    def enter(self, job: Job) -> None:
        with self._changed:
            self._jobs[job.id] = job
            self._scheduler.add(job)
            self._line_has_changed()

    def leave_line(self, job: Job) -> None:
        """It needs the device no more."""
        with self._changed:
            self._scheduler.remove(job)
            self._line_has_changed()

    def drop(self, job: Job) -> Snapshot | None:
        """It has ended. Returns what it was at that moment; None when it was gone already."""
        with self._changed:
            if self._jobs.pop(job.id, None) is None:
                return None
            self.leave_line(job)
            return self._snapshot(job)

    def cancel(self, job: Job) -> bool:
        """Take it from the device; False when that was done before."""
        with self._changed:
            if job.cancelled.is_set():
                return False
            job.cancelled.set()
            self.leave_line(job)
            return True

    # --- looking -----------------------------------------------------------------------------------------------

    def find(self, owner: str, job_id: str) -> Job | None:
        """The job, if it is active and this owner's."""
        with self._changed:
            job = self._jobs.get(job_id)
            return job if job is not None and job.owner == owner else None

    def keyed(self, owner: str, key: str) -> Job | None:
        """The owner's active job with this key."""
        with self._changed:
            return next((job for job in self._jobs.values() if job.owner == owner and job.key == key), None)

    def verifying(self, owner: str, record_id: str) -> Job | None:
        """The owner's active job that draws this record again."""
        with self._changed:
            theirs = (j for j in self._jobs.values() if j.kind == "verify" and j.origin.parent == record_id)
            return next((job for job in theirs if job.owner == owner), None)

    def all(self) -> list[Job]:
        with self._changed:
            return list(self._jobs.values())

    def snapshot(self, owner: str, job_id: str) -> Snapshot | None:
        with self._changed:
            job = self.find(owner, job_id)
            return self._snapshot(job) if job else None

    def snapshots(self, owner: str) -> list[Snapshot]:
        """The owner's active jobs, newest first, but for those that only verify."""
        with self._changed:
            mine = (job for job in reversed(self._jobs.values()) if job.owner == owner)
            return [self._snapshot(job) for job in mine if job.kind != "verify"]

    def preview(self, owner: str, job_id: str) -> Frame | None:
        with self._changed:
            job = self.find(owner, job_id)
            return job.preview if job else None

    def rows(self, owner: str) -> tuple[Row, ...]:
        """All of them as `owner` may see them, in the order in which they are likely to end."""
        with self._changed:
            saving = [job for job in self._jobs.values() if job.stage == "save"]
            people = {name: n for n, name in enumerate(dict.fromkeys(j.owner for j in self._jobs.values()), 1)}
            jobs = (*saving, *self._scheduler.line())
            return tuple(self._row(job, job.owner == owner, people[job.owner]) for job in jobs)

    def wait(self, seen: int, timeout_s: float) -> None:
        """Until `version` is another than `seen`, or time is up."""
        with self._changed:
            self._changed.wait_for(lambda: self.version != seen, timeout_s)

    # --- at work -----------------------------------------------------------------------------------------------

    def next(self, may_start: bool, timeout_s: float) -> Job | None:
        """The job whose quantum is next; None when none came in time."""
        with self._changed:
            if (job := self._scheduler.next(may_start)) is None:
                self._changed.wait(timeout_s)
                job = self._scheduler.next(may_start)
            return job

    def nudge(self) -> None:
        """Whoever waits in `next` looks up."""
        with self._changed:
            self._changed.notify_all()

    def begin(self, job: Job) -> None:
        with self._changed:
            job.state, job.started_s = "running", self._clock()
            self._line_has_changed()

    def report(self, job: Job, progress: Progress, seconds: float) -> None:
        """A quantum is done, and took that long."""
        with self._changed:
            job.follow(progress, self._clock())
            self._pay(job, progress.stage, seconds)

    def begin_anew(self, job: Job, frugal: bool) -> None:
        with self._changed:
            job.begin_anew(frugal)
            self._has_changed()

    def drawn(self, job: Job, seconds: float) -> None:
        """The last quantum is done, and took that long: what is left is to save the picture."""
        with self._changed:
            self._pay(job, "decode", seconds)
            self.leave_line(job)
            job.stage, job.step = "save", job.steps

    def lasted_s(self, job: Job) -> float:
        """From the first quantum until now."""
        with self._changed:
            return self._clock() - job.started_s if job.started_s is not None else 0.0

    # --- inside, with the lock held ----------------------------------------------------------------------------

    def _pay(self, job: Job, stage: str, seconds: float) -> None:
        job.pay(stage, seconds)
        self._scheduler.costs.learn(job, stage, seconds)
        self._scheduler.charge(job, seconds)
        self._has_changed()

    def _has_changed(self) -> None:
        self.version += 1
        self._changed.notify_all()

    def _line_has_changed(self) -> None:
        self._positions = None
        self._has_changed()

    def _check_limits(self, owner: str) -> None:
        mine = sum(job.owner == owner for job in self._jobs.values()) + self._submitting[owner]
        if mine >= self._max_jobs_per_owner:
            raise QueueFull(
                N_("{count} of your pictures are waiting already. Let one finish, or cancel one."), count=mine
            )
        count = len(self._jobs) + self._submitting.total()
        if count >= self._max_jobs:
            raise QueueFull(N_("The studio is full: {count} pictures are waiting. Try again soon."), count=count)

    def _row(self, job: Job, mine: bool, person: int) -> Row:
        request, waited_s = job.request, self._clock() - job.created_s
        return Row(mine, person, job.lane, job.state, request.width, request.height, job.step, job.steps, waited_s)

    def _snapshot(self, job: Job) -> Snapshot:
        return Snapshot(
            id=job.id,
            request=job.request,
            created=job.created,
            state=job.state,
            position=self._position(job) if job.state == "queued" else 0,
            stage=job.stage,
            step=job.step,
            steps=job.steps,
            preview_version=job.preview_version,
            elapsed_s=self.lasted_s(job),
            left_s=self._left_s(job),
            kind=job.kind,
            attempt=job.attempts + 1,
            frugal=job.frugal,
        )

    def _position(self, job: Job) -> int:
        if self._positions is None:
            waiting = [other.id for other in self._scheduler.line() if other.state == "queued"]
            self._positions = {job_id: place for place, job_id in enumerate(waiting, 1)}
        return self._positions.get(job.id, 0)

    def _left_s(self, job: Job) -> float | None:
        """By its own pace once it has one, which includes waiting for others; before that, by what waits."""
        costs = self._scheduler.costs
        if job.stage == "save":
            return 0.0
        if not costs.known:
            return None
        if not job.step:
            return self._scheduler.left_s(job)
        pace_s = (self._clock() - job.first_step_s) / job.step
        return max(0.0, pace_s * (job.steps - job.step)) + costs.decode_s(job)
