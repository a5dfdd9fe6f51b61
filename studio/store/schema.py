"""The tables. A change here needs a migration beside it, in migrations/versions; a test compares the two.

Moments are whole milliseconds since 1970 in UTC: the same number in every database. Order is by `number`, never by a
moment: clocks jump.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

HEAD = "0001"  # the newest migration

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _number() -> Column[int]:
    """Counts up and is never given twice. (SQLite counts by itself in an INTEGER key only.)"""
    return Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


jobs = Table(
    "jobs",
    metadata,
    _number(),
    Column("id", String(64), nullable=False, unique=True),
    Column("owner", String(64), nullable=False),
    Column("key", String(128)),  # the same key from the same owner is the same job; NULL is no key
    Column("kind", String(16), nullable=False),
    Column("request", Text, nullable=False),  # GenerationRequest.to_json
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),  # that ended with the death of the process
    Column("holder", String(64), nullable=False),  # the process that runs it, see studio/holder.py
    Column("lease_ms", BigInteger, nullable=False),  # until then it is not taken from a holder elsewhere
    Column("created_ms", BigInteger, nullable=False),
    Column("started_ms", BigInteger),
    Column("ended_ms", BigInteger),
    UniqueConstraint("owner", "key"),
    Index("ix_jobs_state_number", "state", "number"),
    sqlite_autoincrement=True,
)

history = Table(
    "history",
    metadata,
    _number(),
    Column("job_id", String(64), nullable=False, unique=True),  # one record a job, whatever happens
    Column("owner", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("request", Text, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("file", String(255)),  # in the pictures folder; NULL when there is no picture
    Column("error", Text),  # core.errors.to_json
    Column("attempts", Integer, nullable=False),
    Column("frugal", Boolean, nullable=False),  # drawn in a way that saves memory, which can change the last bits
    Column("created_ms", BigInteger, nullable=False),
    Column("started_ms", BigInteger),
    Column("ended_ms", BigInteger, nullable=False),
    Column("duration_ms", Integer, nullable=False),  # from its first quantum to its end, on the monotonic clock
    Index("ix_history_owner_number", "owner", "number"),
    sqlite_autoincrement=True,
)
