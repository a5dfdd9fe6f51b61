"""Submit, watch, cancel: what pages, HTTP and the command line call, and the worker's side of it.

A job that was accepted stands in the store before `submit` returns, and ends there in exactly one record. No lock is
held while the store is asked.
"""

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from core.engine import Frame, ModelInfo, Picture, Progress
from core.errors import N_, StudioError, UserError
from core.request import GenerationRequest
from studio.endings import Surroundings, milliseconds
from studio.file_names import FileNames
from studio.files import PictureFiles
from studio.finishing import Finishing
from studio.holder import Holder
from studio.job import Job, Kind, Mishap, Origin, Overview, Snapshot
from studio.past import Past
from studio.roster import Roster
from studio.sources import Sources
from studio.store.database import StoreError
from studio.store.recording import VERIFY
from studio.store.store import NewJob, Store, StoredJob
from studio.styles import StyleLibrary

LEASE_MS = 60_000
FORGOTTEN_MS = 30 * 24 * 3600 * 1000  # after that long a key may come again
_LOOK_S = 1.0

Do = Callable[[Callable[[], object]], None]


class Jobs:
    """All jobs of the process. Every method may be called from any thread, and none waits for the device."""

    def __init__(
        self,
        info: ModelInfo | None,
        styles: StyleLibrary,
        files: PictureFiles,
        names: FileNames,
        store: Store,
        holder: Holder,
        roster: Roster,
        do: Do,
        *,
        sources: Sources,
        clock: Callable[[], float],
        now: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        """`do` does a task soon, on a thread that may wait for the disk, and again when the store refuses it."""
        self._info, self._styles, self._files = info, styles, files
        self._store, self._holder, self._roster, self._do = store, holder, roster, do
        self._sources, self._clock, self._now, self._new_id = sources, clock, now, new_id
        self._past = Past(store)
        surroundings = Surroundings(info.name if info else "")
        self._finishing = Finishing(files, names, store, roster, self._past, surroundings, now)
        self._refusal: UserError | None = None

    # --- for those who ask -------------------------------------------------------------------------------------

    def submit(
        self,
        owner: str,
        request: GenerationRequest,
        key: str = "",
        kind: Kind = "interactive",
        *,
        parent: str = "",
        batch: str = "",
        batch_index: int = 0,
        input_name: str = "",
    ) -> str:
        """Accept a request and return its job's id. The same `key` from the same owner is the same job.

        `parent` is the owner's picture that it is made from, `input_name` what they call the photo it is made from.
        Jobs of one `batch` are counted by `batch_index`. Raises UserError for what this model cannot draw, a style that
        is not there, or a full queue, and StoreError when it cannot be written down; then nothing was accepted.
        """
        if key and (same := self._same(owner, key)) is not None:  # answered, whatever changed since
            return same
        if parent and self.snapshot(owner, parent) is None:
            parent = ""
        origin = Origin(parent, batch[:64], batch_index, input_name[:255])
        return self._accept(owner, request, key, kind, origin)

    def verify(self, owner: str, record_id: str) -> str:
        """Draw a picture again, to compare: leaves no picture and no record. Returns the id of the job that does it.

        Raises UserError when there is no such picture, or it cannot be drawn any more, and StoreError.
        """
        if (under_way := self._roster.verifying(owner, record_id)) is not None:
            return under_way.id
        record = self._store.record(record_id)
        if record is None or record.owner != owner or not (record.file or record.pixels):
            raise UserError(N_("There is no such picture any more."))
        request = GenerationRequest.from_json(record.request)
        return self._accept(owner, request, "", VERIFY, Origin(record_id), record.frugal)

    def verifying(self, owner: str, record_id: str) -> Snapshot | None:
        """The job that draws this record again at the moment."""
        job = self._roster.verifying(owner, record_id)
        return self._roster.snapshot(owner, job.id) if job is not None else None

    def snapshot(self, owner: str, job_id: str) -> Snapshot | None:
        """The job now; None when there is no such job of this owner."""
        return self._roster.snapshot(owner, job_id) or self._past.get(owner, job_id)

    def list(self, owner: str, limit: int = 50) -> list[Snapshot]:
        """The owner's jobs: what runs and waits, then what has ended, each newest first."""
        active = {snapshot.id: snapshot for snapshot in self._roster.snapshots(owner)}
        past = self._past.list(owner)
        for ended in past:  # meanwhile, perhaps
            active.pop(ended.id, None)
        return [*active.values(), *past][:limit]

    def watch(self, owner: str, job_id: str) -> Iterator[Snapshot]:
        """The job's snapshots as they change, until it has ended. Blocks in between: for a thread of its own."""
        while True:
            version = self._roster.version
            now = self.snapshot(owner, job_id)
            if now is None:
                return
            yield now
            if not now.active:
                return
            self._roster.wait(version, _LOOK_S)

    def cancel(self, owner: str, job_id: str) -> bool:
        """Stop a job: nothing more is drawn of it after the quantum under way. False when there is nothing to stop."""
        job = self._roster.find(owner, job_id)
        if job is None or not self._roster.cancel(job):
            return False
        try:
            return self._finishing.end(job, "cancelled")
        except StoreError:
            self._do(lambda: self._finishing.end(job, "cancelled"))
            return True

    def retry(self, owner: str, job_id: str) -> str:
        """Ask for the same picture anew; returns the new job's id. Raises UserError as `submit` does."""
        known = self.snapshot(owner, job_id)
        if known is None:
            raise UserError(N_("There is no such picture any more."))
        return self.submit(owner, known.request, kind=known.kind)

    def forget_sources(self, owner: str) -> None:
        """Delete what the owner brought for pictures to start from, as far as it is nobody else's."""
        self._sources.forget(owner)

    def overview(self, owner: str) -> Overview:
        """What everybody may see of all jobs; `owner` is who looks."""
        mishaps = [Mishap(at, who == owner, why) for at, who, why in tuple(self._finishing.mishaps)]
        return Overview(self._roster.rows(owner), tuple(reversed(mishaps)))

    def preview(self, owner: str, job_id: str) -> Frame | None:
        """The latest preview frame of a running job."""
        return self._roster.preview(owner, job_id)

    def picture(self, owner: str, job_id: str, thumbnail: bool = False) -> Path | None:
        """The finished picture's file; None when it is not there or not this owner's."""
        ended = self._past.get(owner, job_id)
        if ended is None or not ended.file:
            return None
        return self._files.thumbnail(job_id) if thumbnail else self._files.picture(ended.file)

    def changed(self, owner: str) -> None:
        """The owner's records were changed in the store: what is kept at hand of them is read anew."""
        self._past.forget(owner)

    # --- for the worker ----------------------------------------------------------------------------------------

    def drawn_in(self, surroundings: Surroundings) -> None:
        """What draws from now on."""
        self._finishing.surroundings = surroundings

    def next(self, may_start: bool, timeout_s: float) -> Job | None:
        """The job whose quantum is next; None when none came in time."""
        return self._roster.next(may_start, timeout_s)

    def nudge(self) -> None:
        """Whoever waits in `next` looks up."""
        self._roster.nudge()

    def begin(self, job: Job) -> None:
        """Its first quantum is next."""
        self._roster.begin(job)
        now_ms = milliseconds(self._now())
        self._do(lambda: self._store.begin(job.id, now_ms))

    def report(self, job: Job, progress: Progress, seconds: float) -> None:
        """A quantum of `job` is done, and took that long."""
        self._roster.report(job, progress, seconds)

    def begin_anew(self, job: Job, frugal: bool) -> None:
        """Once more from the start, perhaps with less memory."""
        self._roster.begin_anew(job, frugal)

    def finish(self, job: Job, picture: Picture, seconds: float) -> None:
        """The picture is drawn, and its last quantum took that long. It is saved soon; only then is the job done."""
        self._roster.drawn(job, seconds)
        self._do(lambda: self._finishing.save(job, picture.frame))

    def fail(self, job: Job, error: StudioError) -> None:
        """`job` ends without a picture, and `error` says why."""
        self._roster.leave_line(job)
        self._do(lambda: self._finishing.end(job, "failed", error))

    def refuse(self, error: UserError) -> None:
        """The engine cannot be used: fail what waits, and answer every submit with `error`."""
        self._refusal = error
        for job in self._roster.all():
            self.fail(job, error)

    # --- housekeeping, for a thread that may wait for the disk ---------------------------------------------------

    def adopt_orphans(self) -> None:
        """Take over what processes that are no more have left. Raises StoreError."""
        for other, lease_ms in self._store.holders().items():
            if not self._holder.is_gone(other, lease_ms, milliseconds(self._now())):
                continue
            on_device = self._holder.was_at(other)
            for job in self._store.adopt(other, on_device, self._lease_ms(), self._finishing.give_up):
                self._adopt(job)
            self._holder.bury(other)
        self._holder.sweep()

    def keep_house(self) -> None:
        """Show that this process lives, and forget what need not be remembered. Raises StoreError."""
        if self._roster.all():
            self._store.renew(self._lease_ms())
        self._store.prune(milliseconds(self._now()) - FORGOTTEN_MS)

    def release(self) -> None:
        """The studio stops: what runs is put back, and goes on after the next start."""
        self._store.release()

    # --- inside ------------------------------------------------------------------------------------------------

    def _same(self, owner: str, key: str) -> str | None:
        active = self._roster.keyed(owner, key)
        return active.id if active else self._store.find(owner, key)

    def _lease_ms(self) -> int:
        return milliseconds(self._now()) + LEASE_MS

    def _accept(
        self, owner: str, request: GenerationRequest, key: str, kind: Kind, origin: Origin, frugal: bool = False
    ) -> str:
        if self._info is not None:
            self._info.check(request)
        if self._refusal is not None:
            raise copy(self._refusal)  # each raise has its own traceback
        if request.source is not None:
            self._sources.check(owner, request.source.sha256)
        request = replace(request, styles=self._styles.pin(request.styles))
        job = Job(self._new_id(), owner, key or None, kind, request, self._now(), self._clock(), origin=origin)
        job.frugal = frugal
        with self._roster.place_for(owner):
            created_ms = milliseconds(job.created)
            new = NewJob(job.id, owner, job.key, kind, request.to_json(), created_ms, **asdict(origin))
            accepted = self._store.add(new, self._lease_ms())
            if accepted == job.id:
                self._roster.enter(job)
        return accepted

    def _adopt(self, stored: StoredJob) -> None:
        created = datetime.fromtimestamp(stored.created_ms / 1000, UTC)
        request = GenerationRequest.from_json(stored.request)
        kind: Kind = VERIFY if stored.kind == VERIFY else "batch" if stored.kind == "batch" else "interactive"
        origin = Origin(stored.parent, stored.batch, stored.batch_index, stored.input_name)
        job = Job(stored.id, stored.owner, stored.key, kind, request, created, self._clock(), stored.attempts, origin)
        if kind == VERIFY and (record := self._store.record(origin.parent)) is not None:
            job.frugal = record.frugal
        self._roster.enter(job)
        try:
            if self._refusal is not None:
                raise copy(self._refusal)
            if self._info is not None:  # another model, perhaps
                self._info.check(request)
        except UserError as error:
            self.fail(job, error)
