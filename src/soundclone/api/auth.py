"""Authentication of requests by their API key, and the scopes that each route needs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.exc import SQLAlchemyError

from ..core import keys
from ..core.keys import Caller, Scope
from ..errors import AuthenticationError
from .state import AppState, state_of

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


async def identify(state: AppState, key: str) -> Caller:
    """Return the caller that a key belongs to.

    A key that was hashed with an older secret of the service is hashed with the newest one.

    Raises:
        AuthenticationError: The key is unknown or no longer valid.
    """
    secrets = state.settings.secrets
    row = await state.database.fetch_one_async(keys.CALLER, key=keys.digest(key, secrets[0]))
    if known := keys.caller_of(row):
        return known
    found: Caller = await state.database.read_async(keys.authenticate, secrets, key)
    if found.outdated:
        with suppress(SQLAlchemyError):  # the next request tries again
            await state.database.transaction_async(keys.rehash, secrets, key)
    return found


async def authenticate(request: Request, scopes: Sequence[Scope]) -> Caller:
    """Return the caller of a request.

    Args:
        request: The request.
        scopes: Scopes of which the key needs one.

    Raises:
        AuthenticationError: The key is missing, unknown or no longer valid.
        Forbidden: The key has none of the scopes.
    """
    found = await identify(state_of(request), bearer(request.headers.get("Authorization")))
    found.require(*scopes)
    return found


class Authorised:
    """Dependency that returns the caller of a request, whose key has one of some scopes.

    Args:
        scopes: The scopes.
        limited: True if the request counts towards the rate limit.
    """

    def __init__(self, *scopes: Scope, limited: bool = False) -> None:
        self.scopes = scopes
        self.limited = limited

    async def __call__(
        self,
        request: Request,
        _: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    ) -> Caller:
        """Return the caller, and declare the key in the OpenAPI document.

        Raises:
            AuthenticationError: The key is missing, unknown or no longer valid.
            Forbidden: The key has none of the scopes.
            RateLimited: The key has sent too many requests that count.
        """
        found = await authenticate(request, self.scopes)
        if self.limited:
            await state_of(request).rate_limit.check(found.key_id)
        return found


def scopes_of(route: APIRoute) -> tuple[Scope, ...]:
    """Return the scopes of which a route's caller needs one, without any for a public route."""
    for dependency in route.dependant.dependencies:
        if isinstance(dependency.call, Authorised):
            return dependency.call.scopes
    return ()


AnyCaller = Annotated[Caller, Depends(Authorised(*Scope))]
LimitedCaller = Annotated[Caller, Depends(Authorised(*Scope, limited=True))]
Reader = Annotated[Caller, Depends(Authorised(Scope.READ))]
# A client that submits tasks must be able to poll them.
TaskReader = Annotated[Caller, Depends(Authorised(Scope.READ, Scope.SPEAK, Scope.CLONE))]
TaskOwner = Annotated[Caller, Depends(Authorised(Scope.SPEAK, Scope.CLONE))]
BalanceReader = Annotated[Caller, Depends(Authorised(Scope.READ, Scope.ACCOUNT))]
LimitedManager = Annotated[Caller, Depends(Authorised(Scope.ACCOUNT, limited=True))]
Manager = Annotated[Caller, Depends(Authorised(Scope.ACCOUNT))]
KeyReader = Annotated[Caller, Depends(Authorised(Scope.ACCOUNT, Scope.OPERATOR))]
LimitedKeyRevoker = Annotated[
    Caller, Depends(Authorised(Scope.ACCOUNT, Scope.OPERATOR, limited=True))
]
Cloner = Annotated[Caller, Depends(Authorised(Scope.CLONE))]
LimitedCloner = Annotated[Caller, Depends(Authorised(Scope.CLONE, limited=True))]
LimitedSpeaker = Annotated[Caller, Depends(Authorised(Scope.SPEAK, limited=True))]
