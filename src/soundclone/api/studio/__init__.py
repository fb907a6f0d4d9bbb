"""The studio: pages at /studio that do what the API does, by the same functions and rules."""

from fastapi import FastAPI
from fastapi.responses import RedirectResponse, Response

from . import actions, operator, pages
from .rendering import STUDIO, StaticFiles


def install(app: FastAPI) -> None:
    """Add the pages, their actions and their files."""
    app.mount("/studio/static", StaticFiles(directory=STUDIO / "static"), name="studio")

    @app.get("/", include_in_schema=False)
    async def root() -> Response:
        return RedirectResponse("/studio")

    for router in (
        actions.public,
        actions.router,
        operator.router,
        pages.public,
        pages.router,
    ):
        app.include_router(router, include_in_schema=False)
