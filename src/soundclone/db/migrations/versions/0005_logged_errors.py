"""Message of a failed task as the log has it, without the texts of users."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column. Tasks that failed before have none."""
    op.add_column("tasks", sa.Column("error_logged", sa.Text()))
