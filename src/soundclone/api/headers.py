"""Headers of every response: the id of the request, and restrictions for browsers."""

from __future__ import annotations

import re
import uuid
from base64 import b64encode
from hashlib import sha256

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from ..config import Settings

REQUEST_ID = "X-Request-Id"
_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_YEAR = 365 * 24 * 3600
_DEFAULTS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # The signature in a link to a file is a secret.
    (b"referrer-policy", b"no-referrer"),
    # Pages set their own policy.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


class HeadersMiddleware:
    """Add the headers that a response lacks.

    The id of a request is the client's `X-Request-Id` if that is well formed, else a new one. The
    log lines of the request carry the id.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._defaults = _DEFAULTS
        if settings.public_url.startswith("https://"):
            self._defaults += ((b"strict-transport-security", b"max-age=%d" % _YEAR),)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, as ASGI defines."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        known = given if _ID.fullmatch(given) else b"req_" + uuid.uuid4().hex.encode()
        bind_contextvars(request=known.decode())

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message["headers"])
                present = {name for name, _ in headers}
                headers.append((b"x-request-id", known))
                headers += [header for header in self._defaults if header[0] not in present]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, marked)


def content_security_policy(page: bytes) -> str:
    """Return a policy that allows the inline scripts of `page`, and files of this service."""
    scripts = re.findall(rb"<script>(.*?)</script>", page, re.DOTALL)
    hashes = [f"'sha256-{b64encode(sha256(script).digest()).decode()}'" for script in scripts]
    return "; ".join(
        (
            "default-src 'none'",
            " ".join(("script-src 'self'", *hashes)),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
