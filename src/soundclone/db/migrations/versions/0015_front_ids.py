"""Numbers of files, and ids of voices that clients choose, for APIs of other services."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add the tables."""
    account = sa.ForeignKey("accounts.id")
    op.create_table(
        "numbered_files",
        sa.Column("number", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("account_id", sa.String(), account, nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("filename", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("upload_key", sa.String()),
        sa.Column("task_id", sa.String()),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
    )
    op.create_index("ix_numbered_files_account_id", "numbered_files", ["account_id"])
    op.create_index("ix_numbered_files_expires_at", "numbered_files", ["expires_at"])
    op.create_table(
        "client_voice_ids",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("account_id", sa.String(), sa.ForeignKey("accounts.id"), primary_key=True),
        sa.Column("voice_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
    )
    op.create_index("ix_client_voice_ids_voice_id", "client_voice_ids", ["voice_id"])
