"""How a set of photos stands: what those who show it are told."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from core import errors
from core.errors import StudioError
from studio.job import Snapshot
from studio.photos.settings import PhotoSettings
from studio.store.batches import StoredBatch, StoredPhoto

PhotoState: TypeAlias = Literal["refused", "waiting", "queued", "running", "done", "failed", "gone"]


@dataclass(frozen=True, slots=True)
class PhotoNow:
    """A photo at one moment. `picture` is the file of what was drawn; `notes` say what was done to what was sent."""

    position: int
    name: str
    state: PhotoState
    job: str = ""
    file: str = ""
    error: StudioError | None = None
    notes: tuple[str, ...] = ()
    share: float = 0.0
    preview_version: int = 0
    duration_ms: int = 0
    ended_ms: int = 0
    picture: str = ""
    request: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """One photo, drawn at several strengths to choose from."""

    position: int
    jobs: tuple[tuple[float, Snapshot], ...]


@dataclass(frozen=True, slots=True)
class BatchNow:
    """A set at one moment. `left_s` until all is drawn; None while that is not known."""

    id: str
    state: str
    settings: PhotoSettings
    photos: tuple[PhotoNow, ...] = ()
    trial: Trial | None = None
    left_s: float | None = None

    @property
    def active(self) -> bool:
        return self.state in ("running", "paused") or any(p.state in ("queued", "running") for p in self.photos)


def photo_now(row: StoredPhoto, job: Snapshot | None) -> PhotoNow:
    state: PhotoState = "waiting"
    error = row.error
    if row.state in ("refused", "failed"):
        state = "refused" if row.state == "refused" else "failed"
    elif row.state == "submitted":
        ended: Mapping[str, PhotoState] = {"done": "done", "failed": "failed", "cancelled": "failed"}
        state, error = ended.get(row.status, "queued" if row.is_active else "gone"), row.record_error
        if job is not None and job.active and not row.status:
            state = "running" if job.state == "running" else "queued"
    return PhotoNow(
        row.position, row.name, state, row.job, row.file, errors.from_json(error) if error else None,
        tuple(json.loads(row.notes)), job.share if job else 0.0, job.preview_version if job else 0, row.duration_ms,
        row.ended_ms, row.picture, row.request, row.source,
    )  # fmt: skip


def left_s(batch: StoredBatch, photos: tuple[PhotoNow, ...]) -> float | None:
    """By the pace of those that ended last."""
    ends = sorted(p.ended_ms for p in photos if p.state == "done" and p.ended_ms >= batch.started_ms)[-12:]
    left = sum(p.state in ("waiting", "queued", "running") for p in photos)
    if batch.state != "running" or len(ends) < 2 or not left:
        return None
    return (ends[-1] - ends[0]) / (len(ends) - 1) * left / 1000
