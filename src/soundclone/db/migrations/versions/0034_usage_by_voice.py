"""Usage of accounts by day and voice, which the trigger of the usage by day adds up too.

On Postgres, the lock of the ledger lasts until the migration ends, so that no line is missed or
added twice. The voice of a line is empty if its task has none, or is gone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0035"

_ADD_DAY = (
    "INSERT INTO usage_days (account_id, day, spent, tasks) VALUES (NEW.account_id, {day}, "
    "NEW.amount, 1) ON CONFLICT (account_id, day) DO UPDATE SET "
    "spent = usage_days.spent + excluded.spent, tasks = usage_days.tasks + 1"
)
_ADD_VOICE = (
    "INSERT INTO voice_days (account_id, day, voice_id, spent, tasks) VALUES (NEW.account_id, "
    "{day}, COALESCE((SELECT voice_id FROM tasks WHERE id = NEW.task_id), ''), NEW.amount, 1) "
    "ON CONFLICT (account_id, day, voice_id) DO UPDATE SET "
    "spent = voice_days.spent + excluded.spent, tasks = voice_days.tasks + 1"
)
_SUM = (
    "INSERT INTO voice_days (account_id, day, voice_id, spent, tasks) "
    "SELECT transfers.account_id, {day}, COALESCE(tasks.voice_id, ''), SUM(amount), COUNT(*) "
    "FROM transfers LEFT JOIN tasks ON tasks.id = transfers.task_id "
    "WHERE transfers.kind = 'capture' GROUP BY 1, 2, 3"
)


def upgrade() -> None:
    """Add the table, extend the trigger, and add up the lines that exist."""
    op.create_table(
        "voice_days",
        sa.Column("account_id", sa.String(), sa.ForeignKey("accounts.id"), primary_key=True),
        sa.Column("day", sa.BigInteger(), primary_key=True),
        sa.Column("voice_id", sa.String(), primary_key=True),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("tasks", sa.BigInteger(), nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        day = "CAST({}created_at / 86400 AS INTEGER)"
    else:
        day = "CAST(floor({}created_at / 86400) AS bigint)"
    add = f"{_ADD_DAY}; {_ADD_VOICE};".format(day=day.format("NEW."))
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER transfers_usage")
        op.execute(
            "CREATE TRIGGER transfers_usage AFTER INSERT ON transfers WHEN NEW.kind = 'capture' "
            f"BEGIN {add} END"
        )
    else:
        op.execute("LOCK TABLE transfers IN SHARE ROW EXCLUSIVE MODE")
        op.execute(
            "CREATE OR REPLACE FUNCTION transfers_usage() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {add} RETURN NULL; END $$"
        )
    op.execute(_SUM.format(day=day.format("transfers.")))
