"""The speech interface of OpenAI, for clients that were written for it: their errors, their names,
the same rules and prices as everywhere here."""

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
"""The routers that are below /v1."""

router = APIRouter(prefix="/v1", tags=["OpenAI"])
for part in routers:
    router.include_router(part)
