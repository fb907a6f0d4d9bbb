"""Names and consent of voices, keys of operators, and what the engines of the workers can do."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns and tables."""
    op.add_column("voices", sa.Column("name", sa.String()))
    op.add_column("voices", sa.Column("consent", sa.JSON()))
    op.add_column(
        "keys", sa.Column("operator", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_table(
        "engines",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("offer", sa.JSON(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("account_id", sa.String(), sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("recording", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
    )
    op.create_index("consents_of_account", "consents", ["account_id", "created_at"])
