"""Errors in the format of ElevenLabs' API."""

from __future__ import annotations

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from ...errors import (
    AuthenticationError,
    Forbidden,
    InvalidParameter,
    NotFound,
    PaymentError,
    RateLimited,
    SoundcloneError,
    TaskError,
)
from ..auth import authenticate, scopes_of
from ..errors import ApiRoute, error_headers
from ..fronts.tasks import TaskFailed
from ..openapi import Responses
from ..uploads import reserve
from .schemas import ElevenLabsError

# Fields of the contract that these paths have under another name.
_PARAMS = {"contentText": "text", "modelId": "voice_id", "language": "language_code"}
# By the word of the task's error. All others are the request's fault.
_TASK_STATUS = {
    "cancelled": 409,
    "engine_unavailable": 503,
    "timed_out": 503,
    "worker_lost": 500,
    "internal_error": 500,
}


class VoiceNotFound(NotFound):
    """The account has no such voice."""

    word = "voice_not_found"


class ElevenLabsRoute(ApiRoute):
    """Path of ElevenLabs' API.

    Authenticates the caller and reserves space for uploaded files before it reads the body.
    """

    def respond(self, request: Request, error: SoundcloneError) -> Response:
        """Return the error in ElevenLabs' format."""
        return error_response(error)

    async def admit(self, request: Request) -> None:
        """Reject requests without a key that has the scope, and files that have no space."""
        if "Authorization" not in request.headers:  # the middleware has copied xi-api-key there
            raise AuthenticationError("there is no API key; send the header xi-api-key: sk_…")
        who = await authenticate(request, scopes_of(self))
        await reserve(request, who.account_id)


def error_responses(*errors: type[SoundcloneError]) -> Responses:
    """Describe the errors of an operation, for `responses` of its route."""
    words = ", ".join(f"`{word_of(each(''))}` ({status_of(each(''))})" for each in errors)
    description = (
        "An error, in ElevenLabs' format. `detail.status` with the HTTP status: "
        f"{words}. With 422, `detail` is a list of the wrong fields."
    )
    return {"default": {"model": ElevenLabsError, "description": description}}


def error_response(error: SoundcloneError) -> JSONResponse:
    """Return the response to a request that failed with `error`."""
    status = status_of(error)
    detail: object = {"status": word_of(error), "message": error.safe_message}
    if isinstance(error, InvalidParameter):
        name = _PARAMS.get(error.param or "", error.param)
        location = ["body", name] if name else ["body"]
        detail = [{"loc": location, "msg": error.safe_message, "type": "value_error"}]
    return JSONResponse(
        {"detail": detail}, status_code=status, headers=error_headers(error, status)
    )


def status_of(error: SoundcloneError) -> int:
    """Return the HTTP status that ElevenLabs' clients expect."""
    if isinstance(error, TaskFailed):
        return _TASK_STATUS.get(error.reason, 400)
    if isinstance(error, TaskError):
        return _TASK_STATUS.get(error.word, 400)
    return 401 if isinstance(error, PaymentError) else error.status


def word_of(error: SoundcloneError) -> str:
    """Return the stable word of an error."""
    if isinstance(error, TaskFailed):
        return error.reason
    if isinstance(error, AuthenticationError):
        return "invalid_api_key"
    if isinstance(error, Forbidden):
        return "missing_permissions"
    if isinstance(error, PaymentError):
        return "quota_exceeded"
    if isinstance(error, RateLimited):
        return "too_many_concurrent_requests"
    if isinstance(error, NotFound) and error.param == "modelId":
        return "voice_not_found"
    return error.word
