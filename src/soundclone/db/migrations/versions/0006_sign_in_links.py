"""Links that sign in to the studio once."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "sign_in_links",
        sa.Column("hash", sa.String(), primary_key=True),
        sa.Column("key_id", sa.String(), sa.ForeignKey("keys.id"), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
    )
    op.create_index("ix_sign_in_links_expires_at", "sign_in_links", ["expires_at"])
