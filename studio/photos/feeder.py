"""The thread that submits photos little by little, so that a set of any size leaves room in the queue.

What is to be drawn stands in the store; the key of a photo's job is the photo. So a studio that dies in the middle goes
on where it was, and draws none twice.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from core import errors
from core.errors import UserError
from studio.endings import milliseconds
from studio.jobs import Jobs
from studio.photos.requesting import Requesting
from studio.photos.settings import PhotoSettings
from studio.roster import QueueFull
from studio.store.batches import BatchStore, StoredBatch, StoredPhoto
from studio.store.database import StoreError

log = logging.getLogger(__name__)

AHEAD = 4  # of a set are in the queue at a time: the device never waits for the next, and the owner has room for others
ROUND_S = 0.2  # so many are not drawn in less
IDLE_S = 2.0


class Feeder:
    """Started and stopped by whoever built it. `place` says which folder's sets are fed."""

    def __init__(
        self, store: BatchStore, jobs: Jobs, requesting: Requesting, place: Callable[[], str],
        now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._store, self._jobs, self._requesting = store, jobs, requesting
        self._place, self._now = place, now
        self._changing = threading.Lock()
        self._running: dict[str, StoredBatch] | None = None  # None: not read from the store yet
        self._fed: dict[str, set[str]] = {}  # the jobs of each set that were active when last seen
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="photos", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def begin(self, batch: StoredBatch) -> None:
        """Draw what waits of this set. Raises StoreError."""
        with self._changing:
            self._store.change(batch.id, state="running", started_ms=milliseconds(self._now()))
            if self._running is not None:
                known = self._store.current(batch.owner)
                if known is not None and known.id == batch.id:
                    self._running[batch.id] = known
        self._wake.set()

    def end(self, batch: str, state: str) -> None:
        """Submit no more of this set, which is in that state from now on. Raises StoreError."""
        with self._changing:
            self._store.change(batch, state=state)
            if self._running is not None:
                self._running.pop(batch, None)

    def round(self) -> bool:
        """Submit what there is room for; whether any set is being drawn. Raises StoreError."""
        with self._changing:
            if self._running is None:
                self._running = {batch.id: batch for batch in self._store.running(self._place())}
                self._fed = {batch: self._in_queue(batch) for batch in self._running}
            running = list(self._running.values())
        return sum(self._feed(batch) for batch in running) > 0

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            busy = False
            try:
                busy = self.round()
            except StoreError as error:
                log.warning("%s", error)
            except Exception:
                log.exception("a set of photos could not be gone on with")  # the others are not its victims
            self._wake.wait(ROUND_S if busy else IDLE_S)

    def _in_queue(self, batch: str) -> set[str]:
        return {photo.job for photo in self._store.photos(batch) if photo.job and not photo.status}

    def _feed(self, batch: StoredBatch) -> bool:
        """Whether there is more to do for it."""
        fed = self._fed.setdefault(batch.id, set())
        for job_id in list(fed):
            snapshot = self._jobs.snapshot(batch.owner, job_id)
            if snapshot is None or not snapshot.active:
                fed.discard(job_id)
        room = AHEAD - len(fed)
        waiting = self._store.waiting(batch.id, room) if room > 0 else []
        for photo in waiting:
            try:
                self._submit(batch, photo, fed)
            except (QueueFull, StoreError):
                return True  # later
            except UserError as error:
                self._store.change_photo(batch.id, photo.position, state="failed", error=errors.to_json(error))
        if room > 0 and not waiting and not fed:
            self._finish(batch)
            return False
        return True

    def _submit(self, batch: StoredBatch, photo: StoredPhoto, fed: set[str]) -> None:
        settings = PhotoSettings.from_json(batch.settings)
        frame = self._requesting.read(batch.id, photo, settings)
        with self._changing:
            if self._running is None or batch.id not in self._running:
                return  # stopped meanwhile
            job_id = self._jobs.submit(
                batch.owner, self._requesting.request(batch.owner, frame, settings),
                f"photo {photo.file} {photo.attempt}", "batch",  # a place in the set may be another photo's by now
                parent=photo.parent, batch=batch.id, batch_index=photo.position, input_name=photo.name,
            )  # fmt: skip
            if self._store.submitted(batch.id, photo.position, job_id, frame.sha256):
                fed.add(job_id)
            else:  # taken out meanwhile
                self._jobs.cancel(batch.owner, job_id)

    def _finish(self, batch: StoredBatch) -> None:
        with self._changing:
            if self._running is not None and batch.id in self._running and not self._store.waiting(batch.id, 1):
                self._store.change(batch.id, state="open")
                self._running.pop(batch.id)
                self._fed.pop(batch.id, None)
