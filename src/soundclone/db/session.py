"""The database: one engine for SQLite or Postgres, and the two kinds of transaction.

Everything below the API is synchronous. The API awaits `Database.run`, which keeps its event loop
free: on Postgres by a pool of threads, on SQLite by one thread for writes (the file has one writer
at a time in any case), while reads run in place, because a point read of a WAL file takes less
time than the hop to a thread and waits for nobody.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, Row, Select, create_engine, event, make_url, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from ..errors import Unavailable

P = ParamSpec("P")
R = TypeVar("R")


class Database:
    """A connection pool. `url` is a SQLAlchemy URL of SQLite or of Postgres by psycopg."""

    def __init__(self, url: str, pool_size: int = 10) -> None:
        parsed = make_url(url)
        kind = parsed.get_backend_name()
        if kind not in ("sqlite", "postgresql"):
            raise Unavailable(
                f"database URL of kind {kind!r} is not supported; use postgresql://… or sqlite:///…"
            )
        self.sqlite = kind == "sqlite"
        if self.sqlite and parsed.database:
            path = Path(parsed.database)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Only to create it for ourselves alone. An existing one must never be opened past
            # SQLite: closing it would drop the locks of every connection of this process.
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        arguments: dict[str, Any] = {"connect_timeout": 10}
        if self.sqlite:
            arguments = {"check_same_thread": False, "timeout": 30}
        self.engine: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=2 * pool_size,
            pool_pre_ping=not self.sqlite,
            connect_args=arguments,
            hide_parameters=True,  # they hold texts, and errors are logged
        )
        if self.sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._local = threading.local()
        self._readers: list[Connection] = []
        self._threads = ThreadPoolExecutor(1 if self.sqlite else pool_size, "database")

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that commits at the end of the block, or rolls back."""
        with self._sessions() as session, session.begin():
            if self.sqlite:
                # Take the write lock before the first read: a lock taken later could not be
                # waited for, because the snapshot that was read would be stale.
                session.execute(text("BEGIN IMMEDIATE"))
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session to read with."""
        with self._sessions() as session:
            yield session

    async def run(
        self, work: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run `work(session, …)` in a writing transaction, off the event loop."""

        def job() -> R:
            with self.write() as session:
                return work(session, *args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._threads, job)

    async def look(
        self, work: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run `work(session, …)` to read; `work` must be a few point reads."""

        def job() -> R:
            with self.read() as session:
                return work(session, *args, **kwargs)

        if self.sqlite:
            return job()
        return await asyncio.get_running_loop().run_in_executor(self._threads, job)

    async def row(self, statement: Select[Any], **parameters: Any) -> Row[Any] | None:
        """The one row of a point read, for the path that is taken most often. It uses a connection
        that its thread keeps, outside any transaction: to check one out and to end a transaction
        would cost more than the read."""

        def job() -> Row[Any] | None:
            try:
                return self._reader().execute(statement, parameters).one_or_none()
            except OperationalError:
                # The server ended it, perhaps long ago; a new one tells whether it is away.
                self._forget_reader()
                return self._reader().execute(statement, parameters).one_or_none()

        if self.sqlite:
            return job()
        return await asyncio.get_running_loop().run_in_executor(self._threads, job)

    def _reader(self) -> Connection:
        reader: Connection | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = self.engine.connect()
            if not self.sqlite:
                reader = reader.execution_options(isolation_level="AUTOCOMMIT")
            self._local.reader = reader
            self._readers.append(reader)
        return reader

    def _forget_reader(self) -> None:
        reader: Connection | None = getattr(self._local, "reader", None)
        if reader is None:  # there was none to be had
            return
        self._local.reader = None
        self._readers.remove(reader)
        reader.invalidate()
        reader.close()

    def check(self) -> None:
        """Raise Unavailable unless the database answers."""
        try:
            with self.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except SQLAlchemyError as error:
            raise Unavailable(f"the database does not answer: {type(error).__name__}") from error

    def close(self) -> None:
        self._threads.shutdown(wait=True)
        for reader in self._readers:
            reader.close()
        self.engine.dispose()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = "IMMEDIATE"
    if sqlite3.sqlite_version_info < (3, 42):
        # The defaults of dbos' columns are of the SQLite that comes with Python's own builds of
        # 3.12 and newer; a Python that uses the system's may have an older one.
        connection.create_function("unixepoch", 1, lambda _modifier: round(time.time(), 3))
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # a commit that was acknowledged survives a power cut
        "busy_timeout=30000",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()
