"""Secret of the watermark, and the tasks that its payloads lead to."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "watermark_secrets",
        sa.Column("id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
    )
    op.create_table(
        "watermarks",
        # SQLite numbers the rows itself only in a column of type INTEGER.
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("task_id", sa.String(), nullable=False, unique=True),
        sa.Column("created_at", sa.Double(), nullable=False),
    )
