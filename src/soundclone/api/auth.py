"""Authentication of requests by their API key."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ..core import keys
from ..core.keys import Caller
from ..errors import AuthenticationError
from .state import State, state_of

_bearer = HTTPBearer(scheme_name="bearerAuth", auto_error=False, description="An API key: sk_…")


def bearer(authorization: str | None) -> str:
    """Return the API key of an Authorization header.

    Raises:
        AuthenticationError: The header is missing or has no key.
    """
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise AuthenticationError("there is no API key; send the header Authorization: Bearer sk_…")
    return key.strip()


async def authenticate(request: Request) -> Caller:
    """Return the caller of a request.

    Raises:
        AuthenticationError: The key is missing, unknown or revoked.
    """
    state = state_of(request)
    key = bearer(request.headers.get("Authorization"))
    return await state.database.read_async(keys.authenticate, state.settings.secret, key)


async def caller(
    request: Request,
    _: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Caller:
    """Return the caller of a request, and declare the key in the OpenAPI document."""
    return await authenticate(request)


async def limited(state: State, who: Annotated[Caller, Depends(caller)]) -> Caller:
    """Return the caller of a request that counts towards the rate limit.

    Raises:
        RateLimited: The key has sent too many of those requests.
    """
    state.rate_limit.check(who.key_id)
    return who


KnownCaller = Annotated[Caller, Depends(caller)]
LimitedCaller = Annotated[Caller, Depends(limited)]
