"""Sets of photos and what became of each, durably. SQL alone: what is drawn when, others decide."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine, and_, delete, func, insert, select, update

from studio.store.database import refusals_told, writing
from studio.store.schema import batch_photos, batches, history, jobs

CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """`settings` and `trial` are JSON; `started_ms` since 1970."""

    id: str
    owner: str
    place: str
    state: str
    settings: str
    trial: str = ""
    started_ms: int = 0


@dataclass(frozen=True, slots=True)
class NewPhoto:
    """`notes` and `error` are JSON. `state` is waiting or refused."""

    name: str
    file: str = ""
    state: str = "waiting"
    parent: str = ""
    notes: str = "[]"
    error: str | None = None


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """A photo and, once its job has ended, how: `status` is "" before, and when the record is gone. `is_active`: its
    job waits or runs, wherever that is."""

    batch: str
    position: int
    name: str
    file: str
    state: str
    attempt: int
    job: str
    source: str
    parent: str
    notes: str
    error: str | None
    status: str
    picture: str
    request: str
    record_error: str | None
    duration_ms: int
    ended_ms: int
    is_active: bool


class BatchStore:
    """Every method is one transaction, and raises StoreError when the database refuses."""

    def __init__(self, database: Engine) -> None:
        self._database, self._writing = database, writing(database)

    # --- sets --------------------------------------------------------------------------------------------------

    def current(self, owner: str) -> StoredBatch | None:
        """The owner's newest set, unless it is closed."""
        mine = select(batches).where(batches.c.owner == owner, batches.c.state != CLOSED)
        return self._one(mine.order_by(batches.c.number.desc()).limit(1))

    def running(self, place: str) -> list[StoredBatch]:
        """Sets of this data folder that are being drawn, in the order in which they came."""
        here = and_(batches.c.place == place, batches.c.state == "running")
        theirs = select(batches).where(here).order_by(batches.c.number)
        with refusals_told(), self._database.connect() as connection:
            return [_batch(row) for row in connection.execute(theirs).mappings()]

    def add(self, batch: StoredBatch) -> StoredBatch:
        """A new set, or the owner's current one where there is one meanwhile."""
        with refusals_told(), self._writing.begin() as connection:
            mine = select(batches).where(batches.c.owner == batch.owner, batches.c.state != CLOSED)
            known = connection.execute(mine.order_by(batches.c.number.desc()).limit(1)).mappings().first()
            if known is not None:
                return _batch(known)
            connection.execute(insert(batches).values(asdict(batch)))
            return batch

    def change(self, batch: str, **values: Any) -> None:
        with refusals_told(), self._writing.begin() as connection:
            connection.execute(update(batches).where(batches.c.id == batch).values(values))

    def forget(self, owner: str) -> list[str]:
        """Delete all sets of an owner; returns their ids."""
        with refusals_told(), self._writing.begin() as connection:
            ids = list(connection.execute(select(batches.c.id).where(batches.c.owner == owner)).scalars())
            connection.execute(delete(batch_photos).where(batch_photos.c.batch.in_(ids)))
            connection.execute(delete(batches).where(batches.c.id.in_(ids)))
            return ids

    # --- their photos ------------------------------------------------------------------------------------------

    def put(self, batch: str, photo: NewPhoto, most: int) -> int | None:
        """Add a photo at the end; returns its position, None when there are `most` already, or it is closed."""
        with refusals_told(), self._writing.begin() as connection:
            state = connection.execute(select(batches.c.state).where(batches.c.id == batch)).scalar()
            theirs = batch_photos.c.batch == batch
            found = connection.execute(select(func.count(), func.max(batch_photos.c.position)).where(theirs)).one()
            if state in (None, CLOSED) or found[0] >= most:
                return None
            position = 0 if found[1] is None else int(found[1]) + 1
            connection.execute(insert(batch_photos).values(batch=batch, position=position, **asdict(photo)))
            return position

    def photos(self, batch: str, positions: Collection[int] | None = None) -> list[StoredPhoto]:
        """In their order, each with how its job ended."""
        chosen = batch_photos.c.batch == batch
        if positions is not None:
            chosen = and_(chosen, batch_photos.c.position.in_(positions))
        return self._photos(chosen, None)

    def waiting(self, batch: str, limit: int) -> list[StoredPhoto]:
        """The next that are to be drawn."""
        return self._photos(and_(batch_photos.c.batch == batch, batch_photos.c.state == "waiting"), limit)

    def change_photo(self, batch: str, position: int, **values: Any) -> None:
        one = and_(batch_photos.c.batch == batch, batch_photos.c.position == position)
        with refusals_told(), self._writing.begin() as connection:
            connection.execute(update(batch_photos).where(one).values(values))

    def submitted(self, batch: str, position: int, job: str, source: str) -> bool:
        """Note the job that draws a photo; False when it waits no more, or its set is not drawn any more."""
        one = and_(batch_photos.c.batch == batch, batch_photos.c.position == position)
        running = select(batches.c.id).where(batches.c.id == batch, batches.c.state != CLOSED)
        waits = and_(one, batch_photos.c.state == "waiting", batch_photos.c.batch.in_(running))
        change = update(batch_photos).where(waits).values(state="submitted", job=job, source=source)
        with refusals_told(), self._writing.begin() as connection:
            return bool(connection.execute(change).rowcount)

    def wait_again(self, batch: str, positions: Collection[int]) -> None:
        """They are to be drawn, once more."""
        these = and_(batch_photos.c.batch == batch, batch_photos.c.position.in_(positions))
        values = {"state": "waiting", "attempt": batch_photos.c.attempt + 1, "job": "", "error": None}
        with refusals_told(), self._writing.begin() as connection:
            connection.execute(update(batch_photos).where(these, batch_photos.c.state != "refused").values(values))

    def remove(self, batch: str, position: int) -> None:
        one = and_(batch_photos.c.batch == batch, batch_photos.c.position == position)
        with refusals_told(), self._writing.begin() as connection:
            connection.execute(delete(batch_photos).where(one))

    def files(self, batch: str) -> set[str]:
        """What its photos need of its folder."""
        with refusals_told(), self._database.connect() as connection:
            theirs = select(batch_photos.c.file).where(batch_photos.c.batch == batch, batch_photos.c.file != "")
            return set(connection.execute(theirs).scalars())

    # --- inside ------------------------------------------------------------------------------------------------

    def _one(self, query: Any) -> StoredBatch | None:
        with refusals_told(), self._database.connect() as connection:
            row = connection.execute(query).mappings().first()
            return _batch(row) if row is not None else None

    def _photos(self, chosen: Any, limit: int | None) -> list[StoredPhoto]:
        columns = [column for column in batch_photos.c if column.name != "error"]
        ended = (
            func.coalesce(history.c.status, "").label("status"), func.coalesce(history.c.file, "").label("picture"),
            func.coalesce(history.c.request, "").label("request"), history.c.error.label("record_error"),
            func.coalesce(history.c.duration_ms, 0).label("duration_ms"),
            func.coalesce(history.c.ended_ms, 0).label("ended_ms"), jobs.c.id.is_not(None).label("is_active"),
        )  # fmt: skip
        active = and_(jobs.c.id == batch_photos.c.job, jobs.c.state.in_(("queued", "running")))
        joined = batch_photos.outerjoin(history, history.c.job_id == batch_photos.c.job).outerjoin(jobs, active)
        query = select(*columns, batch_photos.c.error, *ended).select_from(joined).where(chosen)
        with refusals_told(), self._database.connect() as connection:
            rows = connection.execute(query.order_by(batch_photos.c.position).limit(limit)).mappings()
            return [StoredPhoto(**row) for row in rows]


def _batch(row: Mapping[Any, Any]) -> StoredBatch:
    return StoredBatch(**{name: row[name] for name in StoredBatch.__slots__})
