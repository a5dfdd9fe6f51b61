"""What is still to be told to others: letters, each to one target, written in the transaction that changes a job.

A letter that was taken is out of others' sight until its lease ends; it is gone only once it was delivered. A target
serves one `place`, the data folder whose pictures it needs: studios elsewhere on the same database leave it alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from sqlalchemy import Connection, Engine, RowMapping, and_, delete, func, insert, select, update

from studio.store.database import refusals_told, writing
from studio.store.recording import Ending
from studio.store.schema import closed_targets, outbox

AT_ONCE = 500  # letters to a statement


@dataclass(frozen=True, slots=True)
class Change:
    """Something has happened to a job: "accepted", "started", "finished", "failed" or "cancelled".

    `job` is its row in the store; `ending` is None while it goes on. `attempts` ended with the death of the process.
    """

    event: str
    job: RowMapping | Mapping[str, Any]
    at_ms: int
    attempts: int = 0
    ending: Ending | None = None


Tell: TypeAlias = Callable[[Connection, Change], None]
"""Called in the transaction that writes the change down."""


@dataclass(frozen=True, slots=True)
class Letter:
    """`message` is the same for everybody who is told of the same change."""

    target: str
    message: str
    body: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class Taken:
    """A letter that somebody is about to deliver, for the `attempts`th time."""

    number: int
    message: str
    body: str
    created_ms: int
    attempts: int


class Outbox:
    """The letters of one place. Every method is one transaction, and raises StoreError when the database refuses."""

    def __init__(self, database: Engine, place: str) -> None:
        self.place = place
        self._database, self._writing = database, writing(database)

    def teller(self, letters: Callable[[Change], Sequence[Letter]]) -> Tell:
        """Writes down what `letters` says of each change. They are due at once."""

        def tell(connection: Connection, change: Change) -> None:
            rows = [asdict(one) | {"place": self.place, "due_ms": one.created_ms} for one in letters(change)]
            if rows:
                connection.execute(insert(outbox).values(attempts=0), rows)

        return tell

    def take(self, target: str, now_ms: int, until_ms: int, most: int) -> list[Taken]:
        """Letters that are due, the one that has been for longest first; for the caller alone until `until_ms`."""
        due = self._of(target) & (outbox.c.due_ms <= now_ms)
        first = select(outbox.c.number).where(due).order_by(outbox.c.due_ms, outbox.c.number).limit(most)
        with refusals_told(), self._database.connect() as connection:
            numbers = list(connection.execute(first).scalars())
        if not numbers:
            return []
        change = update(outbox).where(outbox.c.number.in_(numbers), outbox.c.due_ms <= now_ms)  # others may be quicker
        change = change.values(due_ms=until_ms, attempts=outbox.c.attempts + 1)
        with refusals_told(), self._writing.begin() as connection:
            rows = connection.execute(change.returning(*(outbox.c[n] for n in Taken.__slots__))).mappings().all()
        return sorted((Taken(**row) for row in rows), key=lambda letter: numbers.index(letter.number))

    def settle(self, delivered: Sequence[int], put_off: Mapping[int, int], returned: Mapping[int, int]) -> None:
        """What has become of letters that were taken. Those put off, and those nobody tried, are due when it says."""
        with refusals_told(), self._writing.begin() as connection:
            if delivered:
                connection.execute(delete(outbox).where(outbox.c.number.in_(delivered)))
            for number, due_ms in put_off.items():
                connection.execute(update(outbox).where(outbox.c.number == number).values(due_ms=due_ms))
            for number, due_ms in returned.items():
                values = {"due_ms": due_ms, "attempts": outbox.c.attempts - 1}
                connection.execute(update(outbox).where(outbox.c.number == number).values(values))

    def hurry(self, target: str, now_ms: int) -> None:
        """All that waits for this target is due now."""
        late = self._of(target) & (outbox.c.due_ms > now_ms)
        with refusals_told(), self._writing.begin() as connection:
            connection.execute(update(outbox).where(late).values(due_ms=now_ms))

    def close(self, target: str, now_ms: int) -> None:
        """The target wants nothing any more: for good, and what waits for it is dropped."""
        known = select(closed_targets.c.target).where(closed_targets.c.target == target)
        with refusals_told(), self._writing.begin() as connection:
            connection.execute(delete(outbox).where(self._of(target)))
            if connection.execute(known).first() is None:
                connection.execute(insert(closed_targets).values(target=target, closed_ms=now_ms))

    def closed(self) -> Mapping[str, int]:
        """Targets that were closed, and when."""
        with refusals_told(), self._database.connect() as connection:
            rows = connection.execute(select(closed_targets.c.target, closed_targets.c.closed_ms))
            return {str(row.target): int(row.closed_ms) for row in rows}

    def waiting(self) -> Mapping[str, int]:
        """How many letters wait for whom."""
        count = select(outbox.c.target, func.count()).where(outbox.c.place == self.place).group_by(outbox.c.target)
        with refusals_told(), self._database.connect() as connection:
            return {str(target): int(number) for target, number in connection.execute(count)}

    def forget(self, target: str, before_ms: int, most: int) -> int:
        """Drop what was written before that moment, and the oldest beyond `most`. Returns how many that were."""
        mine = self._of(target)
        newest = select(outbox.c.number).where(mine).order_by(outbox.c.number.desc()).offset(most).limit(1)
        with refusals_told(), self._writing.begin() as connection:
            last = connection.execute(newest).scalar()
            old = outbox.c.created_ms < before_ms
            dropped = connection.execute(delete(outbox).where(mine, old | (outbox.c.number <= last) if last else old))
            return int(dropped.rowcount)

    def keep_only(self, targets: Sequence[str]) -> int:
        """Drop letters to targets that are there no more. Returns how many that were."""
        gone = and_(outbox.c.place == self.place, outbox.c.target.not_in(targets))
        with refusals_told(), self._writing.begin() as connection:
            return int(connection.execute(delete(outbox).where(gone)).rowcount)

    def drop(self, is_meant: Callable[[str], bool]) -> int:
        """Drop all letters whose message is meant, to whomever. Returns how many that were."""
        mine = select(outbox.c.number, outbox.c.message).where(outbox.c.place == self.place)
        with refusals_told(), self._writing.begin() as connection:
            numbers = [row.number for row in connection.execute(mine) if is_meant(row.message)]
            for first in range(0, len(numbers), AT_ONCE):
                part = numbers[first : first + AT_ONCE]
                connection.execute(delete(outbox).where(outbox.c.number.in_(part)))
            return len(numbers)

    def _of(self, target: str) -> Any:
        return and_(outbox.c.target == target, outbox.c.place == self.place)
