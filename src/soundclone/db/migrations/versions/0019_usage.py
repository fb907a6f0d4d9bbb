"""Index for the usage of an account by day, which reads no lines of the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Add the index."""
    captured = sa.text("kind = 'capture'")
    op.create_index(
        "transfers_captured",
        "transfers",
        ["account_id", "created_at", "amount"],
        postgresql_where=captured,
        sqlite_where=captured,
    )
