"""Errors in the format of OpenAI's API, with the statuses that its clients act upon."""

from __future__ import annotations

from contextlib import suppress

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from ...errors import (
    AuthenticationError,
    Forbidden,
    InvalidParameter,
    NotFound,
    PaymentError,
    RateLimited,
    RequestError,
    SoundcloneError,
    TaskError,
    Unavailable,
)
from ..auth import authenticate, scopes_of
from ..errors import ApiRoute, error_headers
from ..fronts.tasks import TaskFailed
from ..openapi import Responses
from ..uploads import reserve
from .schemas import OpenAIError

NO_PROMPTS = (
    "type is 'prompt'; voices cannot be made from a description here: send type 'audio_sample' "
    "with a recording of the speaker"
)

_INSPECTED = 100_000  # bytes of a body of the wrong type that are read, for a better message
_RETRY_SECONDS = 2  # for clients that retry an unavailable service
# Fields of the contract that these paths have under another name.
_PARAMS = {"contentText": "input", "modelId": "voice"}
# By the word of the task's error. All others are the request's fault.
_TASK_STATUS = {
    "cancelled": 409,
    "engine_unavailable": 503,
    "timed_out": 503,
    "worker_lost": 500,
    "internal_error": 500,
}


class ModelNotFound(NotFound):
    """`model` names no model of the service."""

    word = "model_not_found"


class VoiceNotFound(NotFound):
    """`voice` names no voice of the account."""

    word = "voice_not_found"


class VoiceAmbiguous(InvalidParameter):
    """Several voices of the account have the name."""

    word = "voice_ambiguous"


class OpenAIRoute(ApiRoute):
    """Path of OpenAI's API.

    Authenticates the caller and reserves space for uploaded files before it reads the body.
    """

    def translate(self, request: Request, error: Exception) -> SoundcloneError:
        """Convert an exception to an error of `soundclone.errors`."""
        if isinstance(error, RequestValidationError):
            for each in error.errors():
                # A request for a voice from a description also lacks fields, which matters less.
                if each["loc"] == ("body", "type") and each.get("input") == "prompt":
                    return InvalidParameter(NO_PROMPTS, param="type")
        return super().translate(request, error)

    def respond(self, request: Request, error: SoundcloneError) -> Response:
        """Return the error in OpenAI's format."""
        return error_response(error)

    async def admit(self, request: Request) -> None:
        """Reject requests without a key that has the scope, and files that have no space."""
        who = await authenticate(request, scopes_of(self))
        await self.check_body_type(request)
        await reserve(request, who.account_id)

    async def check_body_type(self, request: Request) -> None:
        """Reject a body of a type that the path does not accept."""


class FormRoute(OpenAIRoute):
    """Path that accepts a multipart form with files."""

    async def check_body_type(self, request: Request) -> None:
        """Reject other bodies by their type: a missing field would be the wrong reason."""
        kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "multipart/form-data":
            return
        if kind == "application/json" and await _describes_a_voice(request):
            raise InvalidParameter(NO_PROMPTS, param="type")
        raise RequestError(
            f"the body is {kind or 'of no type'!r}; it must be 'multipart/form-data', with the "
            "recording as a file"
        )


async def _describes_a_voice(request: Request) -> bool:
    """Tell whether a JSON body asks for a voice from a description."""
    length = request.headers.get("Content-Length", "")
    if length.isdigit() and int(length) <= _INSPECTED:
        with suppress(ValueError, RecursionError, ClientDisconnect):
            body = await request.json()
            return isinstance(body, dict) and body.get("type") == "prompt"
    return False


def error_responses(*errors: type[SoundcloneError]) -> Responses:
    """Describe the errors of an operation, for `responses` of its route."""
    samples = [error("") for error in errors]
    words = ", ".join(f"`{body_of(each)['error']['code']}` ({status_of(each)})" for each in samples)
    description = f"An error, in OpenAI's format. `error.code` with the HTTP status: {words}."
    return {"default": {"model": OpenAIError, "description": description}}


def error_response(error: SoundcloneError) -> JSONResponse:
    """Return the response to a request that failed with `error`."""
    status = status_of(error)
    headers = error_headers(error, status)
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(_RETRY_SECONDS)
    if status == 409 or isinstance(error, PaymentError):
        headers["X-Should-Retry"] = "false"  # OpenAI's clients would retry these statuses
    return JSONResponse(body_of(error), status_code=status, headers=headers)


def status_of(error: SoundcloneError) -> int:
    """Return the HTTP status that OpenAI's clients expect."""
    if isinstance(error, TaskFailed):
        return _TASK_STATUS.get(error.reason, 400)
    if isinstance(error, TaskError):
        return _TASK_STATUS.get(error.word, 400)
    if isinstance(error, PaymentError):
        return 429
    return 400 if isinstance(error, InvalidParameter) else error.status


def body_of(error: SoundcloneError) -> dict[str, dict[str, str | None]]:
    """Return the JSON of an error."""
    kind, code = "invalid_request_error", error.word
    if isinstance(error, TaskFailed):
        code = error.reason
    if isinstance(error, PaymentError):
        kind = code = "insufficient_quota"
    elif isinstance(error, AuthenticationError):
        code = "invalid_api_key"
    elif isinstance(error, Forbidden):
        code = "insufficient_permissions"
    elif isinstance(error, RateLimited):
        kind, code = "rate_limit_error", "rate_limit_exceeded"
    elif status_of(error) >= 500:
        kind = "server_error"
    return {
        "error": {
            "message": error.safe_message,
            "type": kind,
            "param": _PARAMS.get(error.param, error.param) if error.param else None,
            "code": code,
        }
    }
