"""The whole history as text, a record a line of JSON, and back from there. What comes back is not trusted.

A line brings a record, never a picture: its file is named in there, and stays where it is.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from string import Formatter
from typing import Any

from core import errors
from core.errors import N_, StudioError, UserError
from core.request import MAX_SEED, GenerationRequest
from studio.endings import milliseconds
from studio.history.entries import Entry, entry
from studio.history.marks import checked_note, checked_tags
from studio.store.records import AT_ONCE, Records

FORMAT = 1
MOST_LINE = 200_000  # characters: a prompt, a note and all else are less than a tenth
_ID = re.compile(r"[0-9a-f]{16,64}")
_SHA256 = re.compile(r"([0-9a-f]{64})?")
_ENDED, _KINDS = ("done", "failed", "cancelled"), ("interactive", "batch")
_LATEST_MS = 7_258_118_400_000  # the year 2200
_LONGEST_MS = 2**31 - 1
_MOST_FACTS, _MOST_TEXT = 60, 255


@dataclass(frozen=True, slots=True)
class Imported:
    """How many records are new; those that were there already are neither new nor skipped. `skipped` are lines by their
    number, from 1, and why."""

    count: int
    skipped: tuple[tuple[int, StudioError], ...]


def lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each record that can be read, with its end."""
    for row in rows:
        if (known := entry(row)) is not None:
            yield json.dumps({"jimeng": FORMAT, **to_data(known)}, ensure_ascii=False) + "\n"


def to_data(known: Entry) -> dict[str, Any]:
    """A record as plain JSON."""
    data = asdict(known) | {"request": json.loads(known.request.to_json())}
    for name in ("trashed", "verified"):  # that was here, and is nobody's business elsewhere
        del data[name]
    for name in ("created", "started", "ended"):
        moment: datetime | None = data[name]
        data[name] = moment.isoformat(timespec="milliseconds") if moment else None
    data["error"] = json.loads(errors.to_json(known.error)) if known.error else None
    return data


def read(records: Records, owner: str, texts: Iterable[str]) -> Imported:
    """Add what the lines tell of and is not there yet. Raises StoreError; what was added before stays."""
    count, skipped, batch = 0, [], []
    for number, text in enumerate(texts, 1):
        if not text.strip():
            continue
        try:
            batch.append(_row(text))
        except UserError as error:
            skipped.append((number, error))
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError, AttributeError):
            skipped.append((number, UserError(N_("This line is no record of a picture, or a damaged one."))))
        if len(batch) >= AT_ONCE:
            count += _add(records, owner, batch)
            batch = []
    return Imported(count + _add(records, owner, batch), tuple(skipped))


def _add(records: Records, owner: str, batch: list[dict[str, Any]]) -> int:
    """A record whose id is another's gets one of its own: the same each time, so that it comes in once."""
    owners = records.owned([row["job_id"] for row in batch])
    for row in batch:
        if owners.get(row["job_id"], owner) != owner:
            row["job_id"] = hashlib.sha256(f"{owner}\n{row['job_id']}".encode()).hexdigest()[:32]
    return records.add(owner, batch) if batch else 0


def _row(text: str) -> dict[str, Any]:
    """The columns of a record. Raises what a value of the wrong kind raises."""
    if len(text) > MOST_LINE:
        raise ValueError
    data = json.loads(text)
    if data.get("jimeng") != FORMAT:
        raise UserError(N_("This line was not written by this version of the studio, or by another program."))
    request = GenerationRequest.from_json(json.dumps(data["request"]))
    started = data.get("started")
    return {
        "job_id": _matched(_ID, data["id"]),
        "kind": _one_of(data["kind"], _KINDS),
        "request": request.to_json(),
        "seed": _whole(request.seed, MAX_SEED),
        "width": request.width,
        "height": request.height,
        "status": _one_of(data["status"], _ENDED),
        "file": None,
        "error": _error(data.get("error")),
        "attempts": _whole(data.get("attempts", 0), 100),
        "frugal": _flag(data.get("frugal", False)),
        "created_ms": _moment(data["created"]),
        "started_ms": _moment(started) if started else None,
        "ended_ms": _moment(data["ended"]),
        "duration_ms": _whole(data.get("duration_ms", 0), _LONGEST_MS),
        "stages": json.dumps(_durations(data.get("stages_ms", {}))),
        "model": _said(data.get("model", ""), 200),
        "model_hash": _said(data.get("model_hash", ""), 64),
        "facts": _facts(data.get("environment", {})),
        "bytes": 0,
        "pixels": _matched(_SHA256, data.get("pixels", "")),
        "batch": _said(data.get("batch", ""), 64),
        "batch_index": _whole(data.get("batch_index", 0), _LONGEST_MS),
        "input_name": _said(data.get("input_name", ""), 255),
        "parent": _matched(_ID, data["parent"]) if data.get("parent") else "",
        "favourite": _flag(data.get("favourite", False)),
        "tags": json.dumps(checked_tags(_listed(data.get("tags", []))), ensure_ascii=False),
        "note": checked_note(data.get("note", "")),
    }


def _matched(pattern: re.Pattern[str], value: str) -> str:
    if not pattern.fullmatch(value):
        raise ValueError
    return value


def _one_of(value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError
    return value


def _whole(value: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError
    return value


def _listed(value: list[str]) -> list[str]:
    if not isinstance(value, list):
        raise ValueError
    return value


def _flag(value: bool) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _said(value: str, most: int) -> str:
    if len(value) > most or not value.isprintable():
        raise ValueError
    return value


def _moment(value: str) -> int:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError
    return _whole(milliseconds(moment), _LATEST_MS)


def _durations(value: Mapping[str, int]) -> dict[str, int]:
    if len(value) > _MOST_FACTS:
        raise ValueError
    return {_said(stage, _MOST_TEXT): _whole(ms, _LONGEST_MS) for stage, ms in value.items()}


def _facts(value: Mapping[str, str]) -> str:
    if len(value) > _MOST_FACTS:
        raise ValueError
    facts = {_said(name, _MOST_TEXT): _said(fact, _MOST_TEXT) for name, fact in value.items()}
    return json.dumps(facts, sort_keys=True) if facts else ""


def _error(value: Mapping[str, Any] | None) -> str | None:
    """An error that can be shown: its template is filled in by names alone, which a stranger's might not be."""
    if value is None:
        return None
    template, values = value["template"], value["values"]
    for _, name, form, conversion in Formatter().parse(template):
        if name is not None and (name not in values or not name.isidentifier() or form or conversion):
            raise ValueError
    if len(template) > 2_000 or not all(
        isinstance(v, str | int | float) and len(str(v)) < 2_000 for v in values.values()
    ):
        raise ValueError
    error = errors.from_json(json.dumps(value))
    str(error)
    return errors.to_json(error)
