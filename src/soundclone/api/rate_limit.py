"""Limits on the number of requests per minute, of an API key or of a client's address."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import Literal

from ..errors import RateLimited

WINDOW = 60.0  # seconds


class RateLimit:
    """Sliding-window limit, counted in this process.

    Requests are counted per minute of the clock. The count of the last 60 seconds is estimated as
    the count of the current minute plus the share of the previous minute that is less than 60
    seconds ago.
    """

    def __init__(
        self,
        per_minute: int,
        clock: Callable[[], float] = time.monotonic,
        *,
        of: Literal["key", "address"] = "key",
    ) -> None:
        self._limit = per_minute
        self._of = of
        self._clock = clock
        self._minute = 0.0
        self._current: Counter[str] = Counter()
        self._previous: Counter[str] = Counter()

    def check(self, sender: str) -> None:
        """Count a request of a key or an address.

        Raises:
            RateLimited: The sender has reached the limit. The request is not counted.
        """
        minute, elapsed = divmod(self._clock(), WINDOW)
        if minute != self._minute:
            follows = minute == self._minute + 1
            self._previous = self._current if follows else Counter()
            self._current = Counter()
            self._minute = minute
        current, previous = self._current[sender], self._previous[sender]
        if current + previous * (1 - elapsed / WINDOW) > self._limit - 1:
            wait = max(1.0, self._wait(current, previous) - elapsed)
            if self._of == "address":
                raise RateLimited(
                    f"this address has sent {self._limit} requests within a minute, which is the "
                    "most; wait a little",
                    retry_after=wait,
                )
            raise RateLimited(
                f"this key has sent {self._limit} requests within a minute, which is the most; "
                "wait a little",
                retry_after=wait,
            )
        self._current[sender] += 1

    def _wait(self, current: int, previous: int) -> float:
        """Return the seconds from the start of this minute to the next request that is allowed."""
        room = self._limit - 1
        if current <= room:
            return WINDOW * (1 - (room - current) / previous)
        return WINDOW * (2 - room / current)


def network_of(host: str) -> str:
    """Return the part of a client's address that one client has: of IPv6, the first 64 bits."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return f"{int(address) >> 64:x}"
    return host


class ReportLimits:
    """Limits on the reports that a process accepts in a minute."""

    def __init__(self, per_address: int = 5, in_total: int = 60) -> None:
        self._addresses = RateLimit(per_address)
        self._all = RateLimit(in_total)

    def check(self, address: str) -> None:
        """Count a report of an address. Raises RateLimited."""
        try:
            self._addresses.check(network_of(address))
            self._all.check("")
        except RateLimited as error:
            raise RateLimited(
                "too many reports arrived within a minute; wait a minute and send the report again",
                retry_after=error.retry_after,
            ) from error
