"""Order in which the server starts to answer requests.

An event loop that gets three thousand requests at once starts all of them before it looks at its
sockets again, which takes seconds. `Starts` limits the number of requests per turn of the loop.
Requests with credentials go first. New connections go before requests without credentials, because
the next request with credentials may arrive on one of them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

_PER_TURN = 16  # requests that start in one turn of the loop
_ANONYMOUS_SHARE = 4  # every fourth of these is anonymous, if one waits
_PATIENCE = 8  # turns with new connections, after which one anonymous request starts
_PROBES = frozenset({"/healthz", "/readyz"})
_CREDENTIALS = frozenset({b"authorization", b"cookie", b"xi-api-key"})  # headers


class Starts:
    """Queue of requests that wait for their turn."""

    def __init__(self) -> None:
        self._first: deque[Callable[[], None]] = deque()
        self._anonymous: deque[Callable[[], None]] = deque()
        self._started = 0  # requests of this turn
        self._accepted = False  # this turn accepted a connection
        self._crowded = 0  # successive turns that accepted connections
        self._scheduled = False

    def accepted(self) -> None:
        """Record a new connection."""
        self._accepted = True
        self._schedule()

    def begin(self, scope: Mapping[str, Any], start: Callable[[], None]) -> None:
        """Call `start` now, or in a later turn if many requests arrive at once."""
        self._schedule()
        first = goes_first(scope)
        room = self._started < _PER_TURN and not self._first
        if room and (first or not (self._anonymous or self._accepted)):
            self._started += 1
            start()
        else:
            (self._first if first else self._anonymous).append(start)

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        self._crowded = self._crowded + 1 if self._accepted else 0
        self._accepted = False
        self._started = 0
        allowance = _PER_TURN  # anonymous requests that may start in this turn
        if self._crowded:
            allowance = 1 if self._crowded % _PATIENCE == 0 else 0
        while self._started < _PER_TURN:
            is_their_share = not self._first or self._started % _ANONYMOUS_SHARE == 0
            if self._anonymous and allowance and is_their_share:
                allowance -= 1
                self._anonymous.popleft()()
            elif self._first:
                self._first.popleft()()
            else:
                break
            self._started += 1
        if self._first or self._anonymous or self._started:
            self._schedule()


def goes_first(scope: Mapping[str, Any]) -> bool:
    """Tell whether a request has credentials, valid or not, or probes the service."""
    return scope["path"] in _PROBES or any(name in _CREDENTIALS for name, _ in scope["headers"])
