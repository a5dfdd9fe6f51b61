"""Sets of photos that are drawn together."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "batches",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("place", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("trial", sa.Text, nullable=False, server_default=""),
        sa.Column("started_ms", sa.BigInteger, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("number", name="pk_batches"),
        sa.UniqueConstraint("id", name="uq_batches_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_batches_owner_state", "batches", ["owner", "state"])
    op.create_table(
        "batch_photos",
        sa.Column("batch", sa.String(64), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("file", sa.String(64), nullable=False, server_default=""),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
        sa.Column("job", sa.String(64), nullable=False, server_default=""),
        sa.Column("source", sa.String(64), nullable=False, server_default=""),
        sa.Column("parent", sa.String(64), nullable=False, server_default=""),
        sa.Column("notes", sa.Text, nullable=False, server_default="[]"),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("batch", "position", name="pk_batch_photos"),
    )
    op.create_index("ix_batch_photos_job", "batch_photos", ["job"])
