"""Connections and transactions of the database, SQLite or Postgres.

All database code is synchronous. Workers use `Database.transaction` and `Database.read`. The API
awaits the methods whose names end in `_async`, which do not block its event loop.
On Postgres these run in a pool of threads. On SQLite writes run in one thread, since a file has
one writer at a time. Reads run directly: a point read takes less time than a switch of threads.
"""

from __future__ import annotations

import asyncio
import os
import select
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import psycopg
from sqlalchemy import (
    Connection,
    CursorResult,
    Engine,
    ExceptionContext,
    Result,
    Select,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.exc import InvalidatePoolError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from ..errors import Unavailable
from .batches import Batches
from .point_reads import AnyRow, PointRead, Prepared

IDLE_IN_TRANSACTION = 5.0
"""Seconds without a statement after which Postgres ends a transaction and frees its locks.

The process of the transaction hangs or its machine is gone, and other processes wait for the locks.
"""

_KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
# A connection to a machine that is gone ends after 25 s.
_FRESH = 5.0  # seconds after its last use for which an open connection is taken to work
_READ_ONLY = {"postgresql_readonly": True}  # in the BEGIN, so it costs no statement
_SNAPSHOT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
_USED = "used"  # key in the information about a connection

P = ParamSpec("P")
R = TypeVar("R")

_MOST_READS = 256  # in a batch of point reads
_LOST = (OperationalError, sqlite3.OperationalError, psycopg.OperationalError)


_Read = tuple[PointRead, Mapping[str, str]]


class Database:
    """Connection pool of one database.

    Args:
        url: SQLAlchemy URL: `sqlite:///…` or `postgresql+psycopg://…`.
        connections: Largest number of connections to Postgres at a time. They stay open.

    Raises:
        Unavailable: The URL names another kind of database.
    """

    def __init__(self, url: str, connections: int = 10) -> None:
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
            # Create the file readable by its owner alone. An existing file must not be opened
            # outside SQLite: closing it drops the locks of all connections of this process.
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        arguments: dict[str, object] = {"connect_timeout": 10, **_KEEPALIVES}
        if self.sqlite:
            arguments = {"check_same_thread": False, "timeout": 30}
        self.engine: Engine = create_engine(
            url,
            pool_size=connections,
            max_overflow=2 * connections if self.sqlite else 0,
            pool_use_lifo=True,  # a server may close connections that are idle for long
            connect_args=arguments,
            hide_parameters=True,  # errors are logged, and parameters hold users' texts
        )
        if self.sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
        else:
            event.listen(self.engine, "connect", _prepare_postgres)
            event.listen(self.engine, "checkin", _note_use)
            event.listen(self.engine, "checkout", partial(_ping, self.engine))
            event.listen(self.engine, "handle_error", _translate_idle)
        self.session_info: dict[str, object] = {}
        """Values that each new session has in `Session.info`."""
        self._sessions = sessionmaker(self.engine, expire_on_commit=False, info=self.session_info)
        self._prepared: dict[Select[*tuple[Any, ...]], Prepared] = {}
        self._local = threading.local()
        self._readers: list[Connection] = []
        self._threads = ThreadPoolExecutor(1 if self.sqlite else connections, "database")
        self._reads: Batches[_Read, AnyRow | None] = Batches(
            self._read_together, _MOST_READS, "point reads", threads=2
        )

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a writing transaction: commit at the end of the block, roll back on an error."""
        with self._sessions() as session, session.begin():
            if self.sqlite:
                # Take the write lock before the first read. SQLite does not wait for a lock that
                # is requested later: the snapshot that was read would be out of date.
                session.execute(text("BEGIN IMMEDIATE"))
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session for reading. Changes of its objects are not written.

        Statements that write fail on Postgres.
        """
        with self._sessions(autoflush=False) as session:
            if not self.sqlite:
                session.connection(execution_options=_READ_ONLY)
            yield session
            # Not a rollback, at which psycopg drops all prepared statements of the connection.
            session.expunge_all()
            with suppress(SQLAlchemyError):  # after an error that the block has caught
                session.commit()

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """Open a session whose queries all read the database as the first one finds it.

        In a session of `read`, each query sees what was committed before it. Sums that are compared
        with each other need the same state. A snapshot neither waits for writers nor delays them.
        """
        with self._sessions() as session:
            if self.sqlite:
                session.execute(text("BEGIN"))
            else:
                session.connection(execution_options=_SNAPSHOT)
            yield session

    async def transaction_async(
        self, work: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Return `work(session, *args, **kwargs)`, run in a writing transaction in a thread."""

        def job() -> R:
            with self.transaction() as session:
                return work(session, *args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._threads, job)

    def transaction_in_turn(
        self, work: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Return `work(session, *args, **kwargs)`, run in a writing transaction.

        On SQLite the transaction runs in the thread that `transaction_async` uses: threads that
        wait for the lock of a file sleep, and look for it in vain while others take it.
        """

        def job() -> R:
            with self.transaction() as session:
                return work(session, *args, **kwargs)

        return self._threads.submit(job).result() if self.sqlite else job()

    async def read_async(
        self, work: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Return `work(session, *args, **kwargs)`, run in a session for reading.

        `work` must be limited to a few point reads, because it blocks the event loop on SQLite.
        """

        def job() -> R:
            with self.read() as session:
                return work(session, *args, **kwargs)

        if self.sqlite:
            return job()
        return await asyncio.get_running_loop().run_in_executor(self._threads, job)

    async def fetch_one_async(self, read: PointRead, **parameters: str) -> AnyRow | None:
        """Return the only row of a point read, or None.

        Made for polling, the most frequent request. The thread of such reads keeps a connection
        outside any transaction, because checking one out and ending a transaction would cost more
        than the read. On Postgres, reads that arrive while another is under way are sent together.
        """
        if self.sqlite:
            rows = self._point_read(read.one, parameters)
            return rows[0] if rows else None
        return await self._reads.do((read, parameters))

    def _read_together(self, reads: Sequence[_Read]) -> Sequence[AnyRow | None]:
        """Return the rows of point reads. Each kind of read takes one statement."""
        found: list[AnyRow | None] = [None] * len(reads)
        kinds: dict[PointRead, list[int]] = {}
        for place, (read, _) in enumerate(reads):
            kinds.setdefault(read, []).append(place)
        for read, places in kinds.items():
            names = reads[places[0]][1]
            arrays = {name: [reads[place][1][name] for place in places] for name in names}
            for row in self._point_read(read.many, arrays):
                found[places[row[0] - 1]] = row
        return found

    def _point_read(
        self, statement: Select[*tuple[Any, ...]], parameters: Mapping[str, Any]
    ) -> list[AnyRow]:
        """Return the rows that this thread's connection for point reads finds."""
        prepared = self._prepared.get(statement)
        if prepared is None:
            prepared = self._prepared[statement] = Prepared(statement, self.engine.dialect)
        try:
            return prepared.execute(self._reader(), parameters)
        except _LOST:
            # The server may have closed the connection long ago. Try again with a new one.
            self._discard_reader()
        try:
            return prepared.execute(self._reader(), parameters)
        except _LOST as error:
            raise OperationalError("a point read", None, error, hide_parameters=True) from error

    def _reader(self) -> Any:
        """Return the driver's connection that this thread keeps for point reads."""
        reader: Connection | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = self.engine.connect()
            if not self.sqlite:
                reader = reader.execution_options(isolation_level="AUTOCOMMIT")
            self._local.reader = reader
            self._readers.append(reader)
            self._local.driver = reader.connection.driver_connection
        return self._local.driver

    def _discard_reader(self) -> None:
        reader: Connection | None = getattr(self._local, "reader", None)
        if reader is None:  # the first connection could not be opened
            return
        self._local.reader = None
        self._readers.remove(reader)
        reader.invalidate()
        reader.close()

    def empty_log(self) -> None:
        """Move the write-ahead log of SQLite into the database file, so that no old text stays.

        While another connection reads, the log stays until the next checkpoint.
        """
        if self.sqlite:
            with self.engine.connect() as connection:
                connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))

    def check(self) -> None:
        """Raise Unavailable unless the database answers."""
        try:
            with self.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except SQLAlchemyError as error:
            raise Unavailable(f"the database does not answer: {type(error).__name__}") from error

    def close(self) -> None:
        """Wait for running work and close all connections."""
        self._reads.close()
        self._threads.shutdown(wait=True)
        for reader in self._readers:
            reader.close()
        self.engine.dispose()


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = "IMMEDIATE"
    if sqlite3.sqlite_version_info < (3, 42):
        # dbos 3 sets column defaults with unixepoch('subsec'), which older versions lack.
        connection.create_function("unixepoch", 1, lambda _modifier: round(time.time(), 3))
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # an acknowledged commit survives a power cut
        "busy_timeout=30000",
        "foreign_keys=ON",
        "secure_delete=ON",  # overwrites deleted texts, which would stay in free pages
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _prepare_postgres(connection: psycopg.Connection[object], record: ConnectionPoolEntry) -> None:
    _note_use(connection, record)
    limit = f"{IDLE_IN_TRANSACTION * 1000:.0f}"
    connection.execute(
        "SELECT set_config('idle_in_transaction_session_timeout', %s, false)", [limit]
    )
    connection.commit()


def _note_use(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info[_USED] = time.monotonic()


def _ping(
    engine: Engine,
    connection: psycopg.Connection[object],
    record: ConnectionPoolEntry,
    _proxy: PoolProxiedConnection,
) -> None:
    """Let the pool replace a connection that the server has closed.

    SQLAlchemy's `pool_pre_ping` would send a statement, in a transaction, at every checkout. But
    data from the server announces the end of an idle connection, and is seen without a statement.
    """
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if time.monotonic() - record.info[_USED] < _FRESH and not poll.poll(0):
        return
    try:
        engine.dialect.do_ping(connection)  # type: ignore[arg-type]
    except psycopg.Error as error:
        raise InvalidatePoolError("the server closed the connection") from error


def _translate_idle(context: ExceptionContext) -> None:
    """Raise OperationalError, which is tried again, after the end of an idle transaction."""
    error = context.original_exception
    if isinstance(error, psycopg.errors.IdleInTransactionSessionTimeout):
        context.is_disconnect = True
        raise OperationalError(
            context.statement, None, error, hide_parameters=True, connection_invalidated=True
        ) from error


def affected(result: Result[tuple[object, ...]]) -> int:
    """Return the number of rows that an INSERT, UPDATE or DELETE changed."""
    assert isinstance(result, CursorResult)
    return result.rowcount
