"""The open connections of a server process: their limits, and the decision whose turn is over.

A connection costs memory and a descriptor before anybody knows who opened it, so that every step
that depends on the client has an end: the head of a request, its body, and the reading of the
answer. When there are too many connections, the client that has kept the server waiting longest
loses its place, so that those who send a request at once are served.
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
_TICK = 1.0  # seconds between two looks at the deadlines
_NOTICE = 60.0  # seconds between two log lines on the same subject
_DESCRIPTORS = 65_536  # asked for at most: some systems offer a thousand million


@dataclass(frozen=True)
class Limits:
    """The most that a client may take of the server. Seconds and bytes."""

    connections: int = 4000
    head: int = 64 * 1024  # bytes of request line and headers
    headers: int = 100
    head_seconds: float = 10.0  # from the first byte of a request, or from the connection
    heads: int = 16 * 1024 * 1024  # bytes of unfinished heads in all connections together
    idle_seconds: float = 75.0  # between two requests; longer than clients keep a connection
    body_seconds: float = 30.0  # of silence within a body
    body_rate: float = 4096.0  # bytes a second that a body has at least, over body_seconds
    framing: int = 64 * 1024  # bytes of chunk sizes, extensions and trailers beside the body
    pipeline: int = 16  # requests that wait for the one before them
    stall_seconds: float = 60.0  # in which a client reads nothing of its answer
    stalled: int = 128  # connections at once whose client does not read fast enough
    discard: int = 256 * 1024 * 1024  # bytes of a body that are read after its refusal
    discard_seconds: float = 30.0


class Connection(Protocol):
    """One client, as the guard sees it."""

    head_size: int

    def check(self, now: float) -> None:
        """End the connection if its time is over."""

    def drop(self) -> None:
        """End the connection at once."""

    def unread(self) -> int:
        """Bytes of the answer that the client has not taken."""


class Guard:
    """Keeps the connections of a process within its limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.starts = Starts()
        self.connections: set[Connection] = set()
        # In the order in which they began to wait: dicts keep it.
        self._waiting: dict[Connection, None] = {}  # for a whole request head
        self._sending: dict[Connection, None] = {}  # a body
        self._stalled: dict[Connection, _Stall] = {}  # answers that are not read
        self._heads = 0  # bytes of unfinished heads
        self._ticking = False
        self._noticed = 0.0

    def admit(self, connection: Connection) -> None:
        """Count a new connection, and make room for it."""
        self.connections.add(connection)
        self.starts.accepted()
        self.waits(connection)
        if not self._ticking:
            self._ticking = True
            asyncio.get_running_loop().call_later(_TICK, self._tick)
        if len(self.connections) > self.limits.connections:
            self._make_room(connection)

    def forget(self, connection: Connection) -> None:
        """Remove a connection that is closed."""
        self.connections.discard(connection)
        self.served(connection)
        self.flows(connection)

    def close(self) -> None:
        """End the connections whose clients have not read their answers by now."""
        for connection in list(self.connections):
            connection.drop()

    def waits(self, connection: Connection) -> None:
        """Note a connection on which a request head has to come. It is the latest of all."""
        self._waiting.pop(connection, None)
        self._sending.pop(connection, None)
        self._waiting[connection] = None

    def sends(self, connection: Connection) -> None:
        """Note a connection on which a request body has to come."""
        self._waiting.pop(connection, None)
        self._sending[connection] = None

    def served(self, connection: Connection) -> None:
        """Note a connection whose client owes nothing: a whole request is there."""
        self._waiting.pop(connection, None)
        self._sending.pop(connection, None)

    def head(self, size: int) -> None:
        """Add to the bytes of unfinished heads, or take from them."""
        self._heads += size
        if self._heads > self.limits.heads:
            for connection in [each for each in self._waiting if each.head_size]:
                self._drop(connection, "heads")
                if self._heads <= self.limits.heads:
                    return

    def stalls(self, connection: Connection) -> None:
        """Note a connection whose client reads more slowly than the answer comes."""
        now = time.monotonic()
        self._stalled[connection] = _Stall(now, connection.unread())
        if len(self._stalled) > self.limits.stalled:
            self._thin_out(now)

    def flows(self, connection: Connection) -> None:
        """Note a connection whose client reads again."""
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
            if now - stall.since < _TICK / 2:  # it may be reading this moment
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
        self.forget(connection)
        connection.drop()
        if time.monotonic() - self._noticed > _NOTICE:
            self._noticed = time.monotonic()
            _log.warning(
                "connections were closed to make room", reason=reason, open=len(self.connections)
            )


@dataclass(frozen=True)
class _Stall:
    since: float
    unread: int


def raise_descriptors() -> int:
    """Raise the limit of open files of this process as far as it may; the limit then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # macOS has a lower limit, which it does not report
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _DESCRIPTORS if soft == resource.RLIM_INFINITY else soft


def reserve(descriptors: int) -> int:
    """Descriptors that connections leave to the database, to files, and to those connections that
    the kernel hands over before the guard has closed others."""
    return max(64, min(4096, descriptors // 3))
