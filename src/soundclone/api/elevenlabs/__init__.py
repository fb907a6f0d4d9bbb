"""ElevenLabs-compatible API below `/elevenlabs` and at ElevenLabs' paths.

Requests, responses and errors have ElevenLabs' names and formats. The rules and prices are those of
the rest of the API, whose functions do the work.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers

from ..fronts.front import Front
from . import account, conversion, realtime, speech, voices
from .errors import error_response

__all__ = ["front"]

# Paths that no other front has.
_OWN = re.compile(
    r"/v1/(?:voices|text-to-speech|speech-to-speech|voice-changer|user|history)(?:/.*)?|/v2/voices"
)


def _claims(path: str, headers: Headers) -> bool:
    if _OWN.fullmatch(path):
        return True
    with_key = "xi-api-key" in headers and "authorization" not in headers
    return with_key and path.startswith(("/v1/", "/v2/"))


front = Front(
    name="elevenlabs",
    title="ElevenLabs",
    root="/elevenlabs",
    base="/elevenlabs",
    routers=(voices.router, speech.router, conversion.router, realtime.router, account.router),
    respond=error_response,
    claims=_claims,
    key_header="xi-api-key",
)
"""Front at ElevenLabs' paths. `/v1/models` is for this front if the request has only xi-api-key."""
