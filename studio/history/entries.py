"""What is shown of a record: little on a tile, everything in its details."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias, cast

from core import errors
from core.errors import StudioError, UserError
from core.request import GenerationRequest
from studio.job import Kind, State
from studio.verification import Verification

log = logging.getLogger(__name__)

SHORT = 200  # characters of a prompt on a tile
Count: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Card:
    """A tile. The prompt is shortened; without a picture the job failed, was cancelled, or its file was let go of."""

    id: str
    prompt: str
    width: int
    height: int
    status: State
    created: datetime
    favourite: bool
    has_picture: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Some tiles, and the cursor of the next page: "" at the end."""

    cards: tuple[Card, ...]
    next: str = ""


@dataclass(frozen=True, slots=True)
class Facets:
    """How many records there are outside the trash, and by what they are; the most first, batches the newest first."""

    styles: tuple[Count, ...]
    models: tuple[Count, ...]
    sizes: tuple[tuple[tuple[int, int], int], ...]
    statuses: tuple[Count, ...]
    batches: tuple[Count, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A record in full.

    `duration_ms` is from its first quantum to its end; `stages_ms` what the device spent on it, by stage ("text",
    "denoise", "decode"). `environment` is what else the bits may depend on. `file` is the picture's name, "" without
    one, `bytes` its size, `pixels` the SHA-256 of what was drawn. `parent` is the record it was made from.
    """

    id: str
    request: GenerationRequest
    status: State
    error: StudioError | None
    kind: Kind
    created: datetime
    started: datetime | None
    ended: datetime
    duration_ms: int
    stages_ms: Mapping[str, int]
    model: str
    model_hash: str
    environment: Mapping[str, str]
    file: str
    bytes: int
    pixels: str
    batch: str
    batch_index: int
    input_name: str
    parent: str
    favourite: bool
    tags: tuple[str, ...]
    note: str
    attempts: int
    frugal: bool
    trashed: datetime | None
    verified: Verification | None


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a picture was made from, the root first, and what was made from it."""

    parents: tuple[Card, ...]
    children: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings under a name of one's own."""

    name: str
    request: GenerationRequest


def card(row: Mapping[str, Any]) -> Card:
    """From a row of studio.store.records."""
    prompt = prompt_of(row["request"])
    return Card(
        id=row["job_id"],
        prompt=prompt if len(prompt) <= SHORT else prompt[: SHORT - 1] + "…",
        width=row["width"],
        height=row["height"],
        status=row["status"],
        created=moment(row["created_ms"]),
        favourite=row["favourite"],
        has_picture=row["file"] is not None,
    )


def entry(row: Mapping[str, Any]) -> Entry | None:
    """From a row of studio.store.records; None for one that cannot be read, which the log then names."""
    try:
        return Entry(
            id=row["job_id"],
            request=GenerationRequest.from_json(row["request"]),
            status=cast(State, row["status"]),
            error=errors.from_json(row["error"]) if row["error"] else None,
            kind=cast(Kind, row["kind"]),
            created=moment(row["created_ms"]),
            started=moment(row["started_ms"]) if row["started_ms"] else None,
            ended=moment(row["ended_ms"]),
            duration_ms=row["duration_ms"],
            stages_ms=json.loads(row["stages"]),
            model=row["model"],
            model_hash=row["model_hash"],
            environment=json.loads(row["facts"]) if row["facts"] else {},
            file=row["file"] or "",
            bytes=row["bytes"],
            pixels=row["pixels"],
            batch=row["batch"],
            batch_index=row["batch_index"],
            input_name=row["input_name"],
            parent=row["parent"],
            favourite=row["favourite"],
            tags=tuple(json.loads(row["tags"])),
            note=row["note"],
            attempts=row["attempts"],
            frugal=row["frugal"],
            trashed=moment(row["trashed_ms"]) if row["trashed_ms"] else None,
            verified=Verification.from_json(row["verified"]) if row["verified"] else None,
        )
    except (UserError, ValueError):
        log.warning("the record of job %s cannot be read", row["job_id"])
        return None


def prompt_of(request: str) -> str:
    """The prompt in the JSON of a request, "" where that is damaged."""
    try:
        return str(json.loads(request)["prompt"])
    except (ValueError, KeyError, TypeError):
        return ""


def moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
