"""Close two ways to rewrite the ledger and the audit log: REPLACE in SQLite, TRUNCATE in Postgres.

SQLite fires no trigger for the rows that REPLACE deletes, so a trigger before the insertion refuses
rows that exist.
"""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Create the triggers."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER audit_log_no_replace BEFORE INSERT ON audit_log "
            "WHEN EXISTS (SELECT 1 FROM audit_log WHERE number = NEW.number) "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        )
        op.execute(
            "CREATE TRIGGER transfers_no_replace BEFORE INSERT ON transfers "
            "WHEN EXISTS (SELECT 1 FROM transfers WHERE id = NEW.id OR resolves = NEW.resolves) "
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        )
    else:
        op.execute(
            "CREATE TRIGGER transfers_no_truncate BEFORE TRUNCATE ON transfers "
            "FOR EACH STATEMENT EXECUTE FUNCTION transfers_append_only()"
        )
