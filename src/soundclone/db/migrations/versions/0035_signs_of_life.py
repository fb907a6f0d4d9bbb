"""Signs of life of API processes about spoken streams."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0031"


def upgrade() -> None:
    """Add the column."""
    op.add_column("tasks", sa.Column("signs", sa.Integer(), nullable=False, server_default="0"))
