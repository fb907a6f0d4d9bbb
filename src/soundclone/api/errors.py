"""Map exceptions to HTTP responses.

Every exception first becomes an error of `soundclone.errors`. Each interface then writes that error
in its own format: the contract's envelope here, OpenAI's in `openai.errors`, pages in
`studio.rendering`.

The contract's paths answer errors with HTTP status 200, because its clients read `code` alone. A
setting switches to real statuses. All other paths always use real statuses.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, ClassVar

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect, HTTPConnection

from ..errors import NotFound, RateLimited, RequestError, SoundcloneError, Unavailable
from ..telemetry import REFUSALS, log
from .state import state_of
from .uploads import release
from .validation import expectations_of, rejection

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
CLIENT_CLOSED_REQUEST = 499  # nginx's status for a response that nobody reads
_log = log(__name__)


class MethodNotAllowed(RequestError):
    """The path does not support the method."""

    word, status = "method_not_allowed", 405


class ServerFault(SoundcloneError):
    """The server failed. Its log has the reason."""

    word, code, status = "internal_error", -1, 500


class ApiRoute(APIRoute):
    """Route that checks a request before it reads the body, and answers exceptions.

    Subclasses override the hooks `admit`, `respond` and `finish`.
    """

    def get_route_handler(self) -> Handler:
        """Wrap FastAPI's handler in the hooks."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                await self.admit(request)
                response = await handler(request)
            except ClientDisconnect:
                return Response(status_code=CLIENT_CLOSED_REQUEST)
            except Exception as error:
                response = self.respond(request, self.translate(request, error))
            finally:
                await release(request)
            await self.finish(request, response)
            return response

        return handle

    def translate(self, request: Request, error: Exception) -> SoundcloneError:
        """Convert an exception to an error of `soundclone.errors`."""
        return translate(request, error, expectations_of(self.endpoint))

    async def admit(self, request: Request) -> None:
        """Check a request before its body is read. An exception rejects the request."""

    def respond(self, request: Request, error: SoundcloneError) -> Response:
        """Return the response to a request that failed with `error`."""
        return error_response(request, error)

    async def finish(self, request: Request, response: Response) -> None:
        """Change a response before it is sent."""


class ServiceRoute(ApiRoute):
    """Path of the service beyond the contract. Errors have real statuses."""

    contract: ClassVar[bool] = False

    def respond(self, request: Request, error: SoundcloneError) -> Response:
        """Return the error in the envelope."""
        return error_response(request, error, contract=self.contract)


class ContractRoute(ServiceRoute):
    """Path of the contract. Errors have status 200 unless the settings switch to real statuses."""

    contract = True


def error_response(
    request: Request, error: SoundcloneError, *, contract: bool = False
) -> JSONResponse:
    """Return an error in the contract's envelope, with the contract's status or a real one."""
    masked = contract and not state_of(request).settings.real_status
    return JSONResponse(
        {"code": error.code, "msg": error.safe_message, "data": {"errorCode": error.word}},
        status_code=200 if masked else error.status,
        headers=error_headers(error, error.status),
    )


def error_headers(error: SoundcloneError, status: int) -> dict[str, str]:
    """Return the headers that every interface sends with an error."""
    headers = {}
    if isinstance(error, RateLimited):
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def translate(
    request: HTTPConnection, error: Exception, expectations: Mapping[str, str] | None = None
) -> SoundcloneError:
    """Convert an exception to an error of `soundclone.errors`, and log an unexpected one.

    Args:
        request: The request or the WebSocket that failed.
        error: The exception.
        expectations: What each field of the request accepts, for the message about a wrong value.
    """
    known = _known(error, expectations or {})
    REFUSALS.labels(known.word).inc()
    if isinstance(known, ServerFault):
        _log.error("request failed", path=request.url.path, exc_info=error)
    return known


def _known(error: Exception, expectations: Mapping[str, str]) -> SoundcloneError:
    if isinstance(error, SoundcloneError):
        return error
    if isinstance(error, RequestValidationError):
        return rejection(error.errors(), expectations)
    if isinstance(error, StarletteHTTPException | HTTPException):
        if isinstance(error.__cause__, SoundcloneError):
            return error.__cause__  # raised while FastAPI read the body
        if error.status_code == 404:
            return NotFound("there is nothing at this path; /docs lists the paths")
        if error.status_code == 405:
            return MethodNotAllowed("this path does not take that method; /docs lists the methods")
        if error.status_code < 500:
            return RequestError(str(error.detail))
    if isinstance(error, OperationalError | PoolTimeout):
        return Unavailable("the database does not answer; try again in a moment")
    return ServerFault("the server failed at this request; it has been logged")
