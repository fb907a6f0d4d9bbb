"""ElevenLabs-compatible API below `/elevenlabs` and at ElevenLabs' paths.

Requests, responses and errors have ElevenLabs' names and formats. The rules and prices are those of
the rest of the API, whose functions do the work.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers

from ..fronts.front import Front
from . import account, conversion, history, realtime, speech, voices
from .errors import error_response

__all__ = ["front"]

# Paths that no other front has.
_OWN = re.compile(
    r"/v1/(?:voices|text-to-speech|speech-to-speech|voice-changer|user|history|usage)(?:/.*)?"
    r"|/v2/voices"
)

_REFUSALS = tuple(
    (re.compile(pattern), sentence)
    for pattern, sentence in (
        (
            r"/v1/(?:text-to-voice|voice-generation)(?:/.*)?",
            "voices are not made from a description here; send a recording of the speaker to "
            "POST /v1/voices/add",
        ),
        (
            r"/v1/voices/pvc(?:/.*)?",
            "there are no professional voice clones here; send a recording of the speaker to "
            "POST /v1/voices/add",
        ),
        (
            r"/v1/(?:shared-voices|similar-voices|voices/add/.+)",
            "there is no library of shared voices here; GET /v1/voices lists the account's voices",
        ),
        (
            r"/v1/voices/[^/]+/samples/[^/]+",
            "a voice keeps the recording that it was made from; delete the voice with "
            "DELETE /v1/voices/{voice_id}",
        ),
        (
            r"/v1/text-to-dialogue(?:/.*)?",
            "there are no dialogues here; speak each line with POST /v1/text-to-speech/{voice_id}",
        ),
        (
            r"/v1/pronunciation-dictionaries(?:/.*)?",
            "there are no pronunciation dictionaries here; write the words of a text as they are "
            "spoken",
        ),
        (
            r"/v1/(?:service-accounts|workspaces?)(?:/.*)?",
            "there are no workspaces here; the studio and `soundclone keys` manage API keys",
        ),
    )
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
    routers=(
        voices.router,
        speech.router,
        conversion.router,
        realtime.router,
        account.router,
        history.router,
    ),
    respond=error_response,
    claims=_claims,
    key_header="xi-api-key",
    channels=realtime.CHANNELS,
    refusals=_REFUSALS,
)
"""Front at ElevenLabs' paths. `/v1/models` is for this front if the request has only xi-api-key."""
