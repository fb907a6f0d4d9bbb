"""The application: wiring, and nothing that decides anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.staticfiles import StaticFiles
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import __version__
from ..config import Settings
from ..core.pricing import Prices
from ..db.session import Database
from ..errors import TooLarge
from ..jobs.engine import Queue
from ..speech.routing import Routes
from ..storage import Storage
from ..telemetry import REQUESTS
from . import account, files, health, history, openai, studio, tasks, unmatched, voices
from .auth import RateLimit
from .schemas import ErrorResponse

DESCRIPTION = """
Clone a voice from a recording and speak with it.

1. `POST /api/open-api/v1/soundCloning/clones` with the URL of 15 to 60 seconds of speech.
2. `GET /api/open-api/v1/audios/{id}` every few seconds, until it reports a `modelId`.
3. `POST /api/open-api/v1/soundCloning/audios` with the `modelId` and a text; poll as before.

Every answer is an envelope `{code, msg, data}`: code 20000 is good, 20001 a bad key, 20002 a bad
request, -1 anything else. `data.errorCode` is a stable word for programs.
"""
VENDOR = Path(__file__).parents[1] / "studio" / "vendor"
JSON_BODY_LIMIT = 300_000  # bytes; 19,000 characters, escaped, and what is around them
MULTIPART_OVERHEAD = 100_000
_LEAVING = 5.0  # seconds for requests that are broken off at the end


def create_app(settings: Settings) -> FastAPI:
    """The API over the database and the store that `settings` names; both must be prepared."""
    under_way: set[asyncio.Task[Any]] = set()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database = Database(settings.database)
        app.state.database = database
        app.state.storage = Storage.open(settings.storage, settings.secret)
        app.state.queue = Queue(database)
        yield
        if under_way:  # streams that are broken off call their tasks off
            await asyncio.wait(under_way, timeout=_LEAVING)
        app.state.queue.close()
        database.close()

    app = FastAPI(
        title="soundclone",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.mount("/static", StaticFiles(directory=VENDOR), name="static")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="soundclone API",
            swagger_js_url="/static/swagger-ui/swagger-ui-bundle.js",
            swagger_css_url="/static/swagger-ui/swagger-ui.css",
            swagger_favicon_url="data:,",
        )

    app.state.settings = settings
    app.state.routes = Routes.of(settings.engine_v1, settings.engine_v2, settings.engine_languages)
    app.state.prices = Prices(settings.price_list)
    app.state.rate_limit = RateLimit(settings.requests_per_second)
    # Before the documented route of the same path, whose machinery costs more than the read.
    app.router.routes.insert(0, Route(tasks.POLL_PATH, tasks.poll, methods=["GET"]))
    routers = (
        tasks.router,
        tasks.own,
        history.router,
        voices.router,
        account.router,
        files.router,
        files.own,
        health.router,
    )
    for router in (*routers, openai.router):
        app.include_router(router)

    studio.install(app)

    unmatched.install(app, routers)
    app.add_middleware(BodyLimit, upload_limit=settings.upload_max_bytes)
    app.add_middleware(Count)
    app.add_middleware(UnderWay, tasks=under_way)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


class BodyLimit:
    """Refuses a body that is too long, at once by its Content-Length or when it gets there.

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


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema:
        return app.openapi_schema
    schema = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    schemas = schema["components"]["schemas"]
    reference = "#/components/schemas/{model}"
    error = ErrorResponse.model_json_schema(ref_template=reference)
    schemas.update(error.pop("$defs"))
    schemas["ErrorResponse"] = error
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            if path.startswith(("/api/", "/files/")):
                operation["responses"]["default"] = {
                    "description": "An error, in the envelope; its HTTP status is 200 on the "
                    "contract's paths unless real statuses are switched on",
                    "content": {
                        "application/json": {
                            "schema": {"$ref": reference.format(model="ErrorResponse")}
                        }
                    },
                }
    app.openapi_schema = schema
    return schema
