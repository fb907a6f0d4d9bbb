"""Scopes, expiry and rotation of API keys, and the secret that each is hashed with."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns. Existing keys keep their permissions, and never expire."""
    op.add_column(
        "keys",
        sa.Column("scopes", sa.String(), nullable=False, server_default="read speak clone account"),
    )
    op.execute("UPDATE keys SET scopes = 'read speak clone account operator' WHERE \"operator\"")
    op.drop_column("keys", "operator")
    op.add_column("keys", sa.Column("expires_at", sa.Double()))
    op.add_column("keys", sa.Column("secret_id", sa.String()))
    op.add_column("keys", sa.Column("previous_hash", sa.String()))
    op.add_column("keys", sa.Column("previous_secret_id", sa.String()))
    op.add_column("keys", sa.Column("previous_until", sa.Double()))
    op.create_index("keys_previous_hash", "keys", ["previous_hash"], unique=True)
