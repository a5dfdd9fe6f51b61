"""The tables. A change here needs a migration beside it, in migrations/versions; a test compares the two.

Moments are whole milliseconds since 1970 in UTC: the same number in every database. Order is by `number`, never by a
moment: clocks jump.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

HEAD = "0005"  # the newest migration

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


def _said(name: str, length: int) -> Column[str]:
    """A text that is mostly empty."""
    return Column(name, String(length), nullable=False, server_default="")


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
    _said("parent", 64),  # the record that it was made from; of a verification, the record that it draws again
    _said("batch", 64),
    Column("batch_index", Integer, nullable=False, server_default="0"),
    _said("input_name", 255),  # what the user called the picture that it was made from
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
    _said("parent", 64),
    _said("batch", 64),
    Column("batch_index", Integer, nullable=False, server_default="0"),
    _said("input_name", 255),
    _said("model", 200),
    _said("model_hash", 64),
    Column("environment", Integer),  # its number in `environments`
    Column("stages", Text, nullable=False, server_default="{}"),  # JSON: milliseconds of the device by stage
    Column("area", Integer, nullable=False, server_default="0"),  # in pixels
    Column("bytes", BigInteger, nullable=False, server_default="0"),  # of the file
    _said("pixels", 64),  # the SHA-256 of its pixels as they were drawn
    Column("favourite", Boolean, nullable=False, server_default=false()),
    Column("tags", Text, nullable=False, server_default="[]"),  # JSON
    Column("note", Text, nullable=False, server_default=""),
    Column("trashed_ms", BigInteger, nullable=False, server_default="0"),  # when it was put into the trash; 0 if not
    Column("verified", Text),  # studio.verification, JSON: how it ended when it was drawn again last
    # A page is found in one of three, which hold all that a filter asks for: 100,000 records are looked through in
    # 10 ms without touching a record (measured on SQLite).
    *(
        Index(f"ix_history_{name}", "owner", "trashed_ms", *key, "status", "model", "width", "height", *rest)
        for name, key in (
            ("newest", ["number"]),
            ("largest", ["area", "number"]),
            ("slowest", ["duration_ms", "number"]),
        )
        for rest in (["favourite", "created_ms"],)
    ),
    # By these records are counted, and found where few are alike.
    Index("ix_history_batch", "owner", "trashed_ms", "batch", "number"),
    Index("ix_history_status", "owner", "trashed_ms", "status"),
    Index("ix_history_model", "owner", "trashed_ms", "model"),
    Index("ix_history_size", "owner", "trashed_ms", "width", "height"),
    Index("ix_history_parent", "owner", "parent"),
    Index("ix_history_file", "file"),
    Index(
        "ix_history_kept", "number", sqlite_where=text("file IS NOT NULL"), postgresql_where=text("file IS NOT NULL")
    ),
    Index(
        "ix_history_trash", "trashed_ms", sqlite_where=text("trashed_ms > 0"), postgresql_where=text("trashed_ms > 0")
    ),
    sqlite_autoincrement=True,
)

# The words of a record stand in `history_words`, which each database makes in its own way: see studio/store/words.py.

style_uses = Table(
    "style_uses",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),  # of the record
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("owner", String(64), nullable=False),
    Column("name", String(200), nullable=False),
    Column("strength", Float, nullable=False),
    Column("sha256", String(64), nullable=False),
    Index("ix_style_uses_owner_name_number_strength", "owner", "name", "number", "strength"),
)

environments = Table(
    "environments",
    metadata,
    _number(),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("facts", Text, nullable=False),  # JSON
    sqlite_autoincrement=True,
)

presets = Table(
    "presets",
    metadata,
    _number(),
    Column("owner", String(64), nullable=False),
    Column("name", String(80), nullable=False),
    Column("request", Text, nullable=False),
    UniqueConstraint("owner", "name"),
    sqlite_autoincrement=True,
)

# What is still to be told to others: see studio/store/outbox.py.
outbox = Table(
    "outbox",
    metadata,
    _number(),
    Column("target", String(64), nullable=False),
    Column("place", String(64), nullable=False),  # the data folder that it comes from
    Column("message", String(128), nullable=False),
    Column("body", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Index("ix_outbox_target_place_due_ms_number", "target", "place", "due_ms", "number"),
    sqlite_autoincrement=True,
)

closed_targets = Table(  # who wants to be told nothing any more
    "closed_targets",
    metadata,
    Column("target", String(64), primary_key=True),
    Column("closed_ms", BigInteger, nullable=False),
)

# Sets of photos that are drawn together: see studio/photos/batches.py. What is still to be drawn stands here, so that a
# studio that dies in the middle goes on where it was.
batches = Table(
    "batches",
    metadata,
    _number(),
    Column("id", String(64), nullable=False, unique=True),
    Column("owner", String(64), nullable=False),
    Column("place", String(64), nullable=False),  # the data folder that its photos are in
    Column("state", String(16), nullable=False),  # open, running, paused, closed
    Column("settings", Text, nullable=False),  # studio.photos.settings, JSON
    Column("trial", Text, nullable=False, server_default=""),  # JSON: a photo at several strengths
    Column("started_ms", BigInteger, nullable=False, server_default="0"),  # the last time it was set going
    Index("ix_batches_owner_state", "owner", "state"),
    sqlite_autoincrement=True,
)

batch_photos = Table(
    "batch_photos",
    metadata,
    Column("batch", String(64), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("name", String(255), nullable=False),  # as the user called it
    _said("file", 64),  # what was sent, in the folder of its batch
    Column("state", String(16), nullable=False),  # refused, waiting, submitted, failed
    Column("attempt", Integer, nullable=False, server_default="0"),
    _said("job", 64),
    _said("source", 64),  # the SHA-256 of what it was drawn from
    _said("parent", 64),  # the record that it is, if it is a picture of the studio
    Column("notes", Text, nullable=False, server_default="[]"),  # JSON: what was done to it
    Column("error", Text),  # core.errors.to_json
    Index("ix_batch_photos_job", "job"),
)
