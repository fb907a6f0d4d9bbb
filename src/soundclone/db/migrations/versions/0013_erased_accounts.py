"""Erasure of accounts: a mark, and permission to empty the memos of the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_COLUMNS = (
    "id",
    "kind",
    "debit",
    "credit",
    "amount",
    "account_id",
    "key_id",
    "task_id",
    "resolves",
    "created_at",
)


def upgrade() -> None:
    """Add the column, and replace the triggers on the ledger."""
    op.add_column("accounts", sa.Column("erased_at", sa.Double()))
    if op.get_bind().dialect.name == "sqlite":
        same = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in _COLUMNS)
        op.execute("DROP TRIGGER transfers_no_update")
        op.execute(
            "CREATE TRIGGER transfers_no_update BEFORE UPDATE ON transfers "
            f"WHEN NOT (NEW.memo = '' AND {same}) "
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        )
    else:
        op.execute(
            "CREATE OR REPLACE FUNCTION transfers_append_only() RETURNS trigger "
            "LANGUAGE plpgsql AS "
            "$$ BEGIN IF TG_OP = 'UPDATE' AND NEW.memo = '' AND "
            "to_jsonb(NEW) - 'memo' = to_jsonb(OLD) - 'memo' THEN RETURN NEW; END IF; "
            "RAISE EXCEPTION 'the ledger is append-only'; END $$"
        )
