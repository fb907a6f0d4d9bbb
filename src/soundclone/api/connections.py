"""Limits on the open connections of a server process.

A connection costs memory and a file descriptor before its client is authenticated. Each step that
depends on the client therefore has a time limit: to send the head of a request, to send the body,
and to read the response. When there are too many connections, `Guard` closes the connection whose
client has kept the server waiting longest. Clients that send their request at once are still
served.
"""

from __future__ import annotations

import asyncio
import resource
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from ..telemetry import CLOSED, log
from .starts import Starts

_log = log(__name__)
_TICK = 1.0  # seconds between two checks of the deadlines
_LOG_INTERVAL = 60.0  # seconds between two log lines about closed connections
_DESCRIPTORS = 65_536  # largest limit of open files to request: some systems allow a billion


@dataclass(frozen=True)
class Limits:
    """Limits on the resources that clients can use."""

    connections: int = 4000
    head: int = 64 * 1024  # bytes of request line and headers
    headers: int = 100
    head_seconds: float = 10.0  # for a head, from its first byte or from the connection
    heads: int = 16 * 1024 * 1024  # bytes of unfinished heads of all connections
    idle_seconds: float = 75.0  # between two requests: longer than clients keep connections
    body_seconds: float = 30.0  # without a byte of the body
    body_rate: float = 4096.0  # bytes per second of a body, the mean over body_seconds
    framing: int = 64 * 1024  # bytes of chunk sizes, extensions and trailers
    pipeline: int = 16  # requests that wait for an earlier response
    stall_seconds: float = 60.0  # in which a client reads nothing of the response
    stalled: int = 128  # connections at once whose client reads too slowly
    discard: int = 256 * 1024 * 1024  # bytes of a rejected body that are still read
    discard_seconds: float = 30.0


class Connection(Protocol):
    """Interface of a connection for the guard."""

    head_size: int

    def check(self, now: float) -> None:
        """Close the connection if a deadline has passed."""

    def drop(self) -> None:
        """Close the connection at once."""

    def unread(self) -> int:
        """Return the bytes of the response that the client has not read."""


class Guard:
    """Keep the connections of a process within the limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.starts = Starts()
        self.connections: set[Connection] = set()
        # Each dict has its connections in the order in which they began to wait.
        self._waiting: dict[Connection, None] = {}  # for a whole request head
        self._sending: dict[Connection, None] = {}  # a body
        self._stalled: dict[Connection, _Stall] = {}  # for the client to read
        self._heads = 0  # bytes of unfinished heads
        self._ticking = False
        self._noticed = 0.0

    def admit(self, connection: Connection) -> None:
        """Add a new connection, and close another one if there are too many."""
        self.connections.add(connection)
        self.starts.accepted()
        self.await_head(connection)
        if not self._ticking:
            self._ticking = True
            asyncio.get_running_loop().call_later(_TICK, self._tick)
        if len(self.connections) > self.limits.connections:
            self._make_room(connection)

    def remove(self, connection: Connection) -> None:
        """Remove a closed connection."""
        self.connections.discard(connection)
        self.complete(connection)
        self.mark_reading(connection)

    def close(self) -> None:
        """Close the remaining connections."""
        for connection in list(self.connections):
            connection.drop()

    def await_head(self, connection: Connection) -> None:
        """Record that a connection waits for a request head, from now on."""
        self._waiting.pop(connection, None)
        self._sending.pop(connection, None)
        self._waiting[connection] = None

    def await_body(self, connection: Connection) -> None:
        """Record that a connection waits for a request body."""
        self._waiting.pop(connection, None)
        self._sending[connection] = None

    def complete(self, connection: Connection) -> None:
        """Record that a connection has a complete request."""
        self._waiting.pop(connection, None)
        self._sending.pop(connection, None)

    def add_head_bytes(self, size: int) -> None:
        """Add `size`, which can be negative, to the bytes of unfinished heads."""
        self._heads += size
        if self._heads > self.limits.heads:
            for connection in [each for each in self._waiting if each.head_size]:
                self._drop(connection, "heads")
                if self._heads <= self.limits.heads:
                    return

    def mark_stalled(self, connection: Connection) -> None:
        """Record that a client reads more slowly than the server writes."""
        now = time.monotonic()
        self._stalled[connection] = _Stall(now, connection.unread())
        if len(self._stalled) > self.limits.stalled:
            self._thin_out(now)

    def mark_reading(self, connection: Connection) -> None:
        """Record that a client reads fast enough again."""
        self._stalled.pop(connection, None)

    def _make_room(self, newest: Connection) -> None:
        for group in (self._waiting, self._sending):
            oldest = next(iter(group)) if group else newest
            if oldest is not newest:
                self._drop(oldest, "crowded")
                return
        self._drop(newest, "crowded")

    def _thin_out(self, now: float) -> None:
        while len(self._stalled) > self.limits.stalled:
            connection, stall = next(iter(self._stalled.items()))
            if now - stall.since < _TICK / 2:  # the client may be reading now
                return
            self._drop(connection, "stalled")

    def _tick(self) -> None:
        now = time.monotonic()
        for connection, stall in list(self._stalled.items()):
            unread = connection.unread()
            if unread < stall.unread:
                del self._stalled[connection]
                self._stalled[connection] = _Stall(now, unread)
            elif now - stall.since > self.limits.stall_seconds:
                self._drop(connection, "stalled")
        self._thin_out(now)
        for connection in list(self.connections):
            connection.check(now)
        self._ticking = bool(self.connections)
        if self._ticking:
            asyncio.get_running_loop().call_later(_TICK, self._tick)

    def _drop(self, connection: Connection, reason: str) -> None:
        CLOSED.labels(reason).inc()
        self.remove(connection)
        connection.drop()
        if time.monotonic() - self._noticed > _LOG_INTERVAL:
            self._noticed = time.monotonic()
            _log.warning(
                "connections were closed to make room", reason=reason, open=len(self.connections)
            )


@dataclass(frozen=True)
class _Stall:
    since: float
    unread: int


def raise_descriptors() -> int:
    """Raise the limit of open files of this process as far as possible, and return the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # macOS has a lower limit than it reports
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _DESCRIPTORS if soft == resource.RLIM_INFINITY else soft


def reserve(descriptors: int) -> int:
    """Return the number of file descriptors that are not for connections.

    They serve the database, files, and connections that arrive before the guard has closed others.
    """
    return max(64, min(4096, descriptors // 3))
