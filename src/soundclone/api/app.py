"""Assemble the application: state, middlewares and routers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from pathlib import Path

from fastapi import FastAPI, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.staticfiles import StaticFiles

from .. import __version__
from ..config import Settings
from ..core.pricing import Prices
from ..engines.selection import EngineSelector
from . import (
    account,
    conversions,
    files,
    health,
    history,
    keys,
    openapi,
    projects,
    pronunciations,
    studio,
    takes,
    tasks,
    unmatched,
    verify,
    voices,
    webhooks,
)
from .conversation import asyncapi, session
from .fronts import registry
from .headers import content_security_policy
from .middleware import (
    Application,
    BodyLimitMiddleware,
    InFlightMiddleware,
    MetricsMiddleware,
    TracingMiddleware,
)
from .state import AppState, attach
from .studio.rendering import compressed

VENDOR = Path(__file__).parent / "studio" / "vendor"
_SHUTDOWN_SECONDS = 2.0  # for requests that the shutdown interrupts


def create_app(settings: Settings) -> FastAPI:
    """Create the application. The database and the store that `settings` names must be prepared.

    Raises:
        InvalidParameter: The settings name an impossible price or engine.
    """
    in_flight: set[asyncio.Task[None]] = set()
    prices = Prices(settings.price_list)
    engine_selector = EngineSelector.parse(
        settings.engine_v1, settings.engine_v2, settings.engine_languages
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        state = AppState.open(settings, prices, engine_selector)
        attach(app, state)
        state.task_signals.listen()
        state.listeners.begin()
        yield
        if in_flight:  # an interrupted stream cancels its task, which needs the database
            await asyncio.wait(in_flight, timeout=_SHUTDOWN_SECONDS)
        await state.listeners.end()
        state.close()

    app = Application(
        settings,
        title="soundclone",
        version=__version__,
        description=openapi.DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.mount("/static", compressed(StaticFiles(directory=VENDOR)), name="static")
    app.add_api_route("/docs", _docs, include_in_schema=False)
    routers = (
        tasks.router,
        tasks.service_router,
        conversions.service_router,
        history.router,
        voices.router,
        projects.router,
        takes.router,
        account.router,
        account.service_router,
        keys.router,
        pronunciations.router,
        webhooks.router,
        files.router,
        files.service_router,
        health.router,
        verify.router,
        session.router,
        asyncapi.router,
    )
    for router in routers:
        app.include_router(router)
    fronts = registry.enabled(settings)
    for front in fronts:
        for router in front.routers:
            tags: list[str | Enum] = [] if router.tags else [front.title]
            app.include_router(router, prefix=front.base, tags=tags)
    studio.install(app)
    unmatched.install(app, routers, fronts, registry.disabled(settings))
    app.add_middleware(BodyLimitMiddleware, settings=settings)
    app.add_middleware(MetricsMiddleware)
    app.add_middleware(InFlightMiddleware, tasks=in_flight)
    app.add_middleware(TracingMiddleware)
    openapi.install(app)
    return app


async def _docs() -> Response:
    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="soundclone API",
        swagger_js_url="/static/swagger-ui/swagger-ui-bundle.js",
        swagger_css_url="/static/swagger-ui/swagger-ui.css",
        swagger_favicon_url="data:,",
    )
    page.headers["Content-Security-Policy"] = content_security_policy(bytes(page.body))
    return page
