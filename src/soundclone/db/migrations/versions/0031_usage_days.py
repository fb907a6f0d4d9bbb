"""Usage of accounts by day, which a trigger adds up.

Processes of the previous release write lines of the ledger too, so the database adds them up. On
Postgres, the creation of the trigger locks the ledger until the migration ends, so that no line is
missed or added twice.
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0029"

_ADD = (
    "INSERT INTO usage_days (account_id, day, spent, tasks) VALUES (NEW.account_id, {day}, "
    "NEW.amount, 1) ON CONFLICT (account_id, day) DO UPDATE SET "
    "spent = usage_days.spent + excluded.spent, tasks = usage_days.tasks + 1"
)
_SUM = (
    "INSERT INTO usage_days (account_id, day, spent, tasks) "
    "SELECT account_id, {day}, SUM(amount), COUNT(*) FROM transfers "
    "WHERE kind = 'capture' GROUP BY 1, 2"
)


def upgrade() -> None:
    """Add the table and the trigger, and add up the lines that exist."""
    op.create_table(
        "usage_days",
        sa.Column("account_id", sa.String(), sa.ForeignKey("accounts.id"), primary_key=True),
        sa.Column("day", sa.BigInteger(), primary_key=True),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("tasks", sa.BigInteger(), nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        day = "CAST({}created_at / 86400 AS INTEGER)"
        op.execute(
            "CREATE TRIGGER transfers_usage AFTER INSERT ON transfers WHEN NEW.kind = 'capture' "
            f"BEGIN {_ADD.format(day=day.format('NEW.'))}; END"
        )
    else:
        day = "CAST(floor({}created_at / 86400) AS bigint)"
        op.execute(
            "CREATE FUNCTION transfers_usage() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {_ADD.format(day=day.format('NEW.'))}; RETURN NULL; END $$"
        )
        op.execute(
            "CREATE TRIGGER transfers_usage AFTER INSERT ON transfers "
            "FOR EACH ROW WHEN (NEW.kind = 'capture') EXECUTE FUNCTION transfers_usage()"
        )
    op.execute(_SUM.format(day=day.format("")))
