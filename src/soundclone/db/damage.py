"""Messages about a database that is damaged or cannot be used."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from ..errors import Unavailable

_CORRUPT, _NOT_A_DATABASE = 11, 26  # primary result codes of SQLite


def file_of(url: str) -> Path | None:
    """Return the file of a SQLite database, None for other databases."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    return Path(parsed.database)


def unusable(error: DBAPIError, url: str) -> Unavailable:
    """Translate an error of the database driver to a message for the operator."""
    reason = str(error.orig).strip().partition("\n")[0]
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    if code in (_CORRUPT, _NOT_A_DATABASE):
        return damaged(url, reason)
    return Unavailable(f"the database cannot be used: {reason}")


def damaged(url: str, reason: str) -> Unavailable:
    """Return an error that tells the operator to restore a backup."""
    return Unavailable(
        f"the database {file_of(url)} is damaged ({reason}); stop the service and restore it, with "
        "its files and secret.key, from a backup as docs/howto/back-up.md describes"
    )
