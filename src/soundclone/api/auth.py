"""Who is calling: the Bearer key of a request, and how often it may call."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ..core import keys
from ..core.keys import Caller
from ..errors import AuthenticationError
from .state import state_of

_bearer = HTTPBearer(scheme_name="bearerAuth", auto_error=False, description="An API key: sk_…")


def bearer(authorization: str | None) -> str:
    """The key of an Authorization header. Raises AuthenticationError."""
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise AuthenticationError("there is no API key; send the header Authorization: Bearer sk_…")
    return key.strip()


async def caller(
    request: Request,
    _: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Caller:
    """The request's caller. Raises AuthenticationError."""
    state = state_of(request)
    key = bearer(request.headers.get("Authorization"))
    return await state.database.read_async(keys.authenticate, state.settings.secret, key)


async def limited(request: Request, who: Annotated[Caller, Depends(caller)]) -> Caller:
    """The caller of a request that costs work. Raises AuthenticationError, RateLimited."""
    state_of(request).rate_limit.check(who.key_id)
    return who


KnownCaller = Annotated[Caller, Depends(caller)]
LimitedCaller = Annotated[Caller, Depends(limited)]
