"""How a job's end is written down, in the transaction that ends it: the record, its styles, its words.

A job that only draws a record again leaves no record of its own: what it found stands with the record it looked at.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from studio.store import words
from studio.store.schema import environments, history, style_uses

VERIFY: Literal["verify"] = "verify"  # the kind of such a job
_COPIED = ("owner", "kind", "request", "attempts", "created_ms", "started_ms")
_ORIGIN = ("parent", "batch", "batch_index", "input_name")


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended. `seed`, `width` and `height` stand in the request also; here they can be searched.

    `stages` are milliseconds of the device by stage. `bytes` is the size of the file, `pixels` the SHA-256 of what was
    drawn. `verified` is what a job that draws a record again has found.
    """

    status: str
    seed: int
    width: int
    height: int
    ended_ms: int
    duration_ms: int = 0
    file: str | None = None
    error: str | None = None
    frugal: bool = False
    stages: Mapping[str, int] = field(default_factory=dict)
    model: str = ""
    model_hash: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    bytes: int = 0
    pixels: str = ""
    verified: str | None = None


def conclude(connection: Connection, job: RowMapping, ending: Ending, attempts: int) -> None:
    """Write down how `job`, a row of `jobs`, has ended."""
    if job["kind"] == VERIFY:
        mine = (history.c.job_id == job["parent"]) & (history.c.owner == job["owner"])
        connection.execute(update(history).where(mine).values(verified=ending.verified))
        return
    own = ("seed", "width", "height", "status", "ended_ms", "duration_ms", "file", "error", "frugal")
    values: dict[str, Any] = {name: getattr(ending, name) for name in own}
    values |= {name: job[name] for name in (*_COPIED, *_ORIGIN)}
    values |= {
        "job_id": job["id"],
        "attempts": attempts,
        "stages": json.dumps(dict(ending.stages)),
        "model": ending.model[:200],
        "model_hash": ending.model_hash,
        "environment": _number_of(connection, ending.environment),
        "bytes": ending.bytes,
        "pixels": ending.pixels,
    }
    put_records(connection, [(values, ())])


def put_records(connection: Connection, records: Sequence[tuple[Mapping[str, Any], Sequence[str]]]) -> None:
    """New records with all that they are found by; beside each, words that are not in its prompt."""
    values = [{**record, "area": record["width"] * record["height"]} for record, _ in records]
    added = insert(history).returning(history.c.number, sort_by_parameter_order=True)
    numbers = connection.execute(added, values).scalars().all()
    uses, said = [], []
    for number, (record, words_beside) in zip(numbers, records, strict=True):
        owner, request = record["owner"], json.loads(record["request"])
        said.append((number, owner, words.tokens("\n".join((str(request.get("prompt", "")), *words_beside)))))
        for position, use in enumerate(request.get("styles", [])):
            line = {"number": number, "position": position, "owner": owner, "name": use["name"]}
            uses.append(line | {"strength": use.get("strength", 1.0), "sha256": use.get("sha256", "")})
    if uses:
        connection.execute(insert(style_uses), uses)
    words.add(connection, said)


def _number_of(connection: Connection, facts: Mapping[str, str]) -> int | None:
    """Each set of facts is kept once."""
    return environment_number(connection, json.dumps(dict(facts), sort_keys=True)) if facts else None


def environment_number(connection: Connection, facts: str) -> int:
    """The number of these facts, JSON with its keys in order."""
    digest = hashlib.sha256(facts.encode()).hexdigest()
    kind = sqlite if connection.dialect.name == "sqlite" else postgresql
    known = select(environments.c.number).where(environments.c.sha256 == digest)
    if (number := connection.execute(known).scalar()) is None:
        add = kind.insert(environments).values(sha256=digest, facts=facts).on_conflict_do_nothing()
        connection.execute(add)
        number = connection.execute(known).scalar_one()
    return int(number)
