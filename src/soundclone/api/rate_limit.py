"""Limits on the number of requests per minute, of an API key or of a client's address.

All API processes share the counts, see `core.request_counts`. A process reserves a hundredth of the
limit at a time. So a sender never exceeds the limit, and may be refused when up to a hundredth of
it is unused in each other process.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv6Address, ip_address
from typing import Literal

from ..core import request_counts
from ..core.request_counts import Grant, Want
from ..db.batches import Batches
from ..db.session import Database
from ..errors import RateLimited

_MOST = 256  # senders whose requests are reserved in a transaction
_MOST_SENDERS = 10_000  # that a process remembers
_LEASES = 100  # into which a limit is divided
_REFUSED = 1.0  # seconds for which a process refuses a sender without another look


@dataclass
class _Lease:
    """Requests of a sender that this process may allow."""

    left: int = 0
    until: float = 0.0  # on the clock of the limit
    wait_until: float = 0.0  # when the next request is allowed, for a sender that was refused
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class RateLimit:
    """Sliding-window limit, counted across all API processes.

    Args:
        database: The database that the processes share.
        name: Name of the limit. Limits with different names count separately.
        per_minute: Largest number of requests of a sender in a minute.
        of: Kind of the senders, for messages.
        clock: Unix time in seconds, for tests.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        per_minute: int,
        *,
        of: Literal["key", "address"] = "key",
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._database = database
        self._name = name
        self._limit = per_minute
        self._of = of
        self._clock = clock or time.monotonic
        self._now = clock  # None: the time of the database
        self._leases: dict[str, _Lease] = {}
        self._reservations: Batches[Want, Grant] = Batches(
            self._reserve, _MOST, "reservations", threads=2
        )

    async def check(self, sender: str) -> None:
        """Count a request of a key or an address.

        Raises:
            RateLimited: The sender has reached the limit. The request is not counted.
        """
        lease = self._leases.get(sender) or self._remember(sender)
        if self._allows(lease):
            return
        async with lease.lock:
            if self._allows(lease):  # another request has reserved more
                return
            want = Want(f"{self._name}:{sender}", self._limit, max(1, self._limit // _LEASES))
            grant = await self._reservations.do(want)
            now = self._clock()
            if grant.number:
                lease.left, lease.until = grant.number - 1, now + grant.seconds
                return
            lease.left, lease.until = 0, now + min(grant.seconds, _REFUSED)
            lease.wait_until = now + grant.seconds
            raise self._refusal(grant.seconds)

    def close(self) -> None:
        """End the thread."""
        self._reservations.close()

    def _allows(self, lease: _Lease) -> bool:
        """Count a request if the lease has one. Raise RateLimited for a refused sender."""
        now = self._clock()
        if now >= lease.until:
            return False
        if lease.left:
            lease.left -= 1
            return True
        if now < lease.wait_until:
            raise self._refusal(lease.wait_until - now)
        return False

    def _remember(self, sender: str) -> _Lease:
        if len(self._leases) >= _MOST_SENDERS:
            now = self._clock()
            kept = {
                key: lease
                for key, lease in self._leases.items()
                if now < lease.until or lease.lock.locked()
            }
            # Leases that are forgotten stay counted.
            self._leases = kept if len(kept) < _MOST_SENDERS else {}
        return self._leases.setdefault(sender, _Lease())

    def _reserve(self, wants: Sequence[Want]) -> Sequence[Grant]:
        now = self._now() if self._now else None
        return self._database.transaction_in_turn(
            partial(request_counts.reserve, wants=wants, now=now)
        )

    def _refusal(self, wait: float) -> RateLimited:
        if self._of == "address":
            return RateLimited(
                f"this address has sent {self._limit} requests within a minute, which is the "
                "most; wait a little",
                retry_after=wait,
            )
        return RateLimited(
            f"this key has sent {self._limit} requests within a minute, which is the most; "
            "wait a little",
            retry_after=wait,
        )


def sender_of(host: str, secret: bytes) -> str:
    """Return a name of a client's network that does not reveal the address."""
    return hmac.new(secret, network_of(host).encode(), hashlib.sha256).hexdigest()[:32]


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
    """Limits on the reports that the service accepts in a minute."""

    def __init__(self, database: Database, per_address: int = 5, in_total: int = 60) -> None:
        self._addresses = RateLimit(database, "reports", per_address, of="address")
        self._all = RateLimit(database, "all reports", in_total)

    async def check(self, sender: str) -> None:
        """Count a report of an address. Raises RateLimited."""
        try:
            await self._addresses.check(sender)
            await self._all.check("")
        except RateLimited as error:
            raise RateLimited(
                "too many reports arrived within a minute; wait a minute and send the report again",
                retry_after=error.retry_after,
            ) from error

    def close(self) -> None:
        """End the threads."""
        self._addresses.close()
        self._all.close()
