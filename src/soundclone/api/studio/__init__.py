"""The studio: web pages at `/studio` for the features of the API.

Its pages and actions call the functions that the API routes call. Templates, scripts, styles,
translations and third-party files are in the folders of this package.
"""

from fastapi import FastAPI
from fastapi.responses import RedirectResponse, Response

from . import (
    account_page,
    actions,
    editor_page,
    operator,
    pages,
    project_pages,
    pronunciation_pages,
    reports,
    verify,
    voice_pages,
    webhooks,
)
from .rendering import STUDIO, StaticFiles, compressed


def install(app: FastAPI) -> None:
    """Add the pages, the actions and the static files to the application."""
    app.mount("/studio/static", compressed(StaticFiles(directory=STUDIO / "static")), name="studio")

    @app.get("/", include_in_schema=False)
    async def root() -> Response:
        return RedirectResponse("/studio")

    for router in (
        actions.public,
        actions.router,
        operator.router,
        webhooks.router,
        verify.router,
        reports.router,
        voice_pages.router,
        project_pages.router,
        pronunciation_pages.router,
        editor_page.router,
        account_page.router,
        pages.public,
        pages.router,
    ):
        app.include_router(router, include_in_schema=False)
