"""Jobs and their records, durably. Every method is one transaction, and has happened when it returns.

Whoever ends a job wins by the database alone: an end that comes second changes nothing and says so.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, and_, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from studio.store.database import refusals_told, writing
from studio.store.outbox import Change, Tell
from studio.store.recording import Ending, conclude
from studio.store.schema import environments, history, jobs

MAX_ATTEMPTS = 3
_ACTIVE = ("queued", "running")


@dataclass(frozen=True, slots=True)
class NewJob:
    """What is known of a job when it is accepted. `request` is JSON; moments are milliseconds since 1970."""

    id: str
    owner: str
    key: str | None
    kind: str
    request: str
    created_ms: int
    parent: str = ""
    batch: str = ""
    batch_index: int = 0
    input_name: str = ""


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job that waits, as another process has left it. `attempts` have ended with the death of the process."""

    id: str
    owner: str
    key: str | None
    kind: str
    request: str
    created_ms: int
    attempts: int
    parent: str
    batch: str
    batch_index: int
    input_name: str


@dataclass(frozen=True, slots=True)
class Record:
    """A line of history."""

    job_id: str
    owner: str
    kind: str
    request: str
    status: str
    file: str | None
    error: str | None
    attempts: int
    frugal: bool
    created_ms: int
    duration_ms: int
    pixels: str
    model_hash: str
    environment: Mapping[str, str]


