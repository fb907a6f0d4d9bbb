"""The speech interface of OpenAI, for clients that were written for it: their errors, their names,
the same rules and prices as everywhere here."""

from __future__ import annotations

from fastapi import APIRouter

from . import consents, models, speech, voices
from .errors import answer

__all__ = ["PARTS", "answer", "router"]

PARTS = (models, speech, consents, voices)
"""Modules that have a router each."""

router = APIRouter(prefix="/v1", include_in_schema=False)
for part in PARTS:
    router.include_router(part.router)
