"""Connections to the public Internet alone, and only until a deadline.

Every address that a host has is judged, and the connection goes to one of those that were judged:
a name that changes its mind between the check and the connection (DNS rebinding) gains nothing.
TLS still verifies the certificate against the host's name.
"""

from __future__ import annotations

import ipaddress
import math
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

import httpcore2

from ..errors import SourceRefused

T = TypeVar("T")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Iterable[str]]
"""Host and port to addresses, best first. Raises OSError when there are none."""

MAX_ATTEMPTS = 4  # addresses of one name that are tried
MAX_STALL = 15.0  # seconds without an answer, or without a byte
LEAST_RATE = 8000  # bytes a second on average,
RATED_AFTER = 10.0  # seconds after the first byte
STEP = 0.5  # seconds between looks at whether the file is still wanted
REFUSAL_STEP = 0.5  # seconds; a name is refused after a multiple of them

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")  # all that is given out, RFC 4291 section 2.4

# Where Python's `is_global` says yes, or says different things in different releases.
_SPECIAL = (
    ipaddress.ip_network("100.64.0.0/10"),  # carrier-grade NAT, RFC 6598; Alibaba's metadata
    ipaddress.ip_network("168.63.129.16/32"),  # Azure's host as its guests see it
    ipaddress.ip_network("192.0.0.0/24"),  # protocol assignments, RFC 6890; Oracle's metadata
    ipaddress.ip_network("192.88.99.0/24"),  # 6to4 relays, RFC 7526
    ipaddress.ip_network("2001::/23"),  # protocol assignments, RFC 2928; Teredo wraps IPv4
    ipaddress.ip_network("2002::/16"),  # 6to4, RFC 3056: wraps IPv4
    ipaddress.ip_network("3fff::/20"),  # documentation, RFC 9637
)


def is_public(address: Address) -> bool:
    """Whether `address` is that of one host on the public Internet.

    Follows the IANA special-purpose address registries (RFC 6890) on the side of caution: IPv6
    addresses that wrap IPv4 ones (mapped, NAT64, 6to4, Teredo) are not public, whatever they wrap.
    """
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in _SPECIAL)
    )


def resolve_host(host: str, port: int) -> list[str]:
    """The addresses of `host` by the system's resolver, best first. Raises OSError."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in answers))


class Stalled(httpcore2.TimeoutException):
    """The other side did nothing for `seconds`."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = MAX_STALL


class TooSlow(httpcore2.TimeoutException):
    """Bytes came at `rate` bytes a second; `least` is the lowest rate that is taken."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate, self.least = rate, LEAST_RATE


class Allowed:
    """What may be reached although it is not public: names, addresses and networks."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._names: set[str] = set()
        self._networks: list[Network] = []
        for entry in entries:
            try:
                self._networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                self._names.add(entry.lower())

    def covers(self, host: str, address: Address) -> bool:
        return host in self._names or any(address in network for network in self._networks)


