"""Connections to public addresses only, with a deadline.

All addresses of a host are checked, and the connection uses one of the checked addresses. So a name
that resolves differently later (DNS rebinding) has no effect. TLS verifies the certificate against
the host's name.
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
from ..telemetry import ADDRESSES_REFUSED

T = TypeVar("T")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Iterable[str]]
"""Function from host and port to addresses, best first. Raises OSError if there are none."""

MAX_ATTEMPTS = 4  # addresses of one name that are tried
MAX_STALL = 15.0  # seconds without a connection or a byte
LEAST_RATE = 8000  # bytes a second on average, measured
RATED_AFTER = 10.0  # seconds after the first byte
STEP = 0.5  # seconds between calls of `check`
REFUSAL_STEP = 0.5  # seconds; names are refused after a multiple of this time

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")  # RFC 4291, section 2.4

# Networks for which Python's `is_global` is true or differs between releases.
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
    """Return True if `address` is that of one host on the public Internet.

    Follows the IANA special-purpose address registries (RFC 6890). IPv6 addresses that contain IPv4
    ones (mapped, NAT64, 6to4, Teredo) are never public.
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
    """Return the addresses of `host` from the system's resolver, best first. Raises OSError."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in answers))


class Stalled(httpcore2.TimeoutException):
    """The server sent nothing for `seconds`."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = MAX_STALL


class TooSlow(httpcore2.TimeoutException):
    """The server sent `rate` bytes a second. `least` is the lowest rate that is accepted."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate, self.least = rate, LEAST_RATE


class Allowed:
    """Host names, addresses and networks that need not be public."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._names: set[str] = set()
        self._networks: list[Network] = []
        for entry in entries:
            try:
                self._networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                self._names.add(entry.lower())

    def covers(self, host: str, address: Address) -> bool:
        """Return True if the host's name or the address is allowed."""
        return host in self._names or any(address in network for network in self._networks)


class Deadline:
    """End of a download, `seconds` from now.

    `check` is called about twice a second while the download waits. It may raise an exception.
    """

    def __init__(self, seconds: float, check: Callable[[], None] = lambda: None) -> None:
        self._end = time.monotonic() + seconds
        self._check = check

    def left(self) -> float:
        """Return the seconds left, above 0. Raises httpcore2.TimeoutException after the end."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore2.TimeoutException
        self._check()
        return left

    def wait(self, future: Future[T], most: float = math.inf) -> T:
        """Return the result of a future. Raises Stalled after `most` seconds."""
        end = time.monotonic() + most
        while True:
            left = min(self.left(), end - time.monotonic())
            if left <= 0:
                raise Stalled
            # `future.result(timeout)` would not tell its TimeoutError from one of the work.
            if wait([future], min(left, STEP)).done:
                return future.result()

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`, at most until the end."""
        end = time.monotonic() + seconds
        while (left := min(end - time.monotonic(), self.left())) > 0:
            time.sleep(min(left, STEP))


class CheckedBackend(httpcore2.NetworkBackend):
    """Network backend that connects only to public or allowed addresses.

    `connect_tcp` raises SourceRefused if the host has no address or one that is neither public nor
    allowed. Timeouts passed by httpcore2 are ignored, because the deadline applies to everything.

    The operator's name server may know private names. So an unknown name and the name of a private
    address are refused with the same message and after a multiple of REFUSAL_STEP. Only the log
    has the reason.
    """

    def __init__(
        self,
        allowed: Allowed,
        resolve: Resolve,
        deadline: Deadline,
        setting: str = "SOUNDCLONE_FETCH_ALLOW",
    ) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._deadline = deadline
        self._setting = setting  # of `allowed`, for messages
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to one of the host's addresses. Raises SourceRefused."""
        addresses = self._checked(host, port)[:MAX_ATTEMPTS]
        while True:
            # An address that does not answer must leave time for the next one.
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
        """Return at least one allowed address of a host. Raises SourceRefused."""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return self._checked_name(host, port)
        if reason := self._reason(host, [address]):
            raise _refused(host, reason, self._setting)
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
            raise _refused(host, reason, self._setting)
        return [str(address) for address in addresses]

    def _reason(self, host: str, addresses: list[Address]) -> str | None:
        """Return the reason to refuse a host, None if there is none."""
        if not addresses:
            return "its name has no address"
        # Refuse a mix of public and private addresses, which is made to pass checks.
        for address in addresses:
            if not (is_public(address) or self._allowed.covers(host, address)):
                return f"its address {address} is not public"
        return None

    def _answers(self, host: str, port: int) -> list[str]:
        # The system's resolver has no timeout, and a hostile name server may be slow.
        return _in_thread(
            lambda: list(self._resolve(host, port)), self._deadline, "resolve", MAX_STALL
        )


def _refused(host: str, reason: str, setting: str) -> SourceRefused:
    ADDRESSES_REFUSED.inc()
    return SourceRefused(
        f"{host} does not resolve to a public address; check its spelling, or ask the operator to "
        f"allow it with {setting}",
        logged=f"{host} is refused: {reason}",
    )


def _in_thread(work: Callable[[], T], deadline: Deadline, name: str, most: float = math.inf) -> T:
    """Return the result of `work`, which may block, before the deadline and `most` seconds.

    A connection that is made later is closed.
    """
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
    """Connection with a deadline, a least rate, and a limit of the time without a byte."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline
        self._first = math.inf  # time of the first byte
        self._bytes = 0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return bytes. Raises Stalled and TooSlow."""
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
        """Send bytes."""
        self._stream.write(buffer, min(self._deadline.left(), MAX_STALL))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        """Return the connection with TLS. Raises Stalled."""
        # Not in a thread, because a handshake that times out must close its socket.
        share = min(self._deadline.left(), MAX_STALL)
        try:
            stream = self._stream.start_tls(ssl_context, server_hostname, share)
        except httpcore2.ConnectTimeout:
            self._deadline.left()
            raise Stalled from None
        return _TimedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> object:
        """Return a property of the underlying stream."""
        return self._stream.get_extra_info(info)
