"""Layers around every request of the application."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..config import Settings
from ..errors import TooLarge
from ..telemetry import REQUESTS
from . import openai
from .headers import REQUEST_ID, Headers
from .hosts import Hosts

JSON_BODY_LIMIT = 300_000  # bytes; 19,000 characters, escaped, and what is around them
MULTIPART_OVERHEAD = 100_000
_SHARED = ("/api/", "/v1/")  # paths that pages of other sites may use, where that is switched on


class Application(FastAPI):
    """FastAPI within the layers that hold for failures of the framework, too."""

    def build_middleware_stack(self) -> ASGIApp:
        settings: Settings = self.state.settings
        stack: ASGIApp = Hosts(super().build_middleware_stack(), settings)
        if settings.cors_origins:
            stack = Cors(stack, settings.cors_origins)
        return Headers(stack, settings)


class Cors:
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


class BodyLimit:
    """Refuses a body that is too long, at once by its Content-Length or when the limit is passed.

    Starlette has such a middleware, whose answer is no envelope and cannot be made one.
    """

    def __init__(self, app: ASGIApp, upload_limit: int) -> None:
        self._app = app
        self._upload_limit = upload_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        limit = allowance = JSON_BODY_LIMIT
        if scope["path"].endswith("/files/upload"):
            limit, allowance = self._upload_limit, self._upload_limit + MULTIPART_OVERHEAD
        elif upload := openai.UPLOADS.get(scope["path"]):
            limit, allowance = upload, upload + MULTIPART_OVERHEAD
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > allowance or (declared.isdigit() and int(declared) > allowance):
                raise TooLarge(f"the body is longer than the {limit:,} bytes that are taken here")
            return message

        await self._app(scope, counted, send)


class Count:
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


class UnderWay:
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
