"""Which records a page of history shows: conditions, order, and the place where the next page begins.

Pages go on behind the last record shown (not at a count), so that the thousandth is found as quickly as the first, and
nothing is shown twice when records come meanwhile.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import Column, Connection, Select, and_, func, or_, select, tuple_
from sqlalchemy.sql.elements import ColumnElement

from core.errors import N_, UserError
from core.request import MAX_SIDE
from studio.job import State
from studio.store import words
from studio.store.schema import history, style_uses

Order: TypeAlias = Literal["newest", "oldest", "largest", "slowest"]
_KEYS = {"newest": history.c.number, "oldest": history.c.number, "largest": history.c.area}
_KEYS |= {"slowest": history.c.duration_ms}
Counts: TypeAlias = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: all conditions together, and empty ones say nothing.

    `words` are found in prompt, note and tags by their beginning, each of them; whatever is typed is never an error.
    `styles`: with any of them, and `strength` is that of a style, at least and at most. `sizes` in pixels. `since` and
    `until` are about the moment when it was asked for. `trash`: only what is in the trash, otherwise only what is not.
    """

    words: str = ""
    styles: tuple[str, ...] = ()
    strength: tuple[float, float] | None = None
    sizes: tuple[tuple[int, int], ...] = ()
    statuses: tuple[State, ...] = ()
    models: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    batch: str = ""
    favourites: bool = False
    trash: bool = False
    order: Order = "newest"

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        for name in ("styles", "models", "statuses"):
            set_(self, name, tuple(_storable(value) for value in getattr(self, name)))
        set_(self, "batch", _storable(self.batch))
        set_(self, "sizes", tuple((min(w, MAX_SIDE + 1), min(h, MAX_SIDE + 1)) for w, h in self.sizes))
        if self.order not in _KEYS:
            raise UserError(N_("History has no such order: {order}."), order=str(self.order)[:40])


def find(connection: Connection, owner: str, query: Query, cursor: str, limit: int) -> tuple[list[int], str]:
    """Numbers of the records of a page, in order, and the cursor of the next one, "" at the end.

    Raises UserError for a cursor that is not of this order.
    """
    key, number, descending = _KEYS[query.order], history.c.number, query.order != "oldest"
    looked_for = words.terms(query.words)
    if query.words.strip() and not looked_for:
        return [], ""  # nothing but signs
    conditions = list(_conditions(owner, query))
    statement: Select[Any] = select(key.label("key"), number.label("number"))
    if looked_for:
        dialect = connection.dialect.name
        alone = key is number and len(conditions) == 2
        if alone or dialect != "sqlite":
            statement = statement.select_from(words.history_words.join(history, number == words.key(dialect)))
            conditions += words.matches(dialect, owner, looked_for)
            if dialect == "sqlite":
                number = key = words.key(dialect)  # type: ignore[assignment]  # in whose order they come already
        else:
            conditions.append((history.c.number + 0).in_(words.matching(dialect, owner, looked_for)))
    if cursor:
        last, place = _read(cursor), (key, number)
        if key is number:
            conditions.append(number < last[1] if descending else number > last[1])
        else:
            conditions.append(tuple_(*place) < tuple_(*last))
    orders = [key, number] if key is not number else [number]
    statement = statement.where(*conditions).order_by(*(c.desc() if descending else c.asc() for c in orders))
    rows = connection.execute(statement.limit(limit + 1)).all()
    more = f"{rows[limit - 1].key}.{rows[limit - 1].number}" if len(rows) > limit else ""
    return [row.number for row in rows[:limit]], more


def count(connection: Connection, owner: str) -> dict[str, Counts]:
    """How many of the owner's records there are: in "total", and by what they are, the most first."""
    mine = and_(history.c.owner == owner, history.c.trashed_ms == 0)

    def by(*columns: ColumnElement[Any]) -> Counts:
        how_many = func.count().label("how_many")
        grouped = select(*columns, how_many).where(mine).group_by(*columns).order_by(how_many.desc(), *columns)
        return [tuple(row) for row in connection.execute(grouped)]

    statuses = by(history.c.status)
    batches = select(history.c.batch, func.count(), func.max(history.c.number).label("latest"))
    batches = batches.where(mine, history.c.batch > "").group_by(history.c.batch)
    latest = connection.execute(batches.order_by(func.max(history.c.number).desc()).limit(100))
    return {
        "statuses": statuses,
        "models": [row for row in by(history.c.model) if row[0]],
        "sizes": by(history.c.width, history.c.height),
        "batches": [(row[0], row[1]) for row in latest],
        "styles": _styles(connection, owner),
        "total": [("", sum(row[1] for row in statuses))],
    }


def _styles(connection: Connection, owner: str) -> Counts:
    """All uses, less those in the trash: that is quicker than to look at each record."""
    name, how_many = style_uses.c.name, func.count()
    mine = select(name, how_many).where(style_uses.c.owner == owner)
    found = {row[0]: row[1] for row in connection.execute(mine.group_by(name))}
    trashed = mine.join(history, history.c.number == style_uses.c.number).where(history.c.trashed_ms > 0)
    for style, less in connection.execute(trashed.where(history.c.owner == owner).group_by(name)):
        found[style] -= less
    return sorted(((n, c) for n, c in found.items() if c), key=lambda row: (-row[1], row[0]))


def _conditions(owner: str, query: Query) -> Iterator[ColumnElement[bool]]:
    columns = history.c
    yield columns.owner == owner
    yield columns.trashed_ms > 0 if query.trash else columns.trashed_ms == 0
    seen = _is_alone(query)
    if query.statuses:
        yield _any_of(columns.status, query.statuses, seen)
    if query.models:
        yield _any_of(columns.model, query.models, seen)
    if query.sizes:
        width, height = (columns.width, columns.height) if seen else (columns.width + 0, columns.height + 0)
        yield or_(*(and_(width == w, height == h) for w, h in query.sizes))
    if query.since is not None:
        yield columns.created_ms >= _ms(query.since)
    if query.until is not None:
        yield columns.created_ms <= _ms(query.until)
    if query.batch:
        yield columns.batch == query.batch
    if query.favourites:
        yield columns.favourite
    if query.styles or query.strength:
        uses = select(style_uses.c.number).where(style_uses.c.owner == owner)
        if query.styles:
            uses = uses.where(style_uses.c.name.in_(query.styles))
        if query.strength:
            uses = uses.where(style_uses.c.strength.between(*query.strength))
        yield (columns.number + 0).in_(uses)  # + 0: looked up in a set; SQLite would seek each of the set's records


def _storable(text: str) -> str:
    """The same text; what no database can hold is nothing that is found."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _is_alone(query: Query) -> bool:
    """Whether there is one condition, of one value, in the order of an index of its own.

    Only then may SQLite see that index: it would take it with others, too, and look at each record for what the index
    does not hold, or sort all that it finds.
    """
    values = (*query.statuses, *query.models, *query.sizes, query.since, query.until, query.words.strip())
    rest = (query.batch, query.favourites, query.styles, query.strength, query.trash)
    return sum(map(bool, (*values, *rest))) == 1 and query.order in ("newest", "oldest")


def _any_of(column: Column[str], values: tuple[str, ...], seen: bool) -> ColumnElement[bool]:
    return column == values[0] if seen else column.concat("").in_(values)


def _read(cursor: str) -> tuple[int, int]:
    key, _, number = cursor.partition(".")
    if not (_is_number(key) and _is_number(number)):
        raise UserError(N_("That place in the history is not there any more. Load the page again."))
    return int(key), int(number)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
