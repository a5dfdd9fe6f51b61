"""Sets of photos: brought in one by one, drawn alike, a few at a time, until all are done.

An owner has one set at a time. What was brought in stands in the store before its sender has an answer; what is drawn
when is the feeder's business.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import IO

from core import errors
from core.engine import Frame, ModelInfo
from core.errors import N_, UserError
from core.request import GenerationRequest
from studio.job import Snapshot
from studio.jobs import Jobs
from studio.photos.archives import Upload, unpack
from studio.photos.batch_files import BatchFiles, Incoming
from studio.photos.batch_now import BatchNow, PhotoNow, PhotoState, Trial, left_s, photo_now
from studio.photos.feeder import Feeder
from studio.photos.reading import camera_data
from studio.photos.requesting import Requesting
from studio.photos.settings import TRIED, PhotoSettings, defaults
from studio.sources import Sources
from studio.store.batches import CLOSED, BatchStore, NewPhoto, StoredBatch, StoredPhoto
from studio.store.database import StoreError
from studio.styles import StyleLibrary

MOST_PHOTOS = 2_000
_NEW_SEEDS = 2**32


class Batches:
    """Any thread may call any method; each raises StoreError when the database refuses."""

    def __init__(
        self, store: BatchStore, files: BatchFiles, jobs: Jobs, sources: Sources, styles: StyleLibrary,
        info: ModelInfo | None, *, now: Callable[[], datetime], new_id: Callable[[], str],
    ) -> None:  # fmt: skip
        self._store, self._files, self._jobs, self._sources = store, files, jobs, sources
        self._styles, self._info, self._new_id = styles, info, new_id
        self._requesting = Requesting(files, sources, styles, info)
        self.feeder = Feeder(store, jobs, self._requesting, files.place, now)

    def start(self) -> None:
        """From now on sets are drawn."""
        with suppress(StoreError, OSError):  # what is left over stays until the next start
            self._files.sweep(self._store.files)
        self.feeder.start()

    def stop(self) -> None:
        """What is not drawn yet goes on after the next start."""
        self.feeder.stop()

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

    def camera_data(self, look: BatchNow, photo: PhotoNow) -> bytes:
        """What is to stand in the picture of a photo beside its settings: nothing unless that is wanted."""
        try:
            return camera_data(self._files.photo(look.id, photo.file)) if look.settings.camera_data else b""
        except UserError:  # gone
            return b""

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
            yield self._put(batch.id, self._requesting.examine(batch.id, upload))

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
        photo = self._requesting.examine(batch.id, Upload(file.name, data))
        return self._put(batch.id, replace(photo, parent=picture_id))

    def take_again(self, owner: str, made: GenerationRequest, name: str, parent: str = "") -> PhotoNow:
        """The photo that a picture was drawn from, once more, with the settings that it was drawn with.

        `name` is what the photo was called. Raises UserError when it is not here any more, or while a set is drawn.
        """
        file = self._sources.file(owner, made.source.sha256) if made.source is not None else None
        try:
            data = file.read_bytes() if file is not None else b""
        except OSError:
            data = b""
        if not data:
            raise UserError(
                N_("The photo that this was drawn from is not here any more. Bring it in again on the Photos page.")
            )
        batch, now = self._open(owner), self.look(owner).settings
        self.configure(owner, now.as_of(made))
        photo = self._requesting.examine(batch.id, Upload(name or "photo.png", data))
        return self._put(batch.id, replace(photo, parent=parent))

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
        self.feeder.begin(batch)

    def pause(self, owner: str) -> None:
        """Begin no more of them; those in the queue are drawn."""
        batch = self._current(owner)
        if batch.state == "running":
            self.feeder.end(batch.id, "paused")

    def resume(self, owner: str) -> None:
        """Go on after a pause."""
        batch = self._current(owner)
        if batch.state == "paused":
            self.feeder.begin(batch)

    def cancel(self, owner: str) -> None:
        """Stop at once. What is done stays; the rest waits, to be drawn with other settings or not at all."""
        batch = self._current(owner)
        self.feeder.end(batch.id, "open")
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
        self.feeder.begin(batch)

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
        frame = self._requesting.read(batch.id, rows[0], settings)
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

    def _put(self, batch: str, photo: NewPhoto) -> PhotoNow:
        position = self._store.put(batch, photo, MOST_PHOTOS)
        if position is None:
            if photo.file:
                self._files.drop(batch, photo.file)
            raise UserError(N_("There are {most} photos already. Draw these first."), most=MOST_PHOTOS)
        error = errors.from_json(photo.error) if photo.error else None
        state: PhotoState = "refused" if photo.state == "refused" else "waiting"
        return PhotoNow(position, photo.name, state, file=photo.file, error=error, notes=tuple(json.loads(photo.notes)))

    def _try(self, owner: str, batch: str, row: StoredPhoto, settings: PhotoSettings, frame: Frame) -> str:
        request = self._requesting.request(owner, frame, settings)
        key = hashlib.sha256(f"{batch} {request.to_json()}".encode()).hexdigest()
        return self._jobs.submit(owner, request, f"try {key}", parent=row.parent, input_name=row.name)

    def _trial(self, owner: str, batch: StoredBatch) -> Trial | None:
        if not batch.trial:
            return None
        known = json.loads(batch.trial)
        jobs = [(float(at), self._jobs.snapshot(owner, job_id)) for at, job_id in known["jobs"]]
        return Trial(known["position"], tuple((at, job) for at, job in jobs if job is not None))
