"""Trace of the request that submitted a task."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add the column."""
    op.add_column("tasks", sa.Column("trace", sa.String()))
