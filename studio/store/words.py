"""The words of a record, found by their beginning, on both databases in the same way.

A database only keeps and finds tokens; what a token is, is said here, so that both find the same. Text is folded (case,
accents, full width), and words are words. Chinese, Japanese and Thai put no spaces between theirs: there every two
characters that stand together are a token, and so is the last one alone; then every run of characters that somebody
types is found, a single one too.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Delete, Select, String, bindparam, column, delete, select, table, text
from sqlalchemy.sql.elements import ColumnElement

MOST_TERMS = 24  # of a search; what is typed after them narrows it no further
MOST_SEARCHED = 1_000  # characters
_LONGEST = 40  # characters of a token
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3005\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese, Japanese
)
_SYMBOLS = "\u2190-\u2bff\U0001f000-\U0001faff"  # arrows, signs, emoji: each a word
_PIECES = re.compile(f"(?P<unspaced>[{_UNSPACED}]+)|[{_SYMBOLS}]|[^\\W_{_UNSPACED}{_SYMBOLS}]+")

history_words = table(
    "history_words",
    column("rowid"),  # on SQLite
    column("number"),  # on PostgreSQL
    column("owner"),
    column("words"),
    column("history_words"),
)


def tokens(words: str) -> list[str]:
    """What is kept of a text, each once, in the order in which it comes."""
    found: dict[str, None] = {}
    for piece in _PIECES.finditer(_folded(words)):
        run = piece.group()
        if piece.group("unspaced"):
            found.update(dict.fromkeys(run[n : n + 2] for n in range(len(run))))
        else:
            found[run[:_LONGEST]] = None
    return list(found)


def terms(words: str) -> list[tuple[str, bool]]:
    """What is looked for: a token, and whether it may go on. None when there is nothing to look for in `words`."""
    found: dict[tuple[str, bool], None] = {}
    for piece in _PIECES.finditer(_folded(words[:MOST_SEARCHED])):
        run = piece.group()
        if piece.group("unspaced") and len(run) > 1:
            found.update(dict.fromkeys((run[n : n + 2], False) for n in range(len(run) - 1)))
        else:
            found[run[:_LONGEST], True] = None
    return list(found)[:MOST_TERMS]


def make(connection: Connection) -> None:
    """The index, empty. Part of a migration."""
    if connection.dialect.name == "sqlite":
        connection.execute(
            text(
                "CREATE VIRTUAL TABLE history_words USING fts5"
                "(owner, words, tokenize = 'ascii', detail = column, columnsize = 0, prefix = '1 2 3')"
            )
        )
        return
    connection.execute(
        text("CREATE TABLE history_words (number BIGINT PRIMARY KEY, owner VARCHAR(64), words TSVECTOR)")
    )
    connection.execute(text("CREATE INDEX ix_history_words_owner_number ON history_words (owner, number)"))
    connection.execute(
        text("CREATE INDEX ix_history_words_words ON history_words USING gin (words) WITH (fastupdate=off)")
    )


def add(connection: Connection, lines: Sequence[tuple[int, str, list[str]]]) -> None:
    """Keep the tokens of new records: number, owner, tokens of each."""
    if connection.dialect.name == "sqlite":
        statement = "INSERT INTO history_words (rowid, owner, words) VALUES (:number, :owner, :words)"
        values = [{"number": n, "owner": _mark(o), "words": " ".join(found)} for n, o, found in lines]
    else:
        statement = (
            "INSERT INTO history_words (number, owner, words)"
            " VALUES (:number, :owner, array_to_tsvector(CAST(:words AS text[])))"
        )
        values = [{"number": n, "owner": o, "words": found} for n, o, found in lines]
    connection.execute(text(statement), values)


def put(connection: Connection, number: int, owner: str, said: Iterable[str]) -> None:
    """Keep the words of the record with this number, in place of those it had."""
    drop(connection, [number])
    add(connection, [(number, owner, tokens("\n".join(said)))])


def drop(connection: Connection, numbers: Sequence[int]) -> None:
    """Forget the words of these records."""
    connection.execute(_those(connection, numbers))


def key(dialect: str) -> ColumnElement[int]:
    """The record's number, in `history_words`."""
    return history_words.c.rowid if dialect == "sqlite" else history_words.c.number


def matches(dialect: str, owner: str, looked_for: Sequence[tuple[str, bool]]) -> list[ColumnElement[bool]]:
    """Conditions on `history_words`: of this owner, with all these terms."""
    if dialect == "sqlite":
        asked = " AND ".join(f'"{term}"*' if goes_on else f'"{term}"' for term, goes_on in looked_for)
        match = f'owner : "{_mark(owner)}" AND words : ({asked})'
        return [history_words.c.history_words.op("MATCH", is_comparison=True)(match)]
    query = " & ".join(f"'{term}':*" if goes_on else f"'{term}'" for term, goes_on in looked_for)
    asked_for = text("CAST(:words_asked AS tsquery)").bindparams(bindparam("words_asked", query, String))
    return [history_words.c.owner == owner, history_words.c.words.op("@@", is_comparison=True)(asked_for)]


def matching(dialect: str, owner: str, looked_for: Sequence[tuple[str, bool]]) -> Select[Any]:
    """The numbers of the owner's records with all these terms."""
    return select(key(dialect)).select_from(history_words).where(*matches(dialect, owner, looked_for))


def _those(connection: Connection, numbers: Sequence[int]) -> Delete:
    return delete(history_words).where(key(connection.dialect.name).in_(numbers))


def _folded(words: str) -> str:
    """Without case, accents, width; letters that are written in parts are put together again."""
    parts = unicodedata.normalize("NFKD", words.casefold())
    return unicodedata.normalize("NFC", "".join(c for c in parts if unicodedata.category(c) != "Mn"))


def _mark(owner: str) -> str:
    """The owner as a token: any name is one, and none is a word."""
    return hashlib.sha256(owner.encode("utf-8", "surrogatepass")).hexdigest()[:20]
