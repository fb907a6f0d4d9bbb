"""Pronunciation dictionaries of accounts."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "dictionaries",
        sa.Column("account_id", sa.String(), sa.ForeignKey("accounts.id"), primary_key=True),
        sa.Column("entries", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
    )
