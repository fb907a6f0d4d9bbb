"""The order in which requests begin to be answered.

An event loop that is handed three thousand requests at once begins all of them before it looks at
its sockets again, which takes seconds. Here a few begin in each turn of the loop. Requests that
bring a key go before those of strangers, and so does the acceptance of connections, on which the
next key may come.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

_EACH_TURN = 16  # requests that begin before the loop looks at its sockets
_SHARE = 4  # every fourth of them is a stranger's, if there is one
_PATIENCE = 8  # turns that accept connections, after which a stranger's request begins
_PROBES = frozenset({"/healthz", "/readyz"})
_KEYS = frozenset({b"authorization", b"cookie"})


class Starts:
    """Requests that wait for their turn."""

    def __init__(self) -> None:
        self._first: deque[Callable[[], None]] = deque()
        self._others: deque[Callable[[], None]] = deque()
        self._begun = 0  # in this turn
        self._accepted = False  # a connection, in this turn
        self._crowded = 0  # turns on end that accepted connections
        self._scheduled = False

    def accepted(self) -> None:
        """Note a new connection."""
        self._accepted = True
        self._schedule()

    def begin(self, scope: Mapping[str, Any], start: Callable[[], None]) -> None:
        """Call `start` now, or in a later turn when much comes at once."""
        self._schedule()
        first = goes_first(scope)
        room = self._begun < _EACH_TURN and not self._first
        if room and (first or not (self._others or self._accepted)):
            self._begun += 1
            start()
        else:
            (self._first if first else self._others).append(start)

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        self._crowded = self._crowded + 1 if self._accepted else 0
        self._accepted = False
        self._begun = 0
        strangers = _EACH_TURN  # that may begin in this turn
        if self._crowded:
            strangers = 1 if self._crowded % _PATIENCE == 0 else 0
        while self._begun < _EACH_TURN:
            if self._others and strangers and (not self._first or self._begun % _SHARE == 0):
                strangers -= 1
                self._others.popleft()()
            elif self._first:
                self._first.popleft()()
            else:
                break
            self._begun += 1
        if self._first or self._others or self._begun:
            self._schedule()


def goes_first(scope: Mapping[str, Any]) -> bool:
    """A request brings a key or a session, which may be wrong, or asks about the service."""
    return scope["path"] in _PROBES or any(name in _KEYS for name, _ in scope["headers"])
