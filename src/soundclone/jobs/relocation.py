"""Copy of an installation from SQLite and a folder to Postgres and a bucket.

The database is copied in one transaction, so an interrupted copy leaves nothing behind. Files are
copied one by one, and a repeated copy skips those that arrived. Everything is read back: rows are
counted and compared by checksum, sums of money are compared, and files are compared byte by byte.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Table, func, insert, select, text
from sqlalchemy.orm import Session

from ..core import ledger
from ..db.models import Base
from ..db.session import Database
from ..errors import SoundcloneError
from ..storage import Storage
from . import queue

DBOS_SCHEMA = "dbos"
_BATCH = 1000  # rows of one statement
_TRANSFERS = 8  # files that are copied at once


class RelocationRefused(SoundcloneError):
    """The copy cannot begin, or the copied data differ."""

    word = "conflict"


@dataclass(frozen=True)
class Fingerprint:
    """Number of a table's rows, and a checksum that does not depend on their order."""

    rows: int
    checksum: int


@dataclass(frozen=True)
class Files:
    """Files of a store that were copied."""

    total: int
    copied: int  # the others were there before
    stored_bytes: int


def check_unused(path: Path) -> None:
    """Check that no other process has a SQLite database open.

    Raises:
        RelocationRefused: Another process has the database open.
    """
    with closing(sqlite3.connect(path, timeout=0)) as connection:
        try:
            # SQLite leaves this mode only for the last connection. The next one enters it again.
            connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError as error:
            raise RelocationRefused(
                f"another process uses the database {path}; stop the service first"
            ) from error


def copy_files(
    source: Storage, target: Storage, progress: Callable[[int, int], None] | None = None
) -> Files:
    """Copy all files to another store.

    Args:
        source: The store to read.
        target: The store to write. Files that only it has are left alone.
        progress: Called after each file with the number of finished files and of all files.

    Raises:
        Unavailable: A store does not answer, or returned other bytes than were written.
    """
    listed = dict(source.list())
    copied = 0
    with ThreadPoolExecutor(_TRANSFERS) as threads:
        results = threads.map(lambda key: source.copy_to(target, key), listed)
        for number, result in enumerate(results, 1):
            copied += result
            if progress:
                progress(number, len(listed))
    return Files(len(listed), copied, sum(listed.values()))


def copy_database(source: Session, target: Database) -> dict[str, int]:
    """Copy all rows to an empty Postgres database, and compare them.

    Args:
        source: Writing transaction on the SQLite database, which keeps others from writing.
        target: A migrated Postgres database.

    Returns:
        The number of rows of each table.

    Raises:
        RelocationRefused: The target has other rows, the source's ledger is not sound, or the
            copied rows differ.
    """
    money = ledger.audit(source)
    if not money.sound:
        raise RelocationRefused(
            f"the ledger does not add up (sum {money.total}, accounts "
            f"{', '.join(money.wrong_accounts) or 'sound'}); restore a backup first"
        )
    wanted = {table.name: _fingerprint(source, table) for table in _tables(None)}
    with target.transaction() as session:
        # Nobody opens an account meanwhile.
        session.execute(text("LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE"))
        found = {table.name: _fingerprint(session, table) for table in _tables(DBOS_SCHEMA)}
        if found != wanted:
            if full := [name for name, each in found.items() if each.rows]:
                raise RelocationRefused(
                    f"the target database is not empty: table {full[0]} has {found[full[0]].rows} "
                    "rows; name an empty database"
                )
            # The usage by day is copied, so nothing adds it up from the copied lines.
            session.execute(text("ALTER TABLE transfers DISABLE TRIGGER transfers_usage"))
            for old, new in zip(_tables(None), _tables(DBOS_SCHEMA), strict=True):
                for rows in _rows(source, old):
                    session.execute(insert(new), rows)
                _advance_sequences(session, new)
            session.execute(text("ALTER TABLE transfers ENABLE TRIGGER transfers_usage"))
            _compare(session, wanted)
            if ledger.audit(session) != money:
                raise RelocationRefused("the sums of money differ; nothing was copied")
    return {name: each.rows for name, each in wanted.items()}


def _tables(schema: str | None) -> list[Table]:
    """Return all tables, referenced ones first. The schema is that of dbos."""
    return [*Base.metadata.sorted_tables, *queue.record_tables(schema)]


def _compare(session: Session, wanted: dict[str, Fingerprint]) -> None:
    for table in _tables(DBOS_SCHEMA):
        found = _fingerprint(session, table)
        if found != wanted[table.name]:
            raise RelocationRefused(
                f"table {table.name} has {found.rows} rows in the copy and "
                f"{wanted[table.name].rows} in the original, or other values; nothing was copied"
            )


def _rows(session: Session, table: Table) -> Iterator[list[dict[str, object]]]:
    """Yield batches of rows in the order of their insertion, since lines refer to earlier ones."""
    query = select(table)
    if (
        session.get_bind().dialect.name == "sqlite"
        and table.dialect_kwargs.get("sqlite_with_rowid") is not False
    ):
        query = query.order_by(text("rowid"))
    found = session.execute(query.execution_options(yield_per=_BATCH))
    for batch in found.partitions():
        yield [dict(row._mapping) for row in batch]


def _fingerprint(session: Session, table: Table) -> Fingerprint:
    number = checksum = 0
    for batch in _rows(session, table):
        number += len(batch)
        for row in batch:
            values = repr([_plain(row[each.name]) for each in table.columns])
            digest = hashlib.sha256(values.encode()).digest()
            checksum = (checksum + int.from_bytes(digest)) % 2**256
    return Fingerprint(number, checksum)


def _plain(value: object) -> object:
    """Return a value that is equal for equal values of both databases."""
    if isinstance(value, dict | list):
        return json.dumps(value, sort_keys=True)
    return bytes(value) if isinstance(value, bytes | memoryview) else value


def _advance_sequences(session: Session, table: Table) -> None:
    """Let the next row get a number above those that were copied."""
    for column in table.primary_key.columns:
        name = table.fullname
        sequence = session.scalar(select(func.pg_get_serial_sequence(name, column.name)))
        highest = session.scalar(select(func.max(column))) if sequence else None
        if highest is not None:
            session.execute(select(func.setval(sequence, highest)))
