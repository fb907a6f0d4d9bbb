"""Host names that the service accepts.

An attacker's page can point its own host name at the address of the service and then read the
responses as its own (DNS rebinding). IP addresses and names that nobody can register are safe.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from ..config import Settings
from ..errors import RequestError
from ..telemetry import log
from .errors import error_response
from .fronts import registry
from .fronts.front import front_of

_log = log(__name__)
_LOCAL = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".svc")
_LOGGED = 20  # number of rejected names that the log lists


class HostRefused(RequestError):
    """The `Host` header is not a name of this service."""

    word, status = "host_refused", 421


class HostsMiddleware:
    """Reject requests whose Host header is not a name of the service."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._fronts = registry.enabled(settings)
        public = urlsplit(settings.public_url).hostname
        self._names = (*settings.allowed_hosts, *([public] if public else []))
        self._checked = lru_cache(1024)(self._check)
        self._logged: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, as ASGI defines."""
        if scope["type"] in ("http", "websocket"):
            given = next((value for name, value in scope["headers"] if name == b"host"), b"")
            if not self._checked(given):
                await self._refuse(scope, receive, send, given.decode("latin-1"))
                return
        await self._app(scope, receive, send)

    def _check(self, given: bytes) -> bool:
        # HTTP/1.0 allows requests without a Host header. No browser sends them.
        return not given or is_allowed(given.decode("latin-1"), self._names)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, given: str) -> None:
        name = host_of(given)[:100]
        if name not in self._logged and len(self._logged) < _LOGGED:
            self._logged.add(name)
            _log.warning("host refused", host=name, setting="SOUNDCLONE_ALLOWED_HOSTS")
        error = HostRefused(
            f"{name!r} is not a name of this service; add it to SOUNDCLONE_ALLOWED_HOSTS, or make "
            "it the host of SOUNDCLONE_PUBLIC_URL, if clients are to use it"
        )
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": error.message[:100]})
            return
        request = Request(scope)
        front = front_of(self._fronts, scope["path"])
        response = front.respond(error) if front else error_response(request, error)
        await response(scope, receive, send)


def host_of(given: str) -> str:
    """Return the name or address in a Host header, without the port."""
    if given.startswith("["):
        return given[1:].partition("]")[0].lower()
    return given.rpartition(":")[0].lower() if ":" in given else given.lower()


def is_allowed(given: str, names: Sequence[str]) -> bool:
    """Tell whether a Host header is allowed.

    IP addresses and names of local networks always are. In `names`, `*.example.com` stands for
    every subdomain and `*` for every name.
    """
    if "*" in names:
        return True
    host = host_of(given).removesuffix(".")
    try:
        ip_address(host)
    except ValueError:
        pass
    else:
        return True
    if host in names or any(name.startswith("*.") and host.endswith(name[1:]) for name in names):
        return True
    return "." not in host or host.endswith(_LOCAL)
