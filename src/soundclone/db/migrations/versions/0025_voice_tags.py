"""Tags of voices, reports on their recordings, and outlines of their sounds."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0021"


def upgrade() -> None:
    """Add the columns, which are null for voices that exist."""
    for name in ("tags", "recording_report", "waveforms"):
        op.add_column("voices", sa.Column(name, sa.JSON()))
