"""Tasks that convert a recording of another person to a voice."""

from alembic import op

revision = "0021"
down_revision = "0020"

_NAME = "tasks_known_kind"


def upgrade() -> None:
    """Allow the kind. SQLite cannot change a constraint, so there the table is copied."""
    with op.batch_alter_table("tasks") as batch:
        batch.drop_constraint(_NAME, type_="check")
        batch.create_check_constraint(_NAME, "kind IN ('clone', 'audio', 'conversion')")
