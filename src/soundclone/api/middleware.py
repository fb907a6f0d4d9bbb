"""Layers around every request of the application."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..config import Settings
from ..telemetry import REQUESTS
from .headers import REQUEST_ID, Headers
from .hosts import Hosts
from .uploads import room_of

_SHARED = ("/api/", "/v1/")  # paths that pages of other sites may use, where that is switched on


class Application(FastAPI):
    """FastAPI app whose outer middlewares also apply to errors of the framework itself."""

    def __init__(self, settings: Settings, **options: Any) -> None:
        self._settings = settings
        super().__init__(**options)

    def build_middleware_stack(self) -> ASGIApp:
        stack: ASGIApp = Hosts(super().build_middleware_stack(), self._settings)
        if self._settings.cors_origins:
            stack = CorsMiddleware(stack, self._settings.cors_origins)
        return Headers(stack, self._settings)


class CorsMiddleware:
    """Lets pages of other sites use the API. A page needs a key; cookies are not shared."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self._app = app
        self._shared = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=("GET", "POST", "PATCH", "DELETE"),
            allow_headers=("*",),
            expose_headers=(
                REQUEST_ID,
                "Retry-After",
                "X-Should-Retry",
                "X-Soundclone-Task",
                "X-Soundclone-Ignored",
            ),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        shared = scope["type"] == "http" and scope["path"].startswith(_SHARED)
        await (self._shared if shared else self._app)(scope, receive, send)


class BodyLimitMiddleware:
    """Refuses a body that is too long, at once by its Content-Length or when the limit is passed.

    Starlette has such a middleware, whose answer is no envelope and cannot be made one.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        room = room_of(scope["path"], self._settings)
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            if declared.isdigit():
                room.check(int(declared))
            message = await receive()
            seen += len(message.get("body", b""))
            room.check(seen)
            return message

        await self._app(scope, counted, send)


class MetricsMiddleware:
    """Counts answers by route and status."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "unmatched")
                REQUESTS.labels(route, str(message["status"])).inc()
            await send(message)

        await self._app(scope, receive, counted if scope["type"] == "http" else send)


class InFlightMiddleware:
    """Keeps in `tasks` what is being answered."""

    def __init__(self, app: ASGIApp, tasks: set[asyncio.Task[Any]]) -> None:
        self._app = app
        self._tasks = tasks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        if scope["type"] != "http" or task is None:
            await self._app(scope, receive, send)
            return
        self._tasks.add(task)
        try:
            await self._app(scope, receive, send)
        finally:
            self._tasks.discard(task)
