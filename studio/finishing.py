"""How a job ends: its picture is saved, its end is written down, and only then can others see it.

Whoever ends a job first in the store decides how it ended; memory follows. For threads that may wait for the disk.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from core.engine import Frame
from core.errors import N_, StudioError, UserError
from core.request import GenerationRequest
from studio.endings import Saved, Surroundings, ending, judge, saved
from studio.file_names import FileNames, Named
from studio.files import PictureFiles
from studio.job import Job, State
from studio.logs import reported
from studio.metadata import Facts
from studio.past import Past
from studio.roster import Roster
from studio.store.database import StoreError
from studio.store.recording import VERIFY, Ending
from studio.store.store import Store, StoredJob
from studio.verification import Verification

KEPT_ERRORS = 20


class Finishing:
    """`surroundings` is what draws at the moment; `mishaps` the latest failures, oldest first: when, whose, why."""

    def __init__(
        self, files: PictureFiles, names: FileNames, store: Store, roster: Roster, past: Past,
        surroundings: Surroundings, now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._files, self._names, self._store = files, names, store
        self._roster, self._past, self._now = roster, past, now
        self.surroundings = surroundings
        self.mishaps: deque[tuple[datetime, str, StudioError]] = deque(maxlen=KEPT_ERRORS)

    def save(self, job: Job, frame: Frame) -> None:
        """Keep what was drawn, and end the job as it comes out. Raises StoreError; then it can be done again."""
        if job.kind == VERIFY:
            record = self._store.record(job.origin.parent)
            verified = judge(job, frame, record, self._files, self._now(), self.surroundings)
            self.end(job, verified.state, verified=verified)
            return
        try:
            picture = saved(self._files.save(job.id, frame, self._name(job), self._facts(job)), frame)
        except StoreError:
            raise
        except UserError as error:
            self.end(job, "failed", error)
            return
        except Exception as error:  # noqa: BLE001 (whatever it is, the job must not stay for ever)
            self.end(job, "failed", reported(error))
            return
        if not self.end(job, "done", picture=picture):
            self._files.remove(job.id, picture.file)  # cancelled, or deleted, in the meantime

    def end(
        self,
        job: Job,
        state: State,
        error: StudioError | None = None,
        picture: Saved | None = None,
        verified: Verification | None = None,
    ) -> bool:
        """Write the end down, then show it. False when the job had ended otherwise. Raises StoreError."""
        lasted_s = self._roster.lasted_s(job)
        won = self._store.end(
            job.id,
            ending(
                job.id, job.kind, job.request, state, self._now(), self.surroundings,
                lasted_s=lasted_s, spent_s=job.spent_s, error=error, picture=picture, verified=verified,
                frugal=job.frugal,
            ),
        )  # fmt: skip
        if not won and self._store.has_ended(job.id):
            return False  # who was quicker sees to the rest
        last = self._roster.drop(job)
        if last is not None and won:
            file = picture.file if picture else ""
            last = replace(last, state=state, error=error, elapsed_s=lasted_s, position=0, stage=None, left_s=None)
            if job.kind != VERIFY:
                self._past.add(job.owner, replace(last, file=file))
            if error is not None:
                self.mishaps.append((self._now(), job.owner, error))
        return won

    def give_up(self, stored: StoredJob) -> Ending:
        """The end of a job that has killed the studio too often."""
        error = UserError(
            N_("The studio stopped {count} times while it drew this picture, so it is not tried again."),
            count=stored.attempts,
        )
        self.mishaps.append((self._now(), stored.owner, error))
        request = GenerationRequest.from_json(stored.request)
        return ending(stored.id, stored.kind, request, "failed", self._now(), self.surroundings, error=error)

    def _facts(self, job: Job) -> Facts:
        """What the picture says of itself."""
        drawn_in, created = self.surroundings, job.created.isoformat(timespec="milliseconds")
        return Facts(job.request, drawn_in.model, drawn_in.model_hash, drawn_in.facts, job.id, created)

    def _name(self, job: Job) -> str:
        origin, model = job.origin, self.surroundings.model
        named = Named(
            job.id, job.created.astimezone(), job.request, model, origin.batch, origin.batch_index, origin.input_name
        )
        name = self._names.name(named)
        return self._names.name(named, whole_id=True) if self._store.is_taken(name) else name
