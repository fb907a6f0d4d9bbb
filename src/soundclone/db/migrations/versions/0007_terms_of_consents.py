"""Purpose and end of consents, and the consent that a voice depends on."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the columns, and copy the ids of consents from the voices' records."""
    op.add_column("consents", sa.Column("purpose", sa.String(), nullable=False, server_default=""))
    op.add_column("consents", sa.Column("ends_at", sa.Double()))
    op.create_index("ix_consents_ends_at", "consents", ["ends_at"])
    op.add_column("voices", sa.Column("consent_id", sa.String()))
    op.add_column("voices", sa.Column("consent_ends_at", sa.Double()))
    op.add_column("voices", sa.Column("withdrawn_at", sa.Double()))
    op.create_index("ix_voices_consent_id", "voices", ["consent_id"])
    op.create_index("ix_voices_consent_ends_at", "voices", ["consent_ends_at"])
    if op.get_bind().dialect.name == "sqlite":
        op.execute("UPDATE voices SET consent_id = json_extract(consent, '$.consent')")
    else:
        op.execute("UPDATE voices SET consent_id = consent ->> 'consent'")
