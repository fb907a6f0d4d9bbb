"""Download of a user-supplied URL without server-side request forgery (SSRF).

The module uses httpcore2, the transport of httpx2. The client httpx2 would follow redirects, unpack
compressed bodies, use proxies from the environment, and log URLs with their secrets.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

import httpcore2

from .. import __version__
from ..errors import SourceNotMedia, SourceRefused, SourceTimeout, SourceTooLarge, SourceUnreachable
from .network import Allowed, CheckedBackend, Deadline, Resolve, Stalled, TooSlow, resolve_host

MAX_REDIRECTS = 5
MAX_URL = 8192  # characters; redirects often lead to long signed links

_PORTS = {"http": 80, "https": 443}
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_PRINTABLE = "".join(map(chr, range(ord("!"), ord("~") + 1)))
_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{0,5}))?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True)
class Fetched:
    """Result of a download."""

    bytes: int
    content_type: str  # header of the response, "" if it has none; not verified
    url: str  # URL after redirects, without query and fragment


def fetch(
    url: str,
    path: Path,
    *,
    allow: Sequence[str] = (),
    max_bytes: int,
    timeout: float,
    check: Callable[[], None] = lambda: None,
    resolve: Resolve = resolve_host,
) -> Fetched:
    """Download `url` to the file `path`. The file is removed if the download fails.

    Up to five redirects are followed, each of which is checked like the URL. The download ends when
    the server sends nothing for 15 s, or less than 8,000 bytes a second on average after ten
    seconds. TLS certificates are verified with the system's authorities or `SSL_CERT_FILE`. No
    proxy is used. Messages of errors omit the query, which may hold secrets, and addresses.

    Args:
        url: http or https URL of printable ASCII, without user name and password, with port 80,
            443 or above 1023. All addresses of its host must be public, see `network.is_public`.
        path: File to write.
        allow: Host names, addresses and networks such as `10.0.0.0/8` that need not be public.
        max_bytes: Largest size of the file.
        timeout: Seconds for the whole download including name resolution.
        check: Called about twice a second. An exception ends the download.
        resolve: Name resolution.

    Raises:
        SourceRefused: The URL or an address is not allowed, or the host does not exist.
        SourceUnreachable: The server does not answer, answers another status than 200, or
            compresses or truncates the response.
        SourceNotMedia: The response is empty.
        SourceTimeout: The download took too long.
        SourceTooLarge: The file is larger than `max_bytes`.
        OSError: The file cannot be written.
    """
    backend = CheckedBackend(Allowed(allow), resolve, Deadline(timeout, check))
    place = Place.parse(url)
    for _ in range(MAX_REDIRECTS + 1):
        with (
            translating_errors(place, timeout),
            httpcore2.HTTPConnection(place.target.origin, network_backend=backend) as connection,
            connection.stream("GET", place.target, headers=_headers(place)) as response,
        ):
            location = _location(response, place)
            if location is None:
                return _save(response, place, path, max_bytes)
        place = place.join(location)
    raise SourceUnreachable(f"{place} comes after {MAX_REDIRECTS} redirects; no more are followed")


@dataclass(frozen=True)
class Place:
    """Parsed URL. The checks and the connection use the same parts."""

    scheme: str
    host: str  # name in lower case, or address in canonical form without brackets
    port: int
    path: str
    query: str  # with the question mark, or empty

    @classmethod
    def parse(cls, url: str) -> Place:
        """Parse and check a URL. Raises SourceRefused."""
        if len(url) > MAX_URL:
            raise SourceRefused(f"the URL has {len(url)} characters; at most {MAX_URL} are taken")
        if foreign := next((c for c in url if c not in _PRINTABLE), None):
            raise SourceRefused(f"the URL holds the character {foreign!r}; percent-encode it")
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise SourceRefused("the URL has brackets around what is no address") from error
        if parts.scheme not in _PORTS:
            start = f"begins with {_short(parts.scheme, 20)}:" if parts.scheme else "has no scheme"
            raise SourceRefused(f"the URL {start}; http:// or https:// is needed")
        if "@" in parts.netloc:
            raise SourceRefused("the URL holds a user name or password; a public one is needed")
        authority = _AUTHORITY.fullmatch(parts.netloc)
        if authority is None:
            host = _short(parts.netloc, 60)
            raise SourceRefused(f"{host!r} is not a host; it is like example.com")
        ipv6, name, digits = authority.groups()
        port = int(digits or _PORTS[parts.scheme])
        if port not in _PORTS.values() and not 1024 <= port <= 65535:
            raise SourceRefused(f"port {port} is not taken; 80, 443 or 1024 to 65535 is needed")
        host = _ipv6(ipv6) if ipv6 else _name(name.lower())
        query = f"?{parts.query}" if parts.query else ""
        return cls(parts.scheme, host, port, parts.path or "/", query)

    def join(self, location: bytes) -> Place:
        """Return the target of a redirect from this URL. Raises SourceRefused."""
        # Servers send unencoded UTF-8 and spaces, which browsers encode.
        try:
            url = urljoin(f"{self.url}{self.query}", quote(location, safe=_PRINTABLE))
        except ValueError as error:
            raise SourceRefused(f"{self} redirects to what is not a URL") from error
        try:
            return self.parse(url)
        except SourceRefused as error:
            raise SourceRefused(f"{self} redirects, and {error.message}") from error

    @property
    def authority(self) -> str:
        """Host, and port unless it is the default one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """URL without the query."""
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def target(self) -> httpcore2.URL:
        """URL for httpcore2."""
        return httpcore2.URL(
            scheme=self.scheme, host=self.host, port=self.port, target=self.path + self.query
        )

    def __str__(self) -> str:
        return _short(f"{self.authority}{self.path}", 100)


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _ipv6(text: str) -> str:
    try:
        return str(IPv6Address(text))
    except ValueError as error:
        raise SourceRefused(f"[{_short(text, 60)}] is not an IPv6 address") from error


