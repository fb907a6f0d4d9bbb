"""Signals between the processes that share a database: short texts that reach every listener.

A signal only saves a process from waiting for its next poll. A signal may be lost, so every
listener polls as well. On Postgres, signals are notifications (NOTIFY). Beside an SQLite file, each
listener reads a named pipe in the folder `signals`.
"""

from __future__ import annotations

import errno
import os
import select
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ..telemetry import log
from .session import Database

TASKS = "tasks"
"""Channel of signals, each the id of a task that has a new part of its audio or has ended."""

_log = log(__name__)
_LONGEST = 200  # characters of a signal, so that a write to a pipe is atomic
_RETRY = 5.0  # seconds until a lost connection is opened again
_NOTIFY = text(
    "SELECT pg_notify(CAST(:channel AS text), signal) "
    "FROM unnest(CAST(:signals AS text[])) AS signal"
)
_CHECK = 1.0  # seconds in which a listener notices that it must end


class Signals:
    """Sends and receives the signals of one channel.

    Args:
        database: The database that all processes share.
        channel: Name of the channel: lower-case letters.
    """

    def __init__(self, database: Database, channel: str) -> None:
        self._database = database
        self._channel = f"soundclone_{channel}"
        self._folder = _folder(database, channel)
        self._closed = threading.Event()
        self._pending: dict[str, None] = {}
        self._changed = threading.Condition()
        self._sender: threading.Thread | None = None

    def send(self, signal: str) -> None:
        """Send a signal of at most 200 characters. Returns at once and never raises."""
        if self._database.sqlite:
            self._write([signal])
            return
        # One notification at a time: transactions with notifications commit one after the other.
        with self._changed:
            self._pending[signal] = None
            if self._sender is None:
                self._sender = threading.Thread(target=self._notify, name="signals", daemon=True)
                self._sender.start()
            self._changed.notify()

    def send_after_commit(self, session: Session, signal: str) -> None:
        """Send a signal when the session's transaction is committed."""

        def send(session: Session) -> None:
            if not session.in_nested_transaction():
                self.send(signal)

        event.listen(session, "after_commit", send)

    def listen(self, heard: Callable[[str], None]) -> None:
        """Call `heard` with each signal, in a thread, until `close`.

        After a time without a connection, `heard` is not called for the signals of that time.
        """
        if not self._database.sqlite:
            target = self._receive
        elif self._folder is not None and hasattr(os, "mkfifo"):
            target = self._read
        else:  # the listener polls
            return
        threading.Thread(target=target, args=(heard,), name="listener", daemon=True).start()

    def close(self) -> None:
        """Stop sending and listening."""
        self._closed.set()
        with self._changed:
            self._changed.notify()
            sender = self._sender
        if sender is not None:
            sender.join(_CHECK)  # its connection belongs to the pool, which the caller closes next

    def _notify(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending or self._closed.is_set())
                if self._closed.is_set():
                    return
                signals, self._pending = list(self._pending), {}
            try:
                with self._database.engine.connect() as connection:
                    connection.execute(
                        _NOTIFY,
                        {"channel": self._channel, "signals": signals},
                    )
                    connection.commit()
            except SQLAlchemyError as error:
                _log.warning("signals not sent", error=type(error).__name__)

    def _receive(self, heard: Callable[[str], None]) -> None:
        engine = self._database.engine
        places, options = engine.dialect.create_connect_args(engine.url)
        options["connect_timeout"] = round(_RETRY)
        while not self._closed.is_set():
            try:
                # Not of the pool, whose size is that of the work.
                with psycopg.connect(*places, autocommit=True, **options) as connection:
                    connection.execute(SQL("LISTEN {}").format(Identifier(self._channel)))
                    while not self._closed.is_set():
                        for notification in connection.notifies(timeout=_CHECK):
                            heard(notification.payload)
            except psycopg.Error as error:
                if self._closed.is_set():
                    return
                _log.warning("signals not received", error=type(error).__name__)
                self._closed.wait(_RETRY)

    def _write(self, signals: Iterable[str]) -> None:
        line = "".join(f"{signal[:_LONGEST]}\n" for signal in signals).encode()
        try:
            pipes = [] if self._folder is None else list(self._folder.glob("*.pipe"))
        except OSError:
            return
        for pipe in pipes:
            try:
                descriptor = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno == errno.ENXIO:  # killed listeners leave their pipes
                    with suppress(OSError):
                        pipe.unlink()
                continue
            with suppress(OSError):  # a full pipe has woken its listener already
                os.write(descriptor, line)
            os.close(descriptor)

    def _read(self, heard: Callable[[str], None]) -> None:
        assert self._folder is not None
        name = uuid4().hex
        made, pipe = self._folder / f"{name}.new", self._folder / f"{name}.pipe"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.mkfifo(made, 0o600)
            descriptor = os.open(made, os.O_RDWR | os.O_NONBLOCK)
            # Renamed once somebody reads, because senders remove pipes that nobody reads.
            made.rename(pipe)
        except OSError as error:
            _log.warning("signals not received", error=error.strerror)
            return
        rest = b""
        try:
            while not self._closed.is_set():
                if not select.select([descriptor], [], [], _CHECK)[0]:
                    continue
                *lines, rest = (rest + os.read(descriptor, 65536)).split(b"\n")
                for line in dict.fromkeys(lines):
                    heard(line.decode())
        finally:
            with suppress(OSError):
                pipe.unlink()
            os.close(descriptor)


def _folder(database: Database, channel: str) -> Path | None:
    """Return the folder of the pipes beside an SQLite file, None without a file."""
    path = database.engine.url.database if database.sqlite else None
    if not path or path == ":memory:":
        return None
    return Path(path).parent / "signals" / channel
