"""ASGI middlewares of the application."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import FastAPI
from opentelemetry.trace import SpanKind
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import tracing
from ..config import Settings
from ..telemetry import REQUESTS
from .fronts import registry
from .fronts.front import FrontsMiddleware
from .headers import REQUEST_ID, HeadersMiddleware
from .hosts import HostsMiddleware
from .polling import PollingMiddleware
from .uploads import space_of

_UNTRACED = ("/healthz", "/metrics", "/readyz")
# Prefixes of the paths that pages of other origins may use.
_SHARED = ("/api/", "/v1/", "/elevenlabs/", "/minimax/")


class Application(FastAPI):
    """FastAPI app whose outer middlewares also apply to errors of the framework itself."""

    def __init__(self, settings: Settings, **options: Any) -> None:
        self._settings = settings
        super().__init__(**options)

    def build_middleware_stack(self) -> ASGIApp:
        """Wrap Starlette's stack, whose outermost layer answers unexpected exceptions."""
        stack: ASGIApp = PollingMiddleware(super().build_middleware_stack())
        stack = HostsMiddleware(stack, self._settings)
        if self._settings.cors_origins:
            stack = CorsMiddleware(stack, self._settings.cors_origins)
        stack = HeadersMiddleware(stack, self._settings)
        return FrontsMiddleware(stack, registry.enabled(self._settings))


class CorsMiddleware:
    """Allow pages of other origins to use the API with a key. Cookies are not shared."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self._app = app
        self._shared = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=("GET", "POST", "PATCH", "DELETE"),
            allow_headers=("*",),
            expose_headers=(
                REQUEST_ID,
                "ETag",
                "Retry-After",
                "X-Should-Retry",
                "X-Soundclone-Task",
                "X-Soundclone-Ignored",
            ),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, as ASGI defines."""
        shared = scope["type"] == "http" and scope["path"].startswith(_SHARED)
        await (self._shared if shared else self._app)(scope, receive, send)


class BodyLimitMiddleware:
    """Reject bodies that are too long.

    A body is rejected by its Content-Length, or else once the bytes read exceed the limit.
    Starlette has such a middleware too, but its response is not an envelope of the contract.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, as ASGI defines."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        space = space_of(scope["path"], self._settings)
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            if declared.isdigit():
                space.check(int(declared))
            message = await receive()
            seen += len(message.get("body", b""))
            space.check(seen)
            return message

        await self._app(scope, counted, send)


class MetricsMiddleware:
    """Count responses by route and status."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, as ASGI defines."""

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "unmatched")
                REQUESTS.labels(route, str(message["status"])).inc()
            await send(message)

        await self._app(scope, receive, counted if scope["type"] == "http" else send)


class TracingMiddleware:
    """Record a span of each request, if traces are recorded. A client may name its own span."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, as ASGI defines."""
        traced = scope["type"] in ("http", "websocket") and scope["path"] not in _UNTRACED
        if not traced or not tracing.enabled():
            await self._app(scope, receive, send)
            return
        method = scope.get("method", "WEBSOCKET")
        given = dict(scope["headers"]).get(b"traceparent", b"").decode("latin-1")
        attributes = {"http.request.method": method}
        with tracing.span(method, attributes, parent=given, kind=SpanKind.SERVER) as span:

            async def noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                await send(message)

            try:
                await self._app(scope, receive, noted)
            finally:
                # The path itself may have a key or a signature.
                route = getattr(scope.get("route"), "path", "unmatched")
                span.set_attribute("http.route", route)
                span.update_name(f"{method} {route}")


class InFlightMiddleware:
    """Record in `tasks` the asyncio tasks of requests that are still being answered."""

    def __init__(self, app: ASGIApp, tasks: set[asyncio.Task[None]]) -> None:
        self._app = app
        self._tasks = tasks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, as ASGI defines."""
        task: asyncio.Task[None] | None = asyncio.current_task()
        if scope["type"] not in ("http", "websocket") or task is None:
            await self._app(scope, receive, send)
            return
        self._tasks.add(task)
        try:
            await self._app(scope, receive, send)
        finally:
            self._tasks.discard(task)