def _name(text: str) -> str:
    if text.endswith("."):
        raise SourceRefused(f"host {_short(text, 60)!r} ends with a dot; leave that out")
    labels = text.split(".")
    if len(text) > 253 or not all(0 < len(label) <= 63 for label in labels):
        raise SourceRefused(f"{_short(text, 60)!r} is not a host; it is like example.com")
    # The C library accepts 127.1, 0177.0.0.1, 2130706433 and 0x7f000001 as addresses. A host that
    # ends in a number is never a name (WHATWG URL Standard, "ends in a number").
    if not _NUMBER.fullmatch(labels[-1]):
        return text
    try:
        return str(IPv4Address(text))
    except ValueError as error:
        raise SourceRefused(
            f"host {_short(text, 60)!r} is neither a name nor an address like 192.0.2.1"
        ) from error


def _headers(place: Place) -> list[tuple[str, str]]:
    return [
        ("Host", place.authority),
        ("User-Agent", f"soundclone/{__version__}"),
        ("Accept", "*/*"),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
    ]


@contextmanager
def translating_errors(place: Place, timeout: float) -> Iterator[None]:
    """Raise the errors of httpcore2 as SourceErrors."""
    where = place.authority
    try:
        yield
    except Stalled as error:
        raise SourceTimeout(f"{place} sent nothing for {error.seconds:g} s") from error
    except TooSlow as error:
        raise SourceTimeout(
            f"{place} arrives at {error.rate / 1000:.1f} kB a second; "
            f"at least {error.least / 1000:g} kB a second is needed"
        ) from error
    except httpcore2.TimeoutException as error:
        raise SourceTimeout(f"{place} did not arrive within {timeout:g} s") from error
    except httpcore2.ConnectError as error:
        cause = error.__cause__
        if isinstance(cause, ssl.SSLCertVerificationError):
            verdict = _short(str(getattr(cause, "verify_message", "")).rstrip("."), 200)
            what = f"the TLS certificate of {where} is not valid: {verdict or 'unknown reason'}"
        elif isinstance(cause, ssl.SSLError):
            what = f"{where} does not speak TLS as it should; perhaps it speaks http://"
        elif isinstance(cause, ConnectionRefusedError):
            what = f"{where} refused the connection"
        else:
            what = f"{where} cannot be reached"
        raise SourceUnreachable(what) from error
    except httpcore2.ProtocolError as error:
        raise SourceUnreachable(f"{where} did not answer in HTTP") from error
    except httpcore2.NetworkError as error:
        raise SourceUnreachable(f"{where} broke off the connection") from error


def _header(response: httpcore2.Response, name: bytes) -> bytes:
    return b", ".join(value for key, value in response.headers if key.lower() == name)


def _location(response: httpcore2.Response, place: Place) -> bytes | None:
    """Return the target of a redirect, None for a file. Raises SourceUnreachable."""
    if response.status in _REDIRECTS:
        if location := _header(response, b"location"):
            return location
        raise SourceUnreachable(f"{place} redirects ({response.status}) without saying where")
    if response.status != HTTPStatus.OK:
        try:
            status = f"{response.status} {HTTPStatus(response.status).phrase}"
        except ValueError:
            status = str(response.status)
        raise SourceUnreachable(f"the server answered {status} for {place}; 200 OK is needed")
    coding = _header(response, b"content-encoding").decode("latin-1").strip()
    if coding.lower() not in ("", "identity"):
        raise SourceUnreachable(
            f"the server sends {place} compressed ({_short(coding, 20)!r}); it is needed as it is"
        )
    return None


def _save(response: httpcore2.Response, place: Place, path: Path, max_bytes: int) -> Fetched:
    length = _header(response, b"content-length")
    expected = int(length) if length.isdigit() else None
    if expected is not None and expected > max_bytes:
        raise SourceTooLarge(f"{place} has {expected:,} bytes; at most {max_bytes:,} are taken")
    count = 0
    try:
        with path.open("wb") as file:
            for block in response.iter_stream():
                count += len(block)
                if count > max_bytes:
                    raise SourceTooLarge(
                        f"{place} goes on after {max_bytes:,} bytes; no more than that are taken"
                    )
                file.write(block)
        if not count:
            raise SourceNotMedia(f"{place} is empty (0 bytes); a recording is needed")
    except (httpcore2.RemoteProtocolError, httpcore2.ReadError) as error:
        path.unlink(missing_ok=True)
        of = "" if expected is None else f" of {expected:,}"
        raise SourceUnreachable(f"{place} broke off after {count:,}{of} bytes") from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    kind = _header(response, b"content-type").decode("latin-1").strip()
    return Fetched(count, _short(kind, 100), place.url)
