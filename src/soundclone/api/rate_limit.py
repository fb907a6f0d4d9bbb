"""Limit on the number of requests per API key and minute."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from ..errors import RateLimited

WINDOW = 60.0  # seconds


class RateLimit:
    """Sliding-window limit, counted in this process.

    Requests are counted per minute of the clock. The count of the last 60 seconds is estimated as
    the count of the current minute plus the share of the previous minute that is less than 60
    seconds ago.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = per_minute
        self._clock = clock
        self._minute = 0.0
        self._current: Counter[str] = Counter()
        self._previous: Counter[str] = Counter()

    def check(self, key_id: str) -> None:
        """Count a request of a key.

        Raises:
            RateLimited: The key has reached the limit. The request is not counted.
        """
        minute, elapsed = divmod(self._clock(), WINDOW)
        if minute != self._minute:
            follows = minute == self._minute + 1
            self._previous = self._current if follows else Counter()
            self._current = Counter()
            self._minute = minute
        current, previous = self._current[key_id], self._previous[key_id]
        if current + previous * (1 - elapsed / WINDOW) > self._limit - 1:
            raise RateLimited(
                f"this key has sent {self._limit} requests within a minute, which is the most; "
                "wait a little",
                retry_after=max(1.0, self._wait(current, previous) - elapsed),
            )
        self._current[key_id] += 1

    def _wait(self, current: int, previous: int) -> float:
        """Return the seconds from the start of this minute to the next request that is allowed."""
        room = self._limit - 1
        if current <= room:
            return WINDOW * (1 - (room - current) / previous)
        return WINDOW * (2 - room / current)
