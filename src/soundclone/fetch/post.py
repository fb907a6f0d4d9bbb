"""Post of a message to a user-supplied URL without server-side request forgery (SSRF)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

import httpcore2

from .. import __version__
from ..errors import SourceTimeout
from .download import Place, translating_errors
from .network import Allowed, CheckedBackend, Deadline, Resolve, resolve_host

MOST_READ = 16 * 1024  # bytes of a response, whose rest is not read
_MOST_DIGITS = 9  # of seconds: thirty years
_BROKEN_OFF = (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError)


@dataclass(frozen=True)
class Reply:
    """Response to a message."""

    status: int
    seconds: float  # until the end of the response
    retry_after: float | None = None  # seconds that the server asks to wait


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allow: Sequence[str] = (),
    timeout: float,
    check: Callable[[], None] = lambda: None,
    resolve: Resolve = resolve_host,
) -> Reply:
    """Post `body` to `url`, and return the status of the response.

    Redirects are not followed, because a redirect of a POST loses its body. No proxy is used. The
    URL is checked like that of a download, see `fetch.download`.

    Args:
        url: http or https URL, whose host must have public addresses only.
        body: Content of the request.
        headers: Headers besides those of HTTP itself.
        allow: Host names, addresses and networks that need not be public.
        timeout: Seconds for the whole exchange including name resolution.
        check: Called about twice a second. An exception ends the exchange.
        resolve: Name resolution.

    Raises:
        SourceRefused: The URL or an address is not allowed, or the host does not exist.
        SourceUnreachable: The server does not answer in HTTP.
        SourceTimeout: The exchange took too long.
    """
    place = Place.parse(url)
    deadline = Deadline(timeout, check)
    backend = CheckedBackend(Allowed(allow), resolve, deadline, "SOUNDCLONE_WEBHOOK_ALLOW")
    sent = [
        ("Host", place.authority),
        ("User-Agent", f"soundclone/{__version__}"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
        *headers.items(),
    ]
    started = time.monotonic()
    with translating_errors(place, timeout):
        try:
            with (
                httpcore2.HTTPConnection(place.target.origin, network_backend=backend) as client,
                client.stream("POST", place.target, headers=sent, content=body) as response,
            ):
                # The status decides, also if the rest of the response is late or damaged.
                with suppress(*_BROKEN_OFF):
                    _discard(response)
                seconds = time.monotonic() - started
                return Reply(response.status, seconds, retry_after(response.headers))
        except httpcore2.TimeoutException as error:
            raise SourceTimeout(f"{place.authority} did not answer within {timeout:g} s") from error


def retry_after(headers: Sequence[tuple[bytes, bytes]]) -> float | None:
    """Return the seconds in a `Retry-After` header, which has a number or a date.

    None: the header is missing or malformed.
    """
    given = next((value for name, value in headers if name.lower() == b"retry-after"), b"")
    text = given.decode("latin-1").strip()
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        return float(text)
    try:
        # A date without a zone is in UTC, as all dates of HTTP.
        date = parsedate_to_datetime(text)
        zone = date.tzinfo or UTC
        return max(0.0, date.replace(tzinfo=zone).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def _discard(response: httpcore2.Response) -> None:
    """Read the body, at most MOST_READ bytes. A server may see an unread body as an error."""
    read = 0
    for block in response.iter_stream():
        read += len(block)
        if read > MOST_READ:
            return
