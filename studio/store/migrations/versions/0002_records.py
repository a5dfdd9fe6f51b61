"""Records know all of a picture, and are found by words and styles."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from studio.store import words

revision = "0002"
down_revision = "0001"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
AT_ONCE = 1_000
ORIGIN = (("parent", 64), ("batch", 64), ("input_name", 255))
ORDERS = (("newest", ["number"]), ("largest", ["area", "number"]), ("slowest", ["duration_ms", "number"]))


def upgrade() -> None:
    for table in ("jobs", "history"):
        for name, length in ORIGIN:
            op.add_column(table, sa.Column(name, sa.String(length), nullable=False, server_default=""))
        op.add_column(table, sa.Column("batch_index", sa.Integer, nullable=False, server_default="0"))
    for column in (
        sa.Column("model", sa.String(200), nullable=False, server_default=""),
        sa.Column("model_hash", sa.String(64), nullable=False, server_default=""),
        sa.Column("environment", sa.Integer),
        sa.Column("stages", sa.Text, nullable=False, server_default="{}"),
        sa.Column("area", sa.Integer, nullable=False, server_default="0"),
        sa.Column("bytes", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("pixels", sa.String(64), nullable=False, server_default=""),
        sa.Column("favourite", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("tags", sa.Text, nullable=False, server_default="[]"),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
        sa.Column("trashed_ms", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("verified", sa.Text),
    ):
        op.add_column("history", column)
    _make_tables()
    _read_requests()
    _make_indexes()


def _make_tables() -> None:
    op.create_table(
        "style_uses",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("strength", sa.Float, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("number", "position", name="pk_style_uses"),
    )
    op.create_table(
        "environments",
        sa.Column("number", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_environments"),
        sa.UniqueConstraint("sha256", name="uq_environments_sha256"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "presets",
        sa.Column("number", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_presets"),
        sa.UniqueConstraint("owner", "name", name="uq_presets_owner_name"),
        sqlite_autoincrement=True,
    )
    words.make(op.get_bind())


def _read_requests() -> None:
    """What stands in the requests of the records there are: their styles and words."""
    connection = op.get_bind()
    connection.execute(sa.text("UPDATE history SET area = width * height"))
    last = 0
    while True:
        page = sa.text("SELECT number, owner, request FROM history WHERE number > :last ORDER BY number LIMIT :most")
        rows = connection.execute(page, {"last": last, "most": AT_ONCE}).all()
        if not rows:
            return
        last, uses, said = rows[-1].number, [], []
        for row in rows:
            request = _read(row.request)
            said.append((row.number, row.owner, words.tokens(str(request.get("prompt", "")))))
            for position, style in enumerate(_styles(request)):
                use = {"number": row.number, "position": position, "owner": row.owner, "name": style["name"]}
                uses.append(use | {"strength": style.get("strength", 1.0), "sha256": style.get("sha256", "")})
        words.add(connection, said)
        if uses:
            columns = ("number", "position", "owner", "name", "strength", "sha256")
            values = ", ".join(f":{name}" for name in columns)
            connection.execute(sa.text(f"INSERT INTO style_uses ({', '.join(columns)}) VALUES ({values})"), uses)  # noqa: S608 (names of ours)


def _styles(request: dict[str, Any]) -> list[dict[str, Any]]:
    found = request.get("styles")
    whole = isinstance(found, list) and all(isinstance(use, dict) and isinstance(use.get("name"), str) for use in found)
    return found if whole and found is not None else []


def _read(request: str) -> dict[str, Any]:
    try:
        found = json.loads(request)
    except ValueError:  # it was damaged before
        return {}
    return found if isinstance(found, dict) else {}


def _make_indexes() -> None:
    op.drop_index("ix_history_owner_number", "history")
    for name, key in ORDERS:
        columns = ["owner", "trashed_ms", *key, "status", "model", "width", "height", "favourite", "created_ms"]
        op.create_index(f"ix_history_{name}", "history", columns)
    op.create_index("ix_history_batch", "history", ["owner", "batch", "number"])
    op.create_index("ix_history_parent", "history", ["owner", "parent"])
    op.create_index("ix_history_file", "history", ["file"])
    kept, trashed = sa.text("file IS NOT NULL"), sa.text("trashed_ms > 0")
    op.create_index("ix_history_kept", "history", ["number"], sqlite_where=kept, postgresql_where=kept)
    op.create_index("ix_history_trash", "history", ["trashed_ms"], sqlite_where=trashed, postgresql_where=trashed)
    op.create_index("ix_style_uses_owner_name_number_strength", "style_uses", ["owner", "name", "number", "strength"])


def downgrade() -> None:
    raise NotImplementedError("what has been recorded since would be lost")
