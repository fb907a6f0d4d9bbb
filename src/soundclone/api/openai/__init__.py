"""OpenAI-compatible API below `/v1`.

Requests, responses and errors have OpenAI's names and formats. The rules and prices are those of
the rest of the API, whose functions do the work.
"""

from __future__ import annotations

from fastapi import APIRouter

from . import consents, models, speech, voices
from .errors import error_response

__all__ = ["error_response", "router", "routers"]

routers = (
    models.router,
    speech.router,
    consents.forms,
    consents.router,
    voices.forms,
    voices.router,
)
"""Routers below /v1."""

router = APIRouter(prefix="/v1", tags=["OpenAI"])
for part in routers:
    router.include_router(part)
