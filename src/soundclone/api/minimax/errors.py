"""Results of requests in MiniMax's format: `base_resp` with a code, on HTTP status 200."""

from __future__ import annotations

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from structlog.contextvars import get_contextvars

from ...core.client_voice_ids import VoiceIdTaken, VoiceNotFound
from ...errors import (
    AuthenticationError,
    Expired,
    Forbidden,
    InsufficientBalance,
    PaymentError,
    RateLimited,
    RequestError,
    RequestTimeout,
    SoundcloneError,
    TaskError,
    Unavailable,
)
from ..auth import authenticate, scopes_of
from ..errors import ApiRoute, error_headers
from ..fronts.tasks import TaskFailed
from ..openapi import Responses
from ..uploads import reserve

SUCCESS: dict[str, object] = {"status_code": 0, "status_msg": "success"}
"""Result of a request that succeeded."""

_UNKNOWN = 1000
_INVALID = 2013
_CODES: tuple[tuple[type[SoundcloneError], int], ...] = (
    (AuthenticationError, 1004),
    (Forbidden, 1004),
    (RateLimited, 1002),
    (InsufficientBalance, 1008),
    (PaymentError, 2056),
    (Unavailable, 1033),
    (RequestTimeout, 1001),
    (VoiceIdTaken, 2039),
    (VoiceNotFound, 20132),
    (Expired, 20132),
    (RequestError, _INVALID),
)
"""Codes of errors of requests. The first class that matches counts."""

_TASK_CODES = {
    "speech_too_short": 2037,
    "speech_too_long": 2037,
    "consent_unusable": 2038,
    "consent_mismatch": 2038,
    "voice_protected": 2038,
    "no_speech": 20132,
    "several_speakers": 20132,
    "engine_unavailable": 1033,
    "timed_out": 1001,
    "worker_lost": 1024,
    "internal_error": 1024,
}
"""Codes of errors of tasks, by their words."""

_CONSENT = "consent"  # first part of the names of the fields of a consent


class MiniMaxRoute(ApiRoute):
    """Path of MiniMax's API.

    Authenticates the caller and reserves space for uploaded files before it reads the body.
    """

    async def admit(self, request: Request) -> None:
        """Reject requests without a key that has the scope, and files that have no space."""
        who = await authenticate(request, scopes_of(self))
        await reserve(request, who.account_id)

    def respond(self, request: Request, error: SoundcloneError) -> Response:
        """Return the error in MiniMax's format."""
        return error_response(error)

    async def finish(self, request: Request, response: Response) -> None:
        """Add the id of the request, which MiniMax's clients show with an error."""
        response.headers["Trace-Id"] = trace_id()


def trace_id() -> str:
    """Return the id of the current request, as `X-Request-Id` has it."""
    return str(get_contextvars().get("request", ""))


def result_of(error: SoundcloneError) -> dict[str, object]:
    """Return the `base_resp` of an error."""
    return {"status_code": code_of(error), "status_msg": error.safe_message}


def code_of(error: SoundcloneError) -> int:
    """Return MiniMax's code of an error."""
    if isinstance(error, TaskError):
        word = error.reason if isinstance(error, TaskFailed) else error.word
        return _TASK_CODES.get(word, 20132 if word.startswith("source_") else _UNKNOWN)
    if isinstance(error, RequestError) and (error.param or "").partition(".")[0] == _CONSENT:
        return 2038
    return next((code for kind, code in _CODES if isinstance(error, kind)), 1024)


def error_response(error: SoundcloneError) -> JSONResponse:
    """Return the response to a request that failed with `error`."""
    headers = error_headers(error, 200) | {"Trace-Id": trace_id()}
    body = {"trace_id": trace_id(), "base_resp": result_of(error)}
    return JSONResponse(body, headers=headers)


def error_responses(*errors: type[SoundcloneError]) -> Responses:
    """Describe the errors of an operation, for `responses` of its route."""
    codes = ", ".join(f"{code_of(error(''))} (`{error.word}`)" for error in errors)
    return {200: {"description": f"The result. `base_resp.status_code` is 0, or: {codes}."}}
