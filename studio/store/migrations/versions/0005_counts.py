"""Records are counted by what they are, without looking at each."""

from alembic import op

revision = "0005"
down_revision = "0004"

INDEXES = {"batch": ["batch", "number"], "status": ["status"], "model": ["model"], "size": ["width", "height"]}


def upgrade() -> None:
    op.drop_index("ix_history_batch", "history")
    for name, columns in INDEXES.items():
        op.create_index(f"ix_history_{name}", "history", ["owner", "trashed_ms", *columns])


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(f"ix_history_{name}", "history")
    op.create_index("ix_history_batch", "history", ["owner", "batch", "number"])