class Deadline:
    """A moment, so many seconds from now. Until then `check` is called about twice a second of
    waiting; it raises an exception to end the waiting."""

    def __init__(self, seconds: float, check: Callable[[], None] = lambda: None) -> None:
        self._end = time.monotonic() + seconds
        self._check = check

    def left(self) -> float:
        """Seconds until then, above 0. Raises httpcore2.TimeoutException afterwards."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore2.TimeoutException
        self._check()
        return left

    def wait(self, future: Future[T], most: float = math.inf) -> T:
        """The result of a future. Raises Stalled after `most` seconds."""
        end = time.monotonic() + most
        while True:
            left = min(self.left(), end - time.monotonic())
            if left <= 0:
                raise Stalled
            # What the work itself raises may be a TimeoutError as well.
            if wait([future], min(left, STEP)).done:
                return future.result()

    def sleep(self, seconds: float) -> None:
        """Wait, at most until then."""
        end = time.monotonic() + seconds
        while (left := min(end - time.monotonic(), self.left())) > 0:
            time.sleep(min(left, STEP))


class CheckedBackend(httpcore2.NetworkBackend):
    """Connects to addresses that are public or allowed, and to nothing else.

    `connect_tcp` raises SourceRefused when the host has no address or one that is neither, and else
    what httpcore2's own backend raises. It ignores the time-outs that httpcore2 hands in: the
    deadline bounds everything.

    The operator's name server may know names that strangers do not. So an unknown name and the name
    of a private address are refused in the same words and, to a step, after the same time. Only
    the log has the reason.
    """

    def __init__(self, allowed: Allowed, resolve: Resolve, deadline: Deadline) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._deadline = deadline
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        addresses = self._checked(host, port)[:MAX_ATTEMPTS]
        while True:
            # An address that swallows packets must leave time for the next one.
            share = min(self._deadline.left() / len(addresses), MAX_STALL)
            try:
                stream = self._connect(addresses.pop(0), port, share)
            except httpcore2.ConnectTimeout:
                if not addresses:
                    raise Stalled from None
            except httpcore2.ConnectError:
                if not addresses:
                    raise
            else:
                return _TimedStream(stream, self._deadline)

    def _connect(self, address: str, port: int, timeout: float) -> httpcore2.NetworkStream:
        return _in_thread(
            lambda: self._sockets.connect_tcp(address, port, timeout), self._deadline, "connect"
        )

    def _checked(self, host: str, port: int) -> list[str]:
        """At least one address. Raises SourceRefused."""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return self._checked_name(host, port)
        if reason := self._reason(host, [address]):
            raise _refused(host, reason)
        return [str(address)]

    def _checked_name(self, host: str, port: int) -> list[str]:
        asked = time.monotonic()
        addresses: list[Address] = []
        try:
            addresses = [ipaddress.ip_address(answer) for answer in self._answers(host, port)]
            reason = self._reason(host, addresses)
        except (OSError, UnicodeError) as error:
            reason = f"its name cannot be resolved ({error})"
        if reason:
            waited = time.monotonic() - asked
            self._deadline.sleep(-waited % REFUSAL_STEP)
            raise _refused(host, reason)
        return [str(address) for address in addresses]

    def _reason(self, host: str, addresses: list[Address]) -> str | None:
        """The reason for which a host is refused."""
        if not addresses:
            return "its name has no address"
        # A name that has one address inside and one outside is made to get past a check.
        for address in addresses:
            if not (is_public(address) or self._allowed.covers(host, address)):
                return f"its address {address} is not public"
        return None

    def _answers(self, host: str, port: int) -> list[str]:
        # The system's resolver takes no time-out, and a hostile name server can be slow.
        return _in_thread(
            lambda: list(self._resolve(host, port)), self._deadline, "resolve", MAX_STALL
        )


def _refused(host: str, reason: str) -> SourceRefused:
    return SourceRefused(
        f"{host} does not resolve to a public address; check its spelling, or ask the operator to "
        "allow it with SOUNDCLONE_FETCH_ALLOW",
        logged=f"{host} is refused: {reason}",
    )


def _in_thread(work: Callable[[], T], deadline: Deadline, name: str, most: float = math.inf) -> T:
    """The result of `work`, which may block; waited for as `deadline` says. A connection that
    comes after its deadline is closed."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    def close(late: Future[T]) -> None:
        if late.exception() is None:
            result = late.result()
            if isinstance(result, httpcore2.NetworkStream):
                result.close()

    Thread(target=run, name=name, daemon=True).start()
    try:
        return deadline.wait(future, most)
    except BaseException:
        future.add_done_callback(close)
        raise


class _TimedStream(httpcore2.NetworkStream):
    """A connection that is kept while bytes keep coming, and until the deadline."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline
        self._first = math.inf  # when the first byte came
        self._bytes = 0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        silent_until = time.monotonic() + MAX_STALL
        while True:
            try:
                block = self._stream.read(max_bytes, min(self._deadline.left(), STEP))
            except httpcore2.ReadTimeout:
                if time.monotonic() > silent_until:
                    raise Stalled from None
            else:
                self._check_rate(len(block))
                return block

    def _check_rate(self, count: int) -> None:
        now = time.monotonic()
        self._first = min(self._first, now)
        self._bytes += count
        seconds = now - self._first
        if count and seconds > RATED_AFTER and self._bytes < LEAST_RATE * seconds:
            raise TooSlow(self._bytes / seconds)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, min(self._deadline.left(), MAX_STALL))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        # Not in a thread: a handshake that is given up must close its socket.
        share = min(self._deadline.left(), MAX_STALL)
        try:
            stream = self._stream.start_tls(ssl_context, server_hostname, share)
        except httpcore2.ConnectTimeout:
            self._deadline.left()
            raise Stalled from None
        return _TimedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)
