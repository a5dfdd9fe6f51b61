"""The records of history, after they were written: found, marked, thrown away, brought back, deleted.

Every method is one transaction, and knows an owner's own records only: another's are as if they did not exist.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Connection, Engine, and_, delete, func, select, update

from studio.store import search, words
from studio.store.database import refusals_told, writing
from studio.store.recording import environment_number, put_records
from studio.store.schema import environments, history, jobs, presets, style_uses
from studio.store.search import Counts, Query

Row: TypeAlias = Mapping[str, Any]
AT_ONCE = 500  # records to a statement
_CARD = [
    history.c[name] for name in ("job_id", "request", "width", "height", "status", "created_ms", "favourite", "file")
]


@dataclass(frozen=True, slots=True)
class Kept:
    """A picture on disk, as far as its record knows: its file, "" for none, and the SHA-256 of its pixels."""

    number: int
    job_id: str
    owner: str
    file: str
    bytes: int
    pixels: str


_KEPT: list[Any] = [
    history.c.number,
    history.c.job_id,
    history.c.owner,
    func.coalesce(history.c.file, "").label("file"),
    history.c.bytes,
    history.c.pixels,
]


class Records:
    """Any thread may call any method. Each raises StoreError when the database refuses, and then changed nothing."""

    def __init__(self, database: Engine) -> None:
        self._database, self._writing = database, writing(database)

    # --- looking -----------------------------------------------------------------------------------------------

    def page(self, owner: str, query: Query, cursor: str, limit: int) -> tuple[list[Row], str]:
        """What the tiles of a page need, in order, and the next cursor."""
        with refusals_told(), self._database.connect() as connection:
            numbers, more = search.find(connection, owner, query, cursor, limit)
            return _in_order(connection, numbers), more

    def counts(self, owner: str) -> dict[str, Counts]:
        """See `search.count`."""
        with refusals_told(), self._database.connect() as connection:
            return search.count(connection, owner)

    def get(self, owner: str, job_id: str) -> Mapping[str, Any] | None:
        """All that is known of a record; its environment under "facts"."""
        with refusals_told(), self._database.connect() as connection:
            row = connection.execute(_whole().where(*_mine(owner, [job_id]))).mappings().first()
            return dict(row) if row else None

    def each(self, owner: str, ids: Sequence[str] | None = None) -> Iterator[Mapping[str, Any]]:
        """The same of many, a part at a time: in the order of `ids`, or all that are not in the trash, oldest first."""
        if ids is None:
            last = 0
            while rows := self._after(owner, last):
                yield from rows
                last = rows[-1]["number"]
            return
        for start in range(0, len(ids), AT_ONCE):
            part = ids[start : start + AT_ONCE]
            with refusals_told(), self._database.connect() as connection:
                found = {
                    r["job_id"]: dict(r) for r in connection.execute(_whole().where(*_mine(owner, part))).mappings()
                }
            yield from (found[job_id] for job_id in part if job_id in found)

    def parent_of(self, owner: str, job_id: str) -> str:
        """The id of the record that it was made from, "" for none."""
        with refusals_told(), self._database.connect() as connection:
            return str(connection.execute(select(history.c.parent).where(*_mine(owner, [job_id]))).scalar() or "")

    def cards(self, owner: str, ids: Sequence[str]) -> list[Row]:
        """What the tiles of these need, in this order."""
        with refusals_told(), self._database.connect() as connection:
            found = {
                row["job_id"]: row for row in connection.execute(select(*_CARD).where(*_mine(owner, ids))).mappings()
            }
            return [dict(found[job_id]) for job_id in ids if job_id in found]

    def children(self, owner: str, job_id: str, limit: int) -> list[Row]:
        """What the tiles of those need that were made from it, oldest first."""
        made = (history.c.owner == owner, history.c.parent == job_id, history.c.trashed_ms == 0)
        with refusals_told(), self._database.connect() as connection:
            found = select(*_CARD).where(*made).order_by(history.c.number).limit(limit)
            return [dict(row) for row in connection.execute(found).mappings()]

    def owners(self) -> list[tuple[str, int]]:
        """Who has records, and how many."""
        with refusals_told(), self._database.connect() as connection:
            found = select(history.c.owner, func.count()).group_by(history.c.owner).order_by(func.count().desc())
            return [(str(row[0]), int(row[1])) for row in connection.execute(found)]

    # --- marking -----------------------------------------------------------------------------------------------

    def mark(self, owner: str, ids: Sequence[str], favourite: bool) -> None:
        with refusals_told(), self._writing.begin() as connection:
            for part in _parts(ids):
                connection.execute(update(history).where(*_mine(owner, part)).values(favourite=favourite))

    def annotate(self, owner: str, job_id: str, note: str | None, tags: Sequence[str] | None) -> None:
        """What is None stays. The words are found at once."""
        values: dict[str, Any] = {} if note is None else {"note": note}
        if tags is not None:
            values["tags"] = json.dumps(list(tags), ensure_ascii=False)
        if not values:
            return
        with refusals_told(), self._writing.begin() as connection:
            change = update(history).where(*_mine(owner, [job_id])).values(values)
            changed = change.returning(history.c.number, history.c.request, history.c.note, history.c.tags)
            row = connection.execute(changed).first()
            if row is not None:
                prompt = str(json.loads(row.request).get("prompt", ""))
                words.put(connection, row.number, owner, (prompt, row.note, *json.loads(row.tags)))

    def trash(self, owner: str, ids: Sequence[str], now_ms: int) -> list[str]:
        """Put into the trash; returns what was not there before."""
        return self._move(owner, ids, history.c.trashed_ms == 0, now_ms)

    def restore(self, owner: str, ids: Sequence[str]) -> list[str]:
        """Take out of the trash; returns what was there."""
        return self._move(owner, ids, history.c.trashed_ms > 0, 0)

    # --- deleting, keeping -------------------------------------------------------------------------------------

    def trashed(self, owner: str | None, before_ms: int, limit: int) -> list[Kept]:
        """What lies in the trash since before that moment: the owner's, or everybody's."""
        old: list[Any] = [history.c.trashed_ms > 0, history.c.trashed_ms < before_ms]
        if owner is not None:
            old.append(history.c.owner == owner)
        return self._kept(select(*_KEPT).where(*old).order_by(history.c.number).limit(limit))

    def of_owner(self, owner: str, limit: int) -> list[Kept]:
        """Some of an owner's records, in the trash or not."""
        return self._kept(select(*_KEPT).where(history.c.owner == owner).limit(limit))

    def oldest(self, before_ms: int | None, limit: int) -> list[Kept]:
        """The oldest pictures that may be let go of, as far as they ended before that moment: no favourites."""
        old: list[Any] = [history.c.file.is_not(None), history.c.favourite.is_(False)]
        if before_ms is not None:
            old.append(history.c.ended_ms < before_ms)
        return self._kept(select(*_KEPT).where(*old).order_by(history.c.number).limit(limit))

    def files(self, after: int, limit: int) -> list[Kept]:
        """The records with a picture, in order, those behind the number `after`."""
        there = and_(history.c.number > after, history.c.file.is_not(None))
        return self._kept(select(*_KEPT).where(there).order_by(history.c.number).limit(limit))

    def named(self, names: Sequence[str]) -> set[str]:
        """Those of these file names that a record has."""
        found: set[str] = set()
        with refusals_told(), self._database.connect() as connection:
            for part in _parts(names):
                found.update(connection.execute(select(history.c.file).where(history.c.file.in_(part))).scalars())
        return found

    def known(self, ids: Sequence[str]) -> set[str]:
        """Those of these ids that are records or jobs, whoever's."""
        found: set[str] = set()
        with refusals_told(), self._database.connect() as connection:
            for part in _parts(ids):
                found.update(connection.execute(select(history.c.job_id).where(history.c.job_id.in_(part))).scalars())
                found.update(connection.execute(select(jobs.c.id).where(jobs.c.id.in_(part))).scalars())
        return found

    def ids(self, owner: str) -> set[str]:
        """All that an owner's records and jobs are called."""
        with refusals_told(), self._database.connect() as connection:
            found = set(connection.execute(select(history.c.job_id).where(history.c.owner == owner)).scalars())
            return found | set(connection.execute(select(jobs.c.id).where(jobs.c.owner == owner)).scalars())

    def bytes(self) -> int:
        """Of all pictures together."""
        with refusals_told(), self._database.connect() as connection:
            return int(connection.execute(select(func.sum(history.c.bytes))).scalar() or 0)

    def let_go(self, numbers: Sequence[int]) -> None:
        """Their pictures are gone; the records stay."""
        with refusals_told(), self._writing.begin() as connection:
            connection.execute(update(history).where(history.c.number.in_(numbers)).values(file=None, bytes=0))

    def delete(self, gone: Sequence[Kept]) -> None:
        """The records, their words and styles, and what is left of their jobs."""
        numbers, ids = [kept.number for kept in gone], [kept.job_id for kept in gone]
        with refusals_told(), self._writing.begin() as connection:
            connection.execute(delete(history).where(history.c.number.in_(numbers)))
            connection.execute(delete(style_uses).where(style_uses.c.number.in_(numbers)))
            connection.execute(delete(jobs).where(jobs.c.id.in_(ids), jobs.c.state.not_in(("queued", "running"))))
            words.drop(connection, numbers)

    def forget(self, owner: str) -> None:
        """What an owner has beside records: presets, and ended jobs."""
        with refusals_told(), self._writing.begin() as connection:
            connection.execute(delete(presets).where(presets.c.owner == owner))
            ended = jobs.c.state.not_in(("queued", "running"))
            connection.execute(delete(jobs).where(jobs.c.owner == owner, ended))

    # --- bringing in -------------------------------------------------------------------------------------------

    def add(self, owner: str, records: Sequence[Mapping[str, Any]]) -> int:
        """Records from elsewhere, with their facts under "facts"; returns how many were not there yet."""
        ids = [record["job_id"] for record in records]
        with refusals_told(), self._writing.begin() as connection:
            there = set(connection.execute(select(history.c.job_id).where(history.c.job_id.in_(ids))).scalars())
            new = {r["job_id"]: dict(r) for r in records if r["job_id"] not in there}
            known = {
                facts: environment_number(connection, facts) for facts in {r["facts"] for r in new.values()} if facts
            }
            whole = []
            for record in new.values():
                environment = known.get(record.pop("facts"))
                said = (record["note"], *json.loads(record["tags"]))
                whole.append(({**record, "owner": owner, "environment": environment}, said))
            if whole:
                put_records(connection, whole)
            return len(new)

    def owned(self, ids: Sequence[str]) -> dict[str, str]:
        """Whose these records are, and the jobs that will be some; "" for jobs, whoever's."""
        with refusals_told(), self._database.connect() as connection:
            active = select(jobs.c.id).where(jobs.c.id.in_(ids), jobs.c.state.in_(("queued", "running")))
            found = dict.fromkeys(connection.execute(active).scalars(), "")
            there = select(history.c.job_id, history.c.owner).where(history.c.job_id.in_(ids))
            return found | {row.job_id: row.owner for row in connection.execute(there)}

    # --- inside ------------------------------------------------------------------------------------------------

    def _move(self, owner: str, ids: Sequence[str], which: Any, trashed_ms: int) -> list[str]:
        moved: list[str] = []
        with refusals_told(), self._writing.begin() as connection:
            for part in _parts(ids):
                change = update(history).where(*_mine(owner, part), which).values(trashed_ms=trashed_ms)
                found = set(connection.execute(change.returning(history.c.job_id)).scalars())
                moved += [job_id for job_id in part if job_id in found]
        return moved

    def _after(self, owner: str, last: int) -> list[dict[str, Any]]:
        later = (history.c.owner == owner, history.c.trashed_ms == 0, history.c.number > last)
        with refusals_told(), self._database.connect() as connection:
            rows = connection.execute(_whole().where(*later).order_by(history.c.number).limit(AT_ONCE)).mappings()
            return [dict(row) for row in rows]

    def _kept(self, statement: Any) -> list[Kept]:
        with refusals_told(), self._database.connect() as connection:
            return [Kept(**row) for row in connection.execute(statement).mappings()]


def _mine(owner: str, ids: Sequence[str]) -> tuple[Any, ...]:
    """By id: SQLite would sooner look through all of the owner's, did it see an index for that (measured: 0.4 s)."""
    return history.c.job_id.in_(ids), history.c.owner.concat("") == owner


def _whole() -> Any:
    joined = history.outerjoin(environments, environments.c.number == history.c.environment)
    return select(*history.c, environments.c.facts).select_from(joined)


def _in_order(connection: Connection, numbers: Sequence[int]) -> list[Row]:
    rows = connection.execute(select(history.c.number, *_CARD).where(history.c.number.in_(numbers))).mappings()
    found = {row["number"]: row for row in rows}
    return [dict(found[number]) for number in numbers if number in found]


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))
