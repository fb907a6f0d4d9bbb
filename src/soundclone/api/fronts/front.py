"""Paths of the fronts.

Every front answers below its own prefix, such as /elevenlabs, and at the original paths of the API
that it stands for. Its routes exist once. The middleware rewrites the other form of a path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import APIRouter, Response
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ...errors import SoundcloneError


def claims_nothing(path: str, headers: Headers) -> bool:
    """Claim no path, for a front whose routes are at the original paths."""
    return False


@dataclass(frozen=True)
class Channel:
    """WebSocket of a front and its messages, for the AsyncAPI document."""

    name: str  # of the channel in the document
    address: str
    title: str
    client: Mapping[str, type[BaseModel]]  # messages of the client, by their names
    server: Mapping[str, type[BaseModel]]
    parameters: Mapping[str, str] = field(default_factory=dict)  # descriptions, by their names
    query: Mapping[str, str] = field(default_factory=dict)  # likewise


@dataclass(frozen=True)
class Front:
    """API of another service."""

    name: str  # in the setting; the front answers below /name
    title: str  # in the OpenAPI document
    root: str  # text before an original path in the path of its route
    base: str  # prefix of the routers
    routers: tuple[APIRouter, ...]
    respond: Callable[[SoundcloneError], Response]  # to an error, in the API's format
    claims: Callable[[str, Headers], bool] = claims_nothing
    """Tells whether a request for an original path is for this front."""
    key_header: str | None = None
    """Header that holds the API key unless the request has an `Authorization`."""
    channels: tuple[Channel, ...] = ()
    refusals: tuple[tuple[re.Pattern[str], str], ...] = ()
    """Original paths that the front lacks, and a sentence with what to do instead."""

    def contains(self, path: str) -> bool:
        """Tell whether a route's path belongs to the front."""
        return path.startswith(f"{self.base}/")

    def refusal(self, path: str) -> str | None:
        """Return the sentence for an original path that the front lacks on purpose."""
        return next((text for known, text in self.refusals if known.fullmatch(path)), None)

    def route_path(self, path: str, headers: Headers) -> str | None:
        """Return the path of the route for a request, or None if another front answers."""
        prefix = f"/{self.name}"
        if path.startswith(f"{prefix}/"):
            inner = self.root + path.removeprefix(prefix)
            return inner if self.contains(inner) else None
        if self.claims(path, headers):
            return self.root + path
        return None


class FrontsMiddleware:
    """Rewrite the paths of requests for a front, and put the API key where the service reads it."""

    def __init__(self, app: ASGIApp, fronts: Sequence[Front]) -> None:
        self._app = app
        self._fronts = fronts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, as ASGI defines."""
        if scope["type"] in ("http", "websocket"):
            headers = Headers(scope=scope)
            for front in self._fronts:
                path = front.route_path(scope["path"], headers)
                if path is not None:
                    scope = _rewritten(scope, front, path, headers)
                    break
        await self._app(scope, receive, send)


def front_of(fronts: Sequence[Front], path: str) -> Front | None:
    """Return the front that a route's path belongs to."""
    return next((front for front in fronts if front.contains(path)), None)


def switched_off(fronts: Sequence[Front], path: str, headers: Headers) -> Front | None:
    """Return the front of `fronts`, which are switched off, whose path a request names."""
    return next(
        (each for each in fronts if each.route_path(path, headers) or each.contains(path)), None
    )


def _rewritten(scope: Scope, front: Front, path: str, headers: Headers) -> Scope:
    changed = {**scope, "path": path}
    raw: bytes | None = scope.get("raw_path")
    if raw is not None and path != scope["path"]:
        prefix = f"/{front.name}/".encode()
        rest = raw[len(prefix) - 1 :] if raw.startswith(prefix) else raw
        changed["raw_path"] = front.root.encode() + rest
    name = front.key_header
    if name is not None and name in headers and "authorization" not in headers:
        key = headers[name].encode("latin-1")
        changed["headers"] = [*scope["headers"], (b"authorization", b"Bearer " + key)]
    return changed
