"""Sets of photos: brought in one by one, drawn alike, a few at a time, until all are done.

An owner has one set at a time. What is to be drawn stands in the store before a photo's sender has an answer; a thread
of its own submits it little by little, so that a set of any size leaves room in the queue, and goes on after a restart
where it was: the key of a photo's job is the photo, so none is drawn twice.
"""

import hashlib
import io
import json
import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import IO

from PIL import Image

from core import errors
from core.engine import Frame, ModelInfo
from core.errors import N_, UserError
from studio.endings import milliseconds
from studio.job import Snapshot
from studio.jobs import Jobs
from studio.photos.archives import Upload, unpack
from studio.photos.batch_files import BatchFiles, Incoming
from studio.photos.batch_now import BatchNow, PhotoNow, PhotoState, Trial, left_s, photo_now
from studio.photos.reading import read
from studio.photos.settings import TRIED, PhotoSettings, defaults
from studio.roster import QueueFull
from studio.sources import Sources
from studio.store.batches import CLOSED, BatchStore, NewPhoto, StoredBatch, StoredPhoto
from studio.store.database import StoreError
from studio.styles import StyleLibrary

log = logging.getLogger(__name__)

MOST_PHOTOS = 2_000
AHEAD = 4  # of a set are in the queue at a time: the device never waits for the next, and the owner has room for others
THUMBNAIL_SIDE = 160
ROUND_S = 0.2  # the shortest picture there is takes longer than a round by that many
IDLE_S = 2.0
_NEW_SEEDS = 2**32


