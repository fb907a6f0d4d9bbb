"""Voices that may not be cloned."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "protected_voices",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("encoder", sa.String(), nullable=False),
        sa.Column("whole", sa.LargeBinary(), nullable=False),
        sa.Column("telephone", sa.LargeBinary(), nullable=False),
        sa.Column("narrow", sa.Boolean(), nullable=False),
        sa.Column("speech_seconds", sa.Double(), nullable=False),
        sa.Column("allowed", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
    )
