"""How errors become answers.

On the contract's paths every answer is an envelope with HTTP status 200, because clients of this
family read `code` alone; a setting switches to real statuses. Our own paths always use those.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect

from ..errors import InvalidParameter, NotFound, RequestError, SoundcloneError, Unavailable
from ..telemetry import log
from .schemas import NEEDED
from .state import state_of

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_log = log(__name__)


class MethodNotAllowed(RequestError):
    """The path does not support the method."""

    word, status = "method_not_allowed", 405


class ServerFault(SoundcloneError):
    """The server failed. Its log has the reason."""

    word, code, status = "internal_error", -1, 500


class OwnRoute(APIRoute):
    """A path of our own: real statuses."""

    contract = False

    def get_route_handler(self) -> Handler:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                await self.admit(request)
                return await handler(request)
            except ClientDisconnect:
                return Response(status_code=499)  # nobody reads it
            except Exception as error:
                return answer(request, error, contract=self.contract)

        return handle

    async def admit(self, request: Request) -> None:
        """Refuse a request before its body is read."""


class ContractRoute(OwnRoute):
    """A path of the contract: status 200 unless the setting says otherwise."""

    contract = True


def answer(request: Request, error: Exception, *, contract: bool) -> Response:
    """The envelope that says what was wrong."""
    known = translate(error)
    if isinstance(known, ServerFault):
        _log.error("request failed", path=request.url.path, exc_info=error)
    masked = contract and not state_of(request).settings.real_status
    headers = {}
    if retry_after := getattr(known, "retry_after", None):
        headers["Retry-After"] = str(max(1, round(retry_after)))
    if known.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(
        {
            "code": known.code,
            # A message may quote what came in, which may be no valid Unicode.
            "msg": known.message.encode(errors="replace").decode(),
            "data": {"errorCode": known.word},
        },
        status_code=200 if masked else known.status,
        headers=headers,
    )


def translate(error: Exception, needed: Mapping[str, str] = NEEDED) -> SoundcloneError:
    """The error of our tree that stands for `error`. `needed` says what each field takes."""
    if isinstance(error, SoundcloneError):
        return error
    if isinstance(error, RequestValidationError):
        return _invalid(error, needed)
    if isinstance(error, StarletteHTTPException | HTTPException):
        if isinstance(error.__cause__, SoundcloneError):
            return error.__cause__
        if error.status_code == 404:
            return NotFound("there is nothing at this path; /docs lists the paths")
        if error.status_code == 405:
            return MethodNotAllowed("this path does not take that method; /docs lists the methods")
        if error.status_code < 500:
            return RequestError(str(error.detail))
    if isinstance(error, OperationalError):
        return Unavailable("the database does not answer; try again in a moment")
    return ServerFault("the server failed at this request; it has been logged")


def _invalid(error: RequestValidationError, needed: Mapping[str, str]) -> SoundcloneError:
    first = error.errors()[0]
    where, kind = first["loc"], first["type"]
    if kind == "json_invalid":
        return RequestError(f"the body is not JSON: {first['ctx']['error']}")
    names = [str(part) for part in where if part not in ("body", "query", "header", "path")]
    if not names:
        return RequestError(
            "the body must be a JSON object, sent with Content-Type: application/json"
        )
    name = ".".join(names)
    if name not in needed:
        name = names[0]
    takes = needed.get(name)
    if kind == "missing":
        return InvalidParameter(f"{name} is missing" + (f"; it is {takes}" if takes else ""))
    value = _shown(first.get("input"))
    if takes is None:
        return InvalidParameter(f"{name} is {value}: {first['msg']}")
    return InvalidParameter(f"{name} is {value}; it must be {takes}")


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value) if isinstance(value, str | int | float) else f"a JSON {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "…"