class Store:
    """The writes and reads of one process, whose name is `holder`. Any thread may call any method.

    `tell` is called in the transaction of each change in a job's life. Every method raises StoreError when the database
    refuses; nothing has been changed then.
    """

    def __init__(self, database: Engine, holder: str, tell: Tell = lambda *_: None) -> None:
        self.holder, self._tell = holder, tell
        self._database, self._writing = database, writing(database)

    # --- a job's life ------------------------------------------------------------------------------------------

    def add(self, job: NewJob, lease_ms: int) -> str:
        """Accept a job. Returns its id, or the id of the job that has the owner's key already."""
        values = asdict(job) | {"state": "queued", "attempts": 0, "holder": self.holder, "lease_ms": lease_ms}
        try:
            with refusals_told(), self._writing.begin() as connection:
                connection.execute(insert(jobs).values(values))
                self._tell(connection, Change("accepted", values, job.created_ms))
                return job.id
        except IntegrityError:
            known = self.find(job.owner, job.key or "")
            if known is None:
                raise
            return known

    def find(self, owner: str, key: str) -> str | None:
        """The id of the owner's job with this key, ended ones included."""
        with refusals_told(), self._database.connect() as connection:
            row = connection.execute(select(jobs.c.id).where(jobs.c.owner == owner, jobs.c.key == key)).first()
            return str(row.id) if row else None

    def begin(self, job_id: str, now_ms: int) -> None:
        """The job runs from now on, if it still waits here."""
        mine = and_(jobs.c.id == job_id, jobs.c.state == "queued", jobs.c.holder == self.holder)
        with refusals_told(), self._writing.begin() as connection:
            change = update(jobs).where(mine).values(state="running", started_ms=now_ms)
            row = connection.execute(change.returning(*jobs.c)).mappings().first()
            if row is not None:
                self._tell(connection, Change("started", row, now_ms, row["attempts"]))

    def end(self, job_id: str, ending: Ending) -> bool:
        """End a job and write its record. False when it had ended already, or is no longer ours."""
        mine = and_(jobs.c.id == job_id, jobs.c.state.in_(_ACTIVE), jobs.c.holder == self.holder)
        with refusals_told(), self._writing.begin() as connection:
            change = update(jobs).where(mine).values(state=ending.status, ended_ms=ending.ended_ms)
            row = connection.execute(change.returning(*jobs.c)).mappings().first()
            if row is not None:
                self._conclude(connection, row, ending, row["attempts"])
            return row is not None

    def has_ended(self, job_id: str) -> bool:
        """Whether this job is in nobody's hands any more."""
        with refusals_told(), self._database.connect() as connection:
            state = connection.execute(select(jobs.c.state).where(jobs.c.id == job_id)).scalar()
            return state is not None and state not in _ACTIVE

    def release(self) -> None:
        """Leave what waits and runs to whoever comes next: the studio stops of its own will."""
        mine = and_(jobs.c.holder == self.holder, jobs.c.state.in_(_ACTIVE))
        with refusals_told(), self._writing.begin() as connection:
            connection.execute(update(jobs).where(mine).values(state="queued", lease_ms=0))

    # --- after others ------------------------------------------------------------------------------------------

    def renew(self, lease_ms: int) -> None:
        """This process lives: until `lease_ms` nobody elsewhere takes its jobs."""
        mine = and_(jobs.c.holder == self.holder, jobs.c.state.in_(_ACTIVE))
        with refusals_told(), self._writing.begin() as connection:
            connection.execute(update(jobs).where(mine).values(lease_ms=lease_ms))

    def holders(self) -> Mapping[str, int]:
        """Other processes that have jobs, and until when the longest of their leases runs."""
        others = select(jobs.c.holder, jobs.c.lease_ms).where(jobs.c.state.in_(_ACTIVE), jobs.c.holder != self.holder)
        with refusals_told(), self._database.connect() as connection:
            found: dict[str, int] = {}
            for holder, lease_ms in connection.execute(others):
                found[holder] = max(lease_ms, found.get(holder, 0))
            return found

    def adopt(
        self, gone: str, on_device: str | None, lease_ms: int, giving_up: Callable[[StoredJob], Ending]
    ) -> list[StoredJob]:
        """Take over the jobs of `gone`, a process that is no more, in the order in which they were accepted.

        `on_device` is the job it was at when it died, "" for none, None when that is not known: that job (each that
        ran, when it is not known) has used up an attempt. After the last one it ends, as `giving_up` says.
        """
        theirs = and_(jobs.c.holder == gone, jobs.c.state.in_(_ACTIVE))
        with refusals_told(), self._writing.begin() as connection:
            rows = connection.execute(select(*jobs.c).where(theirs).order_by(jobs.c.number)).mappings().all()
            adopted = []
            for row in rows:
                blamed = row["id"] == on_device or (on_device is None and row["state"] == "running")
                attempts = row["attempts"] + blamed
                job = StoredJob(**{name: row[name] for name in StoredJob.__slots__} | {"attempts": attempts})
                if attempts >= MAX_ATTEMPTS:
                    ending = giving_up(job)
                    values: dict[str, Any] = {"state": ending.status, "ended_ms": ending.ended_ms}
                    self._conclude(connection, row, ending, attempts)
                else:
                    values = {"state": "queued", "attempts": attempts, "holder": self.holder, "lease_ms": lease_ms}
                    adopted.append(job)
                connection.execute(update(jobs).where(jobs.c.number == row["number"]).values(values))
            return adopted

    def prune(self, before_ms: int) -> None:
        """Forget ended jobs from before that moment; their records stay."""
        old = and_(jobs.c.state.not_in(_ACTIVE), or_(jobs.c.ended_ms < before_ms, jobs.c.ended_ms.is_(None)))
        with refusals_told(), self._writing.begin() as connection:
            connection.execute(delete(jobs).where(old))

    # --- what was ----------------------------------------------------------------------------------------------

    def records(self, owner: str, limit: int) -> list[Record]:
        """The owner's latest records that are not in the trash, newest first."""
        mine = and_(history.c.owner == owner, history.c.trashed_ms == 0)
        newest = _RECORD.where(mine).order_by(history.c.number.desc()).limit(limit)
        with refusals_told(), self._database.connect() as connection:
            return [_record(row) for row in connection.execute(newest).mappings()]

    def record(self, job_id: str) -> Record | None:
        """The record of one job, once it has ended; in the trash or not."""
        with refusals_told(), self._database.connect() as connection:
            row = connection.execute(_RECORD.where(history.c.job_id == job_id)).mappings().first()
            return _record(row) if row else None

    def is_taken(self, file: str) -> bool:
        """Whether a record has a file of this name."""
        with refusals_told(), self._database.connect() as connection:
            return connection.execute(select(history.c.number).where(history.c.file == file)).first() is not None

    def close(self) -> None:
        self._database.dispose()

    def _conclude(self, connection: Connection, job: RowMapping, ending: Ending, attempts: int) -> None:
        conclude(connection, job, ending, attempts)
        event = "finished" if ending.status == "done" else ending.status
        self._tell(connection, Change(event, job, ending.ended_ms, attempts, ending))


_RECORD = select(
    *(history.c[name] for name in Record.__slots__ if name != "environment"), environments.c.facts
).select_from(history.outerjoin(environments, environments.c.number == history.c.environment))


def _record(row: RowMapping) -> Record:
    values = {name: row[name] for name in Record.__slots__ if name != "environment"}
    return Record(**values, environment=json.loads(row["facts"] or "{}"))
