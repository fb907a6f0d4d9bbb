"""Errors in the shape of OpenAI's API, with the statuses that its clients act upon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from ...errors import (
    AuthenticationError,
    InvalidParameter,
    PaymentError,
    RateLimited,
    RequestError,
    SoundcloneError,
    TaskError,
    Unavailable,
)
from ...telemetry import log
from ..auth import caller
from ..errors import Handler, OwnRoute, ServerFault, translate
from ..uploads import release, reserve

_log = log(__name__)

NO_PROMPTS = (
    "type is 'prompt'; voices cannot be made from a description here: send type 'audio_sample' "
    "with a recording of the speaker"
)
NEEDED: Mapping[str, str] = {
    "model": "one of those that GET /v1/models lists",
    "input": "the text to be said",
    "voice": 'the id or the name of a voice of this account, or {"id": "model_…"}',
    "instructions": "a text",
    "response_format": "one of mp3, opus, aac, flac, wav, pcm",
    "speed": "a number from 0.5 to 2",
    "stream_format": '"audio" or "sse"',
    "language": "the name or the BCP 47 tag of a language",
    "name": "a name to know it by",
    "recording": "a file with the speaker's words of consent",
    "audio_sample": "a file with a recording of the speaker",
    "consent": "the id of a voice consent",
    "type": '"audio_sample"',
    "after": "the id of the last one of the page before",
    "limit": "a number from 1 to 100",
    "Idempotency-Key": "1 to 255 printable ASCII characters",
}
"""What each field takes, for the sentence that refuses another value."""

_GLANCE = 100_000  # bytes of a body of the wrong type that are read, for a better sentence

# By the word of a failed task; all else is the request's.
_TASK_STATUS = {
    "cancelled": 409,
    "engine_unavailable": 503,
    "timed_out": 503,
    "worker_lost": 500,
    "internal_error": 500,
}


class Ended(TaskError):
    """A task that failed, as the database tells it."""

    def __init__(self, message: str, reason: str) -> None:
        """`reason` is the word of the error that ended it."""
        super().__init__(message)
        self.reason = reason


class Refused(Exception):
    """An error, and which parameter it is about."""

    def __init__(self, error: SoundcloneError, param: str, code: str | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.param = param
        self.code = code


@contextmanager
def about(param: str, code: str | None = None) -> Iterator[None]:
    """Errors of the block are about a parameter; `code` stands for the error's own word."""
    try:
        yield
    except SoundcloneError as error:
        raise Refused(error, param, code) from error


class OpenAIRoute(OwnRoute):
    """A path of OpenAI's API. Knows the caller, and reserves the space for files, before it takes
    the body."""

    def get_route_handler(self) -> Handler:
        handler = super(OwnRoute, self).get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                who = await caller(request, None)
                await reserve(request, who.account_id)
                return await handler(request)
            except ClientDisconnect:
                return Response(status_code=499)  # nobody reads it
            except Exception as error:
                return answer(request, error)
            finally:
                await release(request)

        return handle


class FormRoute(OpenAIRoute):
    """A path that takes files. Refuses other bodies by their type, before a missing field is
    reported that is in them."""

    def get_route_handler(self) -> Handler:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                await caller(request, None)
                kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
                if kind != "multipart/form-data":
                    raise await _other_body(request, kind)
            except Exception as error:
                return answer(request, error)
            return await handler(request)

        return handle


async def _other_body(request: Request, kind: str) -> Exception:
    """The error for a body that is no form."""
    length = request.headers.get("Content-Length", "")
    if kind == "application/json" and length.isdigit() and int(length) <= _GLANCE:
        with suppress(ValueError, RecursionError, ClientDisconnect):
            body = await request.json()
            if isinstance(body, dict) and body.get("type") == "prompt":
                return Refused(InvalidParameter(NO_PROMPTS), "type")
    return RequestError(
        f"the body is {kind or 'of no type'!r}; it must be 'multipart/form-data', with the "
        "recording as a file"
    )


def answer(request: Request, error: Exception) -> Response:
    """The answer that says what was wrong."""
    error = _plainer(error)
    known = error.error if isinstance(error, Refused) else translate(error, NEEDED)
    if isinstance(known, ServerFault):
        _log.error("request failed", path=request.url.path, exc_info=error)
    status = status_of(known)
    headers = {}
    if isinstance(known, RateLimited):
        headers["Retry-After"] = str(max(1, round(known.retry_after)))
    elif isinstance(known, Unavailable):
        headers["Retry-After"] = "2"
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status == 409 or isinstance(known, PaymentError):
        headers["X-Should-Retry"] = "false"  # its clients would, in vain
    return JSONResponse(body_of(error, known), status_code=status, headers=headers)


def _plainer(error: Exception) -> Exception:
    """The error that names the cause, where the first one found hides it."""
    if isinstance(error, RequestValidationError):
        for each in error.errors():
            if each["loc"] == ("body", "type") and each.get("input") == "prompt":
                return Refused(InvalidParameter(NO_PROMPTS), "type")
    return error


def status_of(error: SoundcloneError) -> int:
    """The HTTP status that OpenAI's clients expect."""
    if isinstance(error, Ended):
        return _TASK_STATUS.get(error.reason, 400)
    if isinstance(error, TaskError):
        return _TASK_STATUS.get(error.word, 400)
    if isinstance(error, PaymentError):
        return 429
    return 400 if isinstance(error, InvalidParameter) else error.status


def body_of(error: Exception, known: SoundcloneError) -> dict[str, Any]:
    """The JSON of an error; `known` is the one of our tree that stands for it."""
    status = status_of(known)
    kind, code = "invalid_request_error", known.word
    if isinstance(known, Ended):
        code = known.reason
    if isinstance(known, PaymentError):
        kind = code = "insufficient_quota"
    elif isinstance(known, AuthenticationError):
        code = "invalid_api_key"
    elif isinstance(known, RateLimited):
        kind, code = "rate_limit_error", "rate_limit_exceeded"
    elif status >= 500:
        kind = "server_error"
    param = None
    if isinstance(error, Refused):
        param, code = error.param, error.code or code
    elif isinstance(error, RequestValidationError):
        names = [part for part in error.errors()[0]["loc"] if part in NEEDED]
        param = str(names[0]) if names else None
    return {
        "error": {
            # A message may quote what came in, which may be no valid Unicode.
            "message": known.message.encode(errors="replace").decode(),
            "type": kind,
            "param": param,
            "code": code,
        }
    }
