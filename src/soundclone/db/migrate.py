"""Migration of a database to the current schema."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from .session import Database

MIGRATIONS = Path(__file__).with_name("migrations")
_LOCK = 7_346_802_115  # arbitrary key of the advisory lock


def upgrade(database: Database) -> None:
    """Apply missing migrations. Concurrent callers, also in other processes, wait."""
    with database.engine.connect() as connection:
        if database.sqlite:
            connection.execute(text("BEGIN IMMEDIATE"))
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        command.upgrade(configuration(connection), "head")
        connection.commit()


def configuration(connection: Connection) -> Config:
    """Return the configuration of Alembic for `connection`, without an .ini file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
