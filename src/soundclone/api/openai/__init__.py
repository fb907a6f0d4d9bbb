"""OpenAI-compatible API below `/v1`.

Requests, responses and errors have OpenAI's names and formats. The rules and prices are those of
the rest of the API, whose functions do the work.
"""

from __future__ import annotations

from ..fronts.front import Front
from . import consents, models, speech, voices
from .errors import error_response

__all__ = ["front"]

front = Front(
    name="openai",
    title="OpenAI",
    root="",
    base="/v1",
    routers=(
        models.router,
        speech.router,
        consents.forms,
        consents.router,
        voices.forms,
        voices.router,
    ),
    respond=error_response,
)
"""Front at OpenAI's paths, which are also those of its routes."""
