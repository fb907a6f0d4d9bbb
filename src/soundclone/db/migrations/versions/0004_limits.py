"""Limits of what one account can use, ends of sessions, and what a listener was sent."""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns and tables."""
