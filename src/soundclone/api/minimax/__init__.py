"""API of MiniMax: speech, voices and files in its format.

Routes are below `/minimax`. Requests for MiniMax's own paths are for this front too, because no
other front has these paths.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers

from ..fronts.front import Front
from . import account, files, long_texts, socket, speech, voices
from .errors import error_response
from .links import PREFIX

__all__ = ["front"]

_ORIGINAL = frozenset(
    {
        "/v1/t2a_v2",
        "/ws/v1/t2a_v2",
        "/v1/t2a_async_v2",
        "/v1/query/t2a_async_query_v2",
        "/v1/files/upload",
        "/v1/files/list",
        "/v1/files/retrieve",
        "/v1/files/retrieve_content",
        "/v1/files/delete",
        "/v1/voice_clone",
        "/v1/voice_design",
        "/v1/get_voice",
        "/v1/delete_voice",
        "/v1/token_plan/remains",
    }
)


_REFUSALS = tuple(
    (re.compile(pattern), f"{things} are not made here; see docs/fronts.md for the paths")
    for pattern, things in (
        (r"/v1/(?:query/)?video_generation|/v1/video_template_generation", "videos"),
        (r"/v1/image_generation", "images"),
        (r"/v1/(?:music_generation|music_upload|lyrics_generation)", "songs"),
    )
)


def _claims(path: str, headers: Headers) -> bool:
    """Tell whether a path is one of MiniMax's, or the client is MiniMax's own."""
    return path in _ORIGINAL or (path.startswith("/v1/") and "mm-api-source" in headers)


front = Front(
    name="minimax",
    title="MiniMax",
    root=PREFIX,
    base=PREFIX,
    routers=(
        speech.router,
        socket.router,
        voices.router,
        long_texts.router,
        files.router,
        files.public_router,
        account.router,
    ),
    respond=error_response,
    claims=_claims,
    channels=(socket.CHANNEL,),
    refusals=_REFUSALS,
)
"""Front below /minimax and at MiniMax's paths."""
