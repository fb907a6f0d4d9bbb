"""Who is calling: the Bearer key of a request, and how often it may call."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from ..core import keys
from ..core.keys import Caller
from ..errors import AuthenticationError, RateLimited

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
    state = request.app.state
    key = bearer(request.headers.get("Authorization"))
    known: Caller = await state.database.read_async(keys.authenticate, state.settings.secret, key)
    return known


class RateLimit:
    """So many submissions a minute per key, counted in this process."""

    def __init__(self, per_second: float) -> None:
        self._limit = RateLimitItemPerMinute(max(1, round(per_second * 60)))
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def check(self, key_id: str) -> None:
        """Raises RateLimited."""
        if not self._limiter.hit(self._limit, key_id):
            reset = self._limiter.get_window_stats(self._limit, key_id).reset_time
            raise RateLimited(
                f"this key has sent {self._limit.amount} requests within a minute, which is the "
                "most; wait a little",
                retry_after=max(1.0, reset - time.time()),
            )


async def limited(request: Request, who: Annotated[Caller, Depends(caller)]) -> Caller:
    """The caller of a request that costs work. Raises AuthenticationError, RateLimited."""
    request.app.state.rate_limit.check(who.key_id)
    return who


KnownCaller = Annotated[Caller, Depends(caller)]
LimitedCaller = Annotated[Caller, Depends(limited)]
