"""Counts of requests, which all API processes share."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "request_counts",
        sa.Column("sender", sa.String(), primary_key=True),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("current", sa.BigInteger(), nullable=False),
        sa.Column("previous", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_request_counts_minute", "request_counts", ["minute"])
