"""Headers that every answer has: an id of the request, and limits for browsers."""

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
    # Links to files have a signature in them, which is a secret.
    (b"referrer-policy", b"no-referrer"),
    # Pages have a policy of their own.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


class Headers:
    """Adds the headers that an answer does not have yet. The id of a request is the client's, if
    it is well formed, and it is in the log lines of the request."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._defaults = _DEFAULTS
        if settings.public_url.startswith("https://"):
            self._defaults += ((b"strict-transport-security", b"max-age=%d" % _YEAR),)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
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
                headers += [each for each in self._defaults if each[0] not in present]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, marked)


def policy_of(page: bytes) -> str:
    """A Content-Security-Policy under which `page` runs its inline scripts, files of this service,
    and nothing else."""
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
