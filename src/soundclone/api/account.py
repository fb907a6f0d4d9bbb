"""Routes for balances and the price list."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, StreamingResponse
from sqlalchemy.orm import Session

from ..core import ledger, sessions, webhooks
from ..core.pricing import to_credits, to_micro
from ..db.models import Account, Key
from ..errors import AuthenticationError, Forbidden, InvalidParameter, RateLimited, Unavailable
from .account_data import erase, export_response
from .auth import AnyCaller, BalanceReader, LimitedCaller, LimitedManager
from .errors import ContractRoute, ServiceRoute
from .openapi import error_responses
from .schemas import (
    AccountChange,
    AccountResponse,
    CatalogResponse,
    ErasureResponse,
    KeyBalanceResponse,
    SignInLinkResponse,
    UserBalanceResponse,
    ok,
)
from .state import State
from .studio.session import sign_in_url

router = APIRouter(route_class=ContractRoute, tags=["Account"])

service_router = APIRouter(route_class=ServiceRoute, tags=["Account"])


@router.get(
    "/api/open-api/v1/user/balance",
    operation_id="getUserBalance",
    summary="Get the balance of the account",
    response_model=UserBalanceResponse,
    responses=error_responses(AuthenticationError, Forbidden, Unavailable, contract=True),
)
async def user_balance(state: State, who: BalanceReader) -> JSONResponse:
    """Return the credits that were paid in, that were used, and that can be spent now.

    Credits that are held for unfinished tasks cannot be spent.
    """
    balance = await state.database.read_async(ledger.balance, who.account_id)
    return JSONResponse(
        ok(
            {
                "balance": to_credits(balance.credited),
                "used_coin": to_credits(balance.used),
                "available": to_credits(balance.available),
            }
        )
    )


@router.get(
    "/api/open-api/v1/key/balance",
    operation_id="getKeyBalance",
    summary="Get the quota of the key",
    response_model=KeyBalanceResponse,
    responses=error_responses(AuthenticationError, Unavailable, contract=True),
)
async def key_balance(state: State, who: AnyCaller) -> JSONResponse:
    """Return the quota of the key. An unlimited key reports the account's available balance."""

    def work(session: Session) -> dict[str, object]:
        key = session.get_one(Key, who.key_id)
        left = key.quota - key.used - key.held if key.quota else None
        if left is None:
            left = ledger.balance(session, who.account_id).available
        return {
            "name": key.name,
            "total_quota": to_credits(key.quota),
            "used_quota": to_credits(key.used),
            "available_quota": to_credits(max(0, left)),
            "unlimited": key.quota == 0,
        }

    return JSONResponse(ok(await state.database.read_async(work)))


@service_router.get(
    "/api/open-api/v1/account",
    operation_id="getAccount",
    summary="Get the account",
    response_model=AccountResponse,
    responses=error_responses(AuthenticationError, Forbidden, Unavailable),
)
async def get_account(state: State, who: BalanceReader) -> JSONResponse:
    """Return the id and the name of the account that the key belongs to."""

    def work(session: Session) -> dict[str, object]:
        return _account(session, who.account_id)

    return JSONResponse(ok(await state.database.read_async(work)))


@service_router.patch(
    "/api/open-api/v1/account",
    operation_id="updateAccount",
    summary="Change the account",
    response_model=AccountResponse,
    responses=error_responses(
        AuthenticationError, Forbidden, InvalidParameter, RateLimited, Unavailable
    ),
)
async def update_account(state: State, body: AccountChange, who: LimitedManager) -> JSONResponse:
    """Set the credits below which the event `balance.low` is sent to the account's webhooks.

    Needs the scope `account`.
    """
    threshold = to_micro(Decimal(str(body.lowBalance)))

    def work(session: Session) -> dict[str, object]:
        webhooks.set_low_balance(session, who.account_id, threshold or None)
        return _account(session, who.account_id)

    return JSONResponse(ok(await state.database.transaction_async(work)))


def _account(session: Session, account_id: str) -> dict[str, object]:
    account = session.get_one(Account, account_id, populate_existing=True)
    low = account.low_balance
    return {
        "id": account.id,
        "name": account.name,
        "created": int(account.created_at),
        "lowBalance": None if low is None else to_credits(low),
    }


@service_router.post(
    "/api/open-api/v1/sign-in-links",
    operation_id="createSignInLink",
    summary="Make a sign-in link",
    response_model=SignInLinkResponse,
    responses=error_responses(AuthenticationError, RateLimited, Unavailable),
)
async def create_sign_in_link(request: Request, state: State, who: LimitedCaller) -> JSONResponse:
    """Make a link that signs in to the studio with this key.

    The link works once, for ten minutes. Anybody who opens it is signed in. Revoking the key
    invalidates the link.
    """
    token, expires = await state.database.transaction_async(sessions.issue_link, who.key_id)
    base = state.settings.public_url or str(request.base_url)
    return JSONResponse(ok({"url": sign_in_url(base, token), "expiresAt": int(expires)}))


@service_router.get(
    "/api/open-api/v1/account/export",
    operation_id="exportAccount",
    summary="Export the account",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "A zip archive",
            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
        },
        **error_responses(AuthenticationError, Forbidden, RateLimited, Unavailable),
    },
)
async def export_account(state: State, who: LimitedManager) -> StreamingResponse:
    """Return everything that is stored for the account in one zip archive.

    The archive has the rows of the database as JSON and the files of the store. Needs the scope
    `account`.
    """
    return await export_response(state, who.account_id)


@service_router.delete(
    "/api/open-api/v1/account",
    operation_id="eraseAccount",
    summary="Erase the account",
    response_model=ErasureResponse,
    responses=error_responses(
        AuthenticationError, Forbidden, InvalidParameter, RateLimited, Unavailable
    ),
)
async def erase_account(
    state: State,
    who: LimitedManager,
    confirm: Annotated[str, Query(description="Id of the account, against mistakes")] = "",
) -> JSONResponse:
    """Erase the account: keys, recordings, voices, results, texts and uploads.

    Running tasks are cancelled and cost nothing. The ledger keeps amounts, ids and times. The key
    needs the scope `account` and must have no quota. The keys of the account no longer work.
    """
    return JSONResponse(ok((await erase(state, who, confirm)).to_json()))


@router.get(
    "/api/openapi/model/catalog",
    operation_id="getModelCatalog",
    summary="List prices",
    response_model=CatalogResponse,
    responses=error_responses(Unavailable, contract=True),
)
async def catalog(
    state: State,
    search: Annotated[str, Query(description="A part of the name, in any case")] = "",
) -> JSONResponse:
    """Return the prices in credits. Needs no key."""
    wanted = search.strip().lower()
    rows = [
        {
            "model_name": row.name,
            "display_name": row.display,
            "model_type": "audio",
            "price_mode": row.mode,
            "unit_price": float(row.unit),
            "remark": row.remark,
        }
        for row in state.prices.rows
        if wanted in row.name or wanted in row.display.lower()
    ]
    return JSONResponse(ok({"list": rows}))