class Batches:
    """Any thread may call any method; each raises StoreError when the database refuses."""

    def __init__(
        self, store: BatchStore, files: BatchFiles, jobs: Jobs, sources: Sources, styles: StyleLibrary,
        info: ModelInfo | None, *, now: Callable[[], datetime], new_id: Callable[[], str],
    ) -> None:  # fmt: skip
        self._store, self._files, self._jobs, self._sources = store, files, jobs, sources
        self._styles, self._info, self._now, self._new_id = styles, info, now, new_id
        self._decoding = threading.Lock()  # one photo at a time: a large one takes hundreds of MB
        self._changing = threading.Lock()
        self._running: dict[str, StoredBatch] | None = None  # None: not read from the store yet
        self._fed: dict[str, set[str]] = {}  # the jobs of each set that were active when last seen
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="photos", daemon=True)

    def start(self) -> None:
        """From now on sets are drawn."""
        with suppress(StoreError, OSError):  # what is left over stays until the next start
            self._files.sweep(self._store.files)
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    # --- looking -----------------------------------------------------------------------------------------------

    def look(self, owner: str) -> BatchNow:
        """The owner's set now; an empty one when there is none yet."""
        batch = self._store.current(owner)
        if batch is None:
            return BatchNow("", "open", self._defaults())
        active = {snapshot.id: snapshot for snapshot in self._jobs.list(owner, 1_000_000) if snapshot.active}
        rows = self._store.photos(batch.id)  # after the jobs: what ends in between is seen as ended
        photos = tuple(photo_now(row, active.get(row.job) or self._just_begun(owner, row)) for row in rows)
        is_over = batch.state == "running" and not any(p.state in ("waiting", "queued", "running") for p in photos)
        state = "open" if is_over else batch.state
        settings = PhotoSettings.from_json(batch.settings)
        return BatchNow(
            batch.id, state, settings, photos, self._trial(owner, batch), left_s(batch, photos)
        )  # fmt: skip

    def _just_begun(self, owner: str, row: StoredPhoto) -> Snapshot | None:
        """The job of a photo that was submitted while it was being looked at."""
        return self._jobs.snapshot(owner, row.job) if row.state == "submitted" and not row.status else None

    def thumbnail(self, owner: str, position: int) -> Path | None:
        """Of a photo that was sent; None when there is none."""
        batch = self._store.current(owner)
        rows = self._store.photos(batch.id, [position]) if batch is not None else []
        if batch is None or not rows or not rows[0].file:
            return None
        return self._files.thumbnail(batch.id, rows[0].file)

    def before(self, owner: str, position: int) -> Path | None:
        """What a photo's picture was drawn from, as it was cut and coloured; None before that."""
        batch = self._store.current(owner)
        rows = self._store.photos(batch.id, [position]) if batch is not None else []
        return self._sources.file(owner, rows[0].source) if rows else None

    # --- bringing in -------------------------------------------------------------------------------------------

    def incoming(self) -> Incoming:
        """Room for a file while it comes. Raises UserError when the disk refuses."""
        return self._files.incoming()

    def add(self, owner: str, name: str, file: IO[bytes]) -> Iterator[PhotoNow]:
        """Take a photo, or all in a ZIP file, into the owner's set. Yields each as it is accepted or refused.

        Raises UserError when the set is full or the disk refuses; what was accepted before stays.
        """
        batch = self._open(owner)
        for upload in unpack(name, file):
            yield self._put(batch.id, self._examined(batch.id, upload))

    def take(self, owner: str, picture_id: str) -> PhotoNow:
        """A picture of the owner's own as a photo. Raises UserError when it is not there."""
        file = self._jobs.picture(owner, picture_id)
        try:
            data = file.read_bytes() if file is not None else b""
        except OSError:
            data = b""
        if file is None or not data:
            raise UserError(N_("There is no such picture any more."))
        batch = self._open(owner)
        photo = self._examined(batch.id, Upload(file.name, data))
        return self._put(batch.id, replace(photo, parent=picture_id))

    def remove(self, owner: str, position: int) -> None:
        """Take a photo out of the set. What was drawn from it stays in the history."""
        batch = self._current(owner)
        for row in self._store.photos(batch.id, [position]):
            self._store.remove(batch.id, position)
            if row.job:
                self._jobs.cancel(owner, row.job)
            if row.file:
                self._files.drop(batch.id, row.file)

    # --- drawing -----------------------------------------------------------------------------------------------

    def configure(self, owner: str, settings: PhotoSettings) -> None:
        """How the set will be drawn. Raises UserError while it is being drawn."""
        batch = self._open(owner)
        if self.look(owner).active:
            raise UserError(N_("The photos are being drawn with other settings. Stop them first."))
        self._store.change(batch.id, settings=settings.to_json())

    def draw(self, owner: str, settings: PhotoSettings, again: bool = False) -> None:
        """Draw what waits with these settings; `again`: also what is done. Raises UserError when there is nothing."""
        self.configure(owner, settings)
        batch, photos = self._current(owner), self.look(owner).photos
        wanted = [
            p.position for p in photos if p.state in ("waiting", "failed", "gone") or (again and p.state == "done")
        ]
        if not wanted:
            raise UserError(N_("There is no photo to draw. Add one first."))
        self._store.wait_again(batch.id, wanted)
        self.end_trial(owner)
        self._go_on(batch)

    def pause(self, owner: str) -> None:
        """Begin no more of them; those in the queue are drawn."""
        batch = self._current(owner)
        with self._changing:
            if batch.state == "running":
                self._store.change(batch.id, state="paused")
                self._forget(batch.id)

    def resume(self, owner: str) -> None:
        """Go on after a pause."""
        batch = self._current(owner)
        if batch.state == "paused":
            self._go_on(batch)

    def cancel(self, owner: str) -> None:
        """Stop at once. What is done stays; the rest waits, to be drawn with other settings or not at all."""
        batch = self._current(owner)
        with self._changing:
            self._store.change(batch.id, state="open")
            self._forget(batch.id)
        photos = self.look(owner).photos
        for photo in photos:
            if photo.state in ("queued", "running"):
                self._jobs.cancel(owner, photo.job)
        self._store.wait_again(batch.id, [p.position for p in photos if p.state in ("queued", "running", "waiting")])

    def retry(self, owner: str, position: int) -> None:
        """Draw one photo anew that failed. Raises UserError when there is none."""
        batch, look = self._current(owner), self.look(owner)
        if not any(p.position == position and p.state in ("failed", "gone") for p in look.photos):
            raise UserError(N_("There is no photo to draw. Add one first."))
        self._store.wait_again(batch.id, [position])
        self._go_on(batch)

    def close(self, owner: str) -> None:
        """Put the set away: the next one begins empty. What was drawn stays in the history."""
        batch = self._store.current(owner)
        if batch is None:
            return
        self.cancel(owner)
        self._store.change(batch.id, state=CLOSED)
        self._files.drop(batch.id)

    def forget(self, owner: str) -> None:
        """Delete all that the owner has brought."""
        if self._store.current(owner) is not None:
            self.close(owner)
        for batch in self._store.forget(owner):
            self._files.drop(batch)
        self._sources.forget(owner)

    def try_strengths(self, owner: str, position: int, settings: PhotoSettings) -> None:
        """Draw one photo at five strengths, to choose from. Raises UserError when it cannot be drawn."""
        batch = self._open(owner)
        rows = self._store.photos(batch.id, [position])
        if not rows or not rows[0].file:
            raise UserError(N_("There is no photo to draw. Add one first."))
        frame = self._read(batch.id, rows[0], settings)
        jobs = [(at, self._try(owner, batch.id, rows[0], settings.at(at), frame)) for at in TRIED]
        self._store.change(batch.id, trial=json.dumps({"position": position, "jobs": jobs}))

    def end_trial(self, owner: str) -> None:
        """Put the strip away; what of it still waits is not drawn."""
        batch = self._current(owner)
        trial = self._trial(owner, batch)
        self._store.change(batch.id, trial="")
        for _, snapshot in trial.jobs if trial else ():
            if snapshot.active:
                self._jobs.cancel(owner, snapshot.id)

    # --- inside: bringing in -----------------------------------------------------------------------------------

    def _open(self, owner: str) -> StoredBatch:
        known = self._store.current(owner)
        if known is not None:
            return known
        settings = self._defaults().to_json()
        return self._store.add(StoredBatch(self._new_id(), owner, self._files.place(), "open", settings))

    def _current(self, owner: str) -> StoredBatch:
        batch = self._store.current(owner)
        if batch is None:
            raise UserError(N_("There is no photo to draw. Add one first."))
        return batch

    def _defaults(self) -> PhotoSettings:
        ready = tuple(style.name for style in self._styles.list() if style.state == "ready")
        return defaults(self._info, ready, secrets.randbelow(_NEW_SEEDS))

    def _examined(self, batch: str, upload: Upload) -> NewPhoto:
        """Read once, to know what it is; kept as it came, for its settings to change."""
        try:
            if upload.problem is not None:
                raise upload.problem
            with self._decoding:
                photo = read(upload.data, THUMBNAIL_SIDE)
        except UserError as error:
            return NewPhoto(upload.name, state="refused", error=errors.to_json(error))
        name = self._files.save(batch, upload.data, _webp(photo.frame))
        return NewPhoto(upload.name, name, notes=json.dumps(photo.notes))

    def _put(self, batch: str, photo: NewPhoto) -> PhotoNow:
        position = self._store.put(batch, photo, MOST_PHOTOS)
        if position is None:
            if photo.file:
                self._files.drop(batch, photo.file)
            raise UserError(N_("There are {most} photos already. Draw these first."), most=MOST_PHOTOS)
        self._wake.set()
        error = errors.from_json(photo.error) if photo.error else None
        state: PhotoState = "refused" if photo.state == "refused" else "waiting"
        return PhotoNow(position, photo.name, state, file=photo.file, error=error, notes=tuple(json.loads(photo.notes)))

    # --- inside: drawing ---------------------------------------------------------------------------------------

    def _go_on(self, batch: StoredBatch) -> None:
        with self._changing:
            started_ms = milliseconds(self._now())
            self._store.change(batch.id, state="running", started_ms=started_ms)
            if self._running is not None:
                known = self._store.current(batch.owner)
                if known is not None and known.id == batch.id:
                    self._running[batch.id] = known
        self._wake.set()

    def _forget(self, batch: str) -> None:
        if self._running is not None:
            self._running.pop(batch, None)

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                busy = self.round()
            except StoreError as error:
                log.warning("%s", error)
                busy = False
            except Exception:
                log.exception("a set of photos could not be gone on with")  # the others are not its victims
                busy = False
            self._wake.wait(ROUND_S if busy else IDLE_S)

    def round(self) -> bool:
        """Submit what there is room for; whether any set is being drawn. Raises StoreError."""
        with self._changing:
            if self._running is None:
                self._running = {batch.id: batch for batch in self._store.running(self._files.place())}
                self._fed = {batch: self._in_queue(batch) for batch in self._running}
            running = list(self._running.values())
        return sum(self._feed(batch) for batch in running) > 0

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
        for row in waiting:
            try:
                self._submit(batch, row, fed)
            except (QueueFull, StoreError):
                return True  # later
            except UserError as error:
                self._store.change_photo(batch.id, row.position, state="failed", error=errors.to_json(error))
        if room > 0 and not waiting and not fed:
            self._finish(batch)
            return False
        return True

    def _submit(self, batch: StoredBatch, row: StoredPhoto, fed: set[str]) -> None:
        settings = PhotoSettings.from_json(batch.settings)
        frame = self._read(batch.id, row, settings)
        with self._changing:
            if self._running is None or batch.id not in self._running:
                return  # stopped meanwhile
            source = self._sources.add(batch.owner, frame)
            request = settings.request(self._model(), (frame.width, frame.height), source, self._words(settings))
            job_id = self._jobs.submit(
                batch.owner, request, f"photo {batch.id} {row.position} {row.attempt}", "batch",
                parent=row.parent, batch=batch.id, batch_index=row.position, input_name=row.name,
            )  # fmt: skip
            if self._store.submitted(batch.id, row.position, job_id, source):
                fed.add(job_id)
            else:  # taken out meanwhile
                self._jobs.cancel(batch.owner, job_id)

    def _finish(self, batch: StoredBatch) -> None:
        with self._changing:
            if self._running is not None and batch.id in self._running and not self._store.waiting(batch.id, 1):
                self._store.change(batch.id, state="open")
                self._forget(batch.id)
                self._fed.pop(batch.id, None)

    def _read(self, batch: str, row: StoredPhoto, settings: PhotoSettings) -> Frame:
        data = self._files.photo(batch, row.file)
        with self._decoding:
            return read(data, settings.longest, settings.background_rgb()).frame

    def _try(self, owner: str, batch: str, row: StoredPhoto, settings: PhotoSettings, frame: Frame) -> str:
        source = self._sources.add(owner, frame)
        request = settings.request(self._model(), (frame.width, frame.height), source, self._words(settings))
        key = hashlib.sha256(f"{batch} {request.to_json()}".encode()).hexdigest()
        return self._jobs.submit(owner, request, f"try {key}", parent=row.parent, input_name=row.name)

    def _trial(self, owner: str, batch: StoredBatch) -> Trial | None:
        if not batch.trial:
            return None
        known = json.loads(batch.trial)
        jobs = [(float(at), self._jobs.snapshot(owner, job_id)) for at, job_id in known["jobs"]]
        return Trial(known["position"], tuple((at, job) for at, job in jobs if job is not None))

    def _model(self) -> ModelInfo:
        if self._info is None:
            raise UserError(N_("The model cannot be used. The Status page says why."))
        return self._info

    def _words(self, settings: PhotoSettings) -> str:
        """What a style wants to hear, where no prompt was given."""
        style = next((one for one in self._styles.list() if one.name == settings.style), None)
        return ", ".join(style.about.words) if style is not None and style.about.words else "a photo"


def _webp(frame: Frame) -> bytes:
    out = io.BytesIO()
    Image.frombytes("RGB", (frame.width, frame.height), frame.rgb).save(out, "WEBP", quality=80)
    return out.getvalue()
