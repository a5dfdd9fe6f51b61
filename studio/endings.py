"""What is written down when a job ends: what its picture is and came from, or what a verification has found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from PIL import Image

from core import errors
from core.engine import Frame
from core.errors import StudioError
from core.request import GenerationRequest
from studio.files import PictureFiles
from studio.job import Job, State
from studio.store.recording import VERIFY, Ending
from studio.store.store import Record
from studio.verification import Change, Verification, changes, psnr_db, style_changes


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What draws: the model's name and a hash over its files, and all else that the bits may depend on."""

    model: str = ""
    model_hash: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Saved:
    """A picture's file: its name, its size in bytes, the SHA-256 of its pixels."""

    file: str
    bytes: int
    pixels: str


def saved(file: Path, frame: Frame) -> Saved:
    return Saved(file.name, file.stat().st_size, frame.sha256)


def ending(
    job_id: str,
    kind: str,
    request: GenerationRequest,
    state: State,
    now: datetime,
    surroundings: Surroundings,
    *,
    lasted_s: float = 0.0,
    spent_s: Mapping[str, float] | None = None,
    error: StudioError | None = None,
    picture: Saved | None = None,
    verified: Verification | None = None,
    frugal: bool = False,
) -> Ending:
    """How the job ended, for the store. A verification without a result of its own says how it ended."""
    if kind == VERIFY and verified is None:
        verified = Verification(job_id, state, now, error=error)
    return Ending(
        status=state,
        seed=request.seed,
        width=request.width,
        height=request.height,
        ended_ms=milliseconds(now),
        duration_ms=round(lasted_s * 1000),
        file=picture.file if picture else None,
        error=errors.to_json(error) if error is not None else None,
        frugal=frugal,
        stages={stage: round(seconds * 1000) for stage, seconds in (spent_s or {}).items()},
        model=surroundings.model,
        model_hash=surroundings.model_hash,
        environment=surroundings.facts,
        bytes=picture.bytes if picture else 0,
        pixels=picture.pixels if picture else "",
        verified=verified.to_json() if verified else None,
    )


def judge(
    job: Job, frame: Frame, record: Record | None, files: PictureFiles, now: datetime, surroundings: Surroundings
) -> Verification:
    """Compare what was just drawn with the picture of `record`: with its file, and with what was noted of it."""
    if record is None:  # deleted meanwhile
        return Verification(job.id, "cancelled", now)
    kept, drawn = _stored(record, files), frame.sha256
    now_digest = kept.sha256 if kept else ""
    found: list[Change] = []
    if record.pixels and kept and now_digest != record.pixels:
        found.append(Change("file", record.pixels[:12], now_digest[:12]))
    if record.model_hash:
        found += changes({"model": record.model_hash[:12]}, {"model": surroundings.model_hash[:12]})
    found += changes(record.environment, surroundings.facts)
    found += style_changes(GenerationRequest.from_json(record.request).styles, job.request.styles)
    if record.frugal != job.frugal:
        found.append(Change("frugal", str(record.frugal).lower(), str(job.frugal).lower()))
    same = drawn == (now_digest or record.pixels)
    return Verification(job.id, "done", now, same, psnr_db(kept, frame) if kept and not same else None, tuple(found))


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _stored(record: Record, files: PictureFiles) -> Frame | None:
    try:
        with Image.open(files.picture(record.file or "")) as image:
            rgb = image.convert("RGB")
            return Frame(rgb.width, rgb.height, rgb.tobytes())
    except (OSError, ValueError, SyntaxError):
        return None
