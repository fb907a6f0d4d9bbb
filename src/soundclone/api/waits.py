"""Estimates of the time until streams are heard, from the pace of the streams before them.

A worker begins the streams of an account in the order of the requests. So the times of their first
bytes tell when a later stream will be heard, and a client who would wait too long learns that
early. Each process knows the streams that it sends itself, and measures its share of the workers.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_LEAST = 4  # first bytes that tell a pace
_MOST = 8  # first bytes that are remembered


@dataclass
class _Line:
    """The streams of an account that nobody hears yet, and the last ones that were heard."""

    silent: dict[str, None] = field(default_factory=dict)  # in the order of the requests
    heard: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST))  # monotonic seconds


@dataclass(frozen=True)
class Wait:
    """The wait of one stream."""

    _line: _Line
    _task_id: str
    _since: float  # monotonic seconds
    _now: Callable[[], float]

    def expected(self) -> float | None:
        """Return the seconds from the request to the first byte, None if too little is known."""
        heard = self._line.heard
        if len(heard) < _LEAST or self._task_id not in self._line.silent:
            return None
        # A next byte that does not come tells a slower pace.
        passed = heard[-1] - heard[0]
        pace = max(passed / (len(heard) - 1), (self._now() - heard[0]) / len(heard))
        place = 1 + list(self._line.silent).index(self._task_id)
        return heard[-1] + place * pace - self._since

    def end(self) -> None:
        """Record that the first byte is sent."""
        if self._task_id in self._line.silent:
            del self._line.silent[self._task_id]
            self._line.heard.append(self._now())


class Waits:
    """The streams of this process that nobody hears yet, by account."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """Begin without a stream. `now` returns seconds."""
        self._now = now
        self._lines: dict[str, _Line] = {}

    @contextmanager
    def of(self, account_id: str, task_id: str) -> Iterator[Wait]:
        """Yield the wait of a stream whose request has just come."""
        line = self._lines.setdefault(account_id, _Line())
        line.silent[task_id] = None
        try:
            yield Wait(line, task_id, self._now(), self._now)
        finally:
            line.silent.pop(task_id, None)
            # The pace belongs to streams that wait for each other.
            if not line.silent and self._lines.get(account_id) is line:
                del self._lines[account_id]
