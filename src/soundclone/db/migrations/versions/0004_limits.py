"""Limits per account, sessions of the studio, and characters sent to listeners."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns and tables."""
    op.create_table(
        "studio_sessions",
        sa.Column("hash", sa.String(), primary_key=True),
        sa.Column("key_id", sa.String(), sa.ForeignKey("keys.id"), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double()),
    )
    op.create_index("ix_studio_sessions_key_id", "studio_sessions", ["key_id"])
    op.create_index("ix_studio_sessions_expires_at", "studio_sessions", ["expires_at"])
    op.add_column("voices", sa.Column("deleted_at", sa.Double()))
    # A voice that was in use could only expire by being deleted.
    op.execute("UPDATE voices SET deleted_at = expires_at WHERE activated_at IS NOT NULL")
    op.add_column("voices", sa.Column("uploads", sa.JSON()))
    # A task's cost is what was charged once the task has ended.
    op.add_column("tasks", sa.Column("fee", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column(
        "tasks", sa.Column("delivered", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.execute("UPDATE tasks SET cost = 0 WHERE status = 'failed'")
    # Results that are there already do not count.
    op.add_column("tasks", sa.Column("size", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column(
        "accounts", sa.Column("kept", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.create_table(
        "upload_reservations",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("account_id", sa.String(), sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
    )
    op.create_index("ix_upload_reservations_account_id", "upload_reservations", ["account_id"])
