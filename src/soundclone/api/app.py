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

from .. import __version__
from ..config import Settings
from ..core.pricing import Prices
from ..engines.selection import Routes
from . import account, files, health, history, openai, polling, studio, tasks, unmatched, voices
from .headers import policy_of
from .middleware import (
    Application,
    BodyLimitMiddleware,
    InFlightMiddleware,
    MetricsMiddleware,
)
from .openai.schemas import OpenAIError
from .schemas import ErrorResponse
from .state import AppState, attach

DESCRIPTION = """
Clone a voice from a recording and speak with it.

1. `POST /api/open-api/v1/soundCloning/clones` with the URL of 15 to 60 seconds of speech.
2. `GET /api/open-api/v1/audios/{id}` every few seconds, until it reports a `modelId`.
3. `POST /api/open-api/v1/soundCloning/audios` with the `modelId` and a text; poll as before.

Every answer is an envelope `{code, msg, data}`: code 20000 is good, 20001 a bad key, 20002 a bad
request, -1 anything else. `data.errorCode` is a stable word for programs.
"""
VENDOR = Path(__file__).parent / "studio" / "vendor"
_LEAVING = 5.0  # seconds for requests that are broken off at the end


def create_app(settings: Settings) -> FastAPI:
    """The API over the database and the store that `settings` names; both must be prepared."""
    under_way: set[asyncio.Task[Any]] = set()
    prices = Prices(settings.price_list)
    engine_routes = Routes.of(settings.engine_v1, settings.engine_v2, settings.engine_languages)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        state = AppState.open(settings, prices, engine_routes)
        attach(app, state)
        yield
        if under_way:  # streams that are broken off call their tasks off
            await asyncio.wait(under_way, timeout=_LEAVING)
        state.close()

    app = Application(
        settings,
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
        page = get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="soundclone API",
            swagger_js_url="/static/swagger-ui/swagger-ui-bundle.js",
            swagger_css_url="/static/swagger-ui/swagger-ui.css",
            swagger_favicon_url="data:,",
        )
        page.headers["Content-Security-Policy"] = policy_of(bytes(page.body))
        return page

    app.router.routes.insert(0, polling.route)
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
    app.add_middleware(BodyLimitMiddleware, settings=settings)
    app.add_middleware(MetricsMiddleware)
    app.add_middleware(InFlightMiddleware, tasks=under_way)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


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
    refusal = OpenAIError.model_json_schema(ref_template=reference)
    schemas.update(refusal.pop("$defs"))
    schemas["OpenAIError"] = refusal
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            if path.startswith("/v1/"):
                operation["responses"]["default"] = {
                    "description": "An error",
                    "content": {
                        "application/json": {
                            "schema": {"$ref": reference.format(model="OpenAIError")}
                        }
                    },
                }
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
