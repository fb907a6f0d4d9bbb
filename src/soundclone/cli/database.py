"""Transactions on this machine's database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from .common import fail, private_files, read_settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from ..db.session import Database


@contextmanager
def transaction(*, new: bool = False) -> Iterator[Session]:
    """Open a transaction on the database, see `opened`."""
    with opened(new=new) as database, database.transaction() as session:
        yield session


@contextmanager
def snapshot() -> Iterator[Session]:
    """Open a snapshot of the database, see `opened`."""
    with opened() as database, database.snapshot() as session:
        yield session


@contextmanager
def opened(*, new: bool = False) -> Iterator[Database]:
    """Open the database, which is brought up to date first.

    Ends the command where no database exists. With `new` the command makes one, and reports on
    standard error that it did.
    """
    from ..db.damage import file_of
    from ..db.migrate import upgrade
    from ..db.session import Database

    private_files()
    settings = read_settings()
    path = file_of(settings.database)
    made = path is not None and not path.exists()
    if made and not new:
        fail(f"there is no database at {path}; {_ELSEWHERE}", "not_found")
    database = Database(settings.database, connections=3)
    try:
        upgrade(database)
        yield database
    finally:
        database.close()
    if made:
        message = (
            f"soundclone: there was no database at {path}, so a new one was made; {_ELSEWHERE}"
        )
        typer.secho(message, fg="yellow", err=True)


_ELSEWHERE = "if the service runs with another SOUNDCLONE_DATA_DIR, set the same one here"
