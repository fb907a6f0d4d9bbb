"""Routes for the API keys of an account."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from ..core import keys
from ..core.keys import Scope
from ..core.pricing import to_credits, to_micro
from ..db.models import Key
from ..errors import (
    AuthenticationError,
    Forbidden,
    InvalidParameter,
    NotFound,
    RateLimited,
    StateConflict,
    Unavailable,
)
from .auth import KeyReader, LimitedKeyRevoker, LimitedManager
from .errors import ServiceRoute
from .openapi import error_responses
from .schemas import KeyListResponse, KeyRequest, KeyResponse, NewKeyResponse, ok
from .state import State

router = APIRouter(prefix="/api/open-api/v1", route_class=ServiceRoute, tags=["Keys"])

KeyId = Annotated[str, Path(description="The id of a key, key_…")]
_HOUR = 3600


@router.get(
    "/keys",
    operation_id="listKeys",
    summary="List API keys",
    response_model=KeyListResponse,
    responses=error_responses(AuthenticationError, Forbidden, Unavailable),
)
async def list_keys(
    state: State,
    who: KeyReader,
    account: Annotated[
        str,
        Query(description="Id of an account, for operators. Default: the account of the key"),
    ] = "",
) -> JSONResponse:
    """Return the API keys of the account, without their texts.

    Needs the scope `account` or `operator`. With `operator`, keys of any account can be listed.
    """
    if account not in ("", who.account_id) and Scope.OPERATOR not in who.scopes:
        raise Forbidden(
            "this API key lacks the scope operator, so it sees the keys of its own account only"
        )
    found = await state.database.read_async(keys.listing, account or who.account_id)
    return JSONResponse(ok({"list": [_view(key) for key in found]}))


@router.post(
    "/keys",
    operation_id="createKey",
    summary="Create an API key",
    response_model=NewKeyResponse,
    responses=error_responses(
        AuthenticationError, Forbidden, InvalidParameter, RateLimited, Unavailable
    ),
)
async def create_key(state: State, body: KeyRequest, who: LimitedManager) -> JSONResponse:
    """Create an API key of the account. Only this response contains its text.

    Needs the scope `account` and a key without a quota. The new key has no scope that the key of
    the request lacks, and does not expire later.
    """
    quota = to_micro(Decimal(str(body.quota or 0)))

    def work(session: Session) -> dict[str, object]:
        key, text = keys.issue(
            session,
            state.settings.secret,
            keys.holder(session, who.key_id),
            name=body.name,
            quota=quota,
            scopes=body.scopes,
            expires_at=body.expiresAt,
        )
        return _view(key) | {"key": text}

    return JSONResponse(ok(await state.database.transaction_async(work)))


@router.post(
    "/keys/{key_id}/rotation",
    operation_id="rotateKey",
    summary="Rotate an API key",
    response_model=NewKeyResponse,
    responses=error_responses(
        AuthenticationError,
        Forbidden,
        NotFound,
        InvalidParameter,
        StateConflict,
        RateLimited,
        Unavailable,
    ),
)
async def rotate_key(
    state: State,
    key_id: KeyId,
    who: LimitedManager,
    overlap: Annotated[
        float,
        Query(
            alias="overlapHours",
            ge=0,
            le=keys.LONGEST_OVERLAP / _HOUR,
            description="Hours for which the former text still works",
        ),
    ] = 24,
) -> JSONResponse:
    """Replace the text of an API key of the account. Only this response contains the new text.

    Name, scopes, quota and expiry stay. With `overlapHours=0` the former text stops working at
    once, and its sessions in the studio end. A key can rotate itself and keys without more rights.
    """

    def work(session: Session) -> dict[str, object]:
        issuer = keys.holder(session, who.key_id)
        keys.check_manages(issuer)
        key = keys.get(session, key_id, who.account_id)
        keys.check_covers(issuer, key)
        key, text = keys.rotate(session, state.settings.secret, key.id, overlap=overlap * _HOUR)
        return _view(key) | {"key": text}

    return JSONResponse(ok(await state.database.transaction_async(work)))


@router.delete(
    "/keys/{key_id}",
    operation_id="revokeKey",
    summary="Revoke an API key",
    response_model=KeyResponse,
    responses=error_responses(AuthenticationError, Forbidden, NotFound, RateLimited, Unavailable),
)
async def revoke_key(state: State, key_id: KeyId, who: LimitedKeyRevoker) -> JSONResponse:
    """Revoke an API key. Requests with the key are refused from now on.

    Needs the scope `account` or `operator`. With `operator`, keys of any account can be revoked.
    """
    account = None if Scope.OPERATOR in who.scopes else who.account_id

    def work(session: Session) -> dict[str, object]:
        keys.check_manages(keys.holder(session, who.key_id))
        return _view(keys.revoke(session, keys.get(session, key_id, account).id))

    return JSONResponse(ok(await state.database.transaction_async(work)))


def _view(key: Key) -> dict[str, object]:
    return {
        "id": key.id,
        "account": key.account_id,
        "name": key.name,
        "display": key.display,
        "scopes": key.scopes.split(),
        "quota": to_credits(key.quota),
        "used": to_credits(key.used),
        "created": int(key.created_at),
        "expiresAt": _seconds(key.expires_at),
        "formerUntil": _seconds(
            key.previous_until if (key.previous_until or 0) > time.time() else None
        ),
        "revokedAt": _seconds(key.revoked_at),
    }


def _seconds(time: float | None) -> int | None:
    return None if time is None else int(time)
