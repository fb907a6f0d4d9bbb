"""Register of results, and verifications of files."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite numbers INTEGER keys alone


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "register_entries",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("task_id", sa.String(), nullable=False, unique=True),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
    )
    op.create_index("ix_register_entries_sha256", "register_entries", ["sha256"])
    op.create_table(
        "register_landmarks",
        sa.Column("hash", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("entry", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("frame", sa.Integer(), primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "verifications",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("url", sa.Text()),
        sa.Column("verdict", sa.JSON()),
        sa.Column("error", sa.Text()),
        sa.Column("error_word", sa.String()),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double()),
    )
    op.create_index("ix_verifications_created_at", "verifications", ["created_at"])
