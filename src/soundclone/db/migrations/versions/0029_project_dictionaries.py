"""Pronunciation dictionaries of projects, and the readings of takes."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Add the table and the column. Takes that exist have no reading and stay fresh."""
    op.create_table(
        "project_dictionaries",
        sa.Column("project_id", sa.String(), sa.ForeignKey("projects.id"), primary_key=True),
        sa.Column("account_id", sa.String(), sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("entries", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
    )
    op.create_index("ix_project_dictionaries_account_id", "project_dictionaries", ["account_id"])
    op.add_column("takes", sa.Column("reading", sa.String()))
