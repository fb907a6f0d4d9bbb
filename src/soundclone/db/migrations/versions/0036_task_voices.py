"""Voices that a task speaks with beside its own."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0034"


def upgrade() -> None:
    """Add the table."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "task_voices",
        sa.Column("number", number, primary_key=True, autoincrement=True),
        sa.Column(
            "task_id", sa.String(), sa.ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("voice_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), sa.ForeignKey("accounts.id"), nullable=False),
        sa.UniqueConstraint("task_id", "voice_id", name="task_voices_once"),
    )
    op.create_index("ix_task_voices_voice_id", "task_voices", ["voice_id"])
    op.create_index("ix_task_voices_account_id", "task_voices", ["account_id"])
