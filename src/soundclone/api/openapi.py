"""The OpenAPI document: general description, and the error responses of the operations."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from ..core.keys import Scope
from ..core.requests import AudioFormat, SoundVersion
from ..db.models import TaskStatus
from ..engines.emotion import Emotion
from ..errors import SoundcloneError
from .schemas import ErrorResponse

DESCRIPTION = """
Clone a voice from a recording and speak with it.

1. `POST /api/open-api/v1/soundCloning/clones` with the URL of 15 to 60 seconds of speech.
2. `GET /api/open-api/v1/audios/{id}` every few seconds, until it reports a `modelId`.
3. `POST /api/open-api/v1/soundCloning/audios` with the `modelId` and a text; poll as before.

Every response is an envelope `{code, msg, data}`. `code` is 20000 for success, 20001 for a bad key,
20002 for a bad request and -1 for any other error. `data.errorCode` is a stable word for programs.
"""

Responses = dict[int | str, dict[str, Any]]


def error_responses(*errors: type[SoundcloneError], contract: bool = False) -> Responses:
    """Describe the errors of an operation, for `responses` of its route."""
    words = ", ".join(f"`{error.word}` ({error.status})" for error in errors)
    description = f"An error, in the envelope. `data.errorCode` with the HTTP status: {words}."
    if contract:
        description += (
            " The HTTP status is 200 for all of them unless the service uses real statuses."
        )
    return {"default": {"model": ErrorResponse, "description": description}}


def install(app: FastAPI) -> None:
    """Make `app` serve the document."""

    def document() -> dict[str, Any]:
        if not app.openapi_schema:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    # FastAPI adds its own validation errors, which no client sees, and enums whose values the
    # schemas list in place.
    enums = (AudioFormat, Emotion, Scope, SoundVersion, TaskStatus)
    for name in ("HTTPValidationError", "ValidationError", *(each.__name__ for each in enums)):
        document["components"]["schemas"].pop(name, None)
    for name, schema in document["components"]["schemas"].items():
        if name.startswith("Body_"):
            schema["description"] = f"Form of {name.removeprefix('Body_')}."
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
    return document
