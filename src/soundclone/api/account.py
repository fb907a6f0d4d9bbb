"""What an account and a key have left, and what things cost."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from ..core import ledger
from ..core.pricing import to_credits
from ..db.models import Key
from .auth import KnownCaller
from .errors import ContractRoute
from .schemas import CatalogResponse, KeyBalanceResponse, UserBalanceResponse, ok
from .state import state_of

router = APIRouter(route_class=ContractRoute, tags=["Account"])


@router.get(
    "/api/open-api/v1/user/balance",
    operation_id="getUserBalance",
    summary="Balance of the account",
    response_model=UserBalanceResponse,
)
async def user_balance(request: Request, who: KnownCaller) -> JSONResponse:
    """What was credited, what was used, and what can be spent now: credited less used less what
    is held for tasks that have not ended."""
    balance = await state_of(request).database.read_async(ledger.balance, who.account_id)
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
    summary="Quota of the key",
    response_model=KeyBalanceResponse,
)
async def key_balance(request: Request, who: KnownCaller) -> JSONResponse:
    """What the key may spend. An unlimited key shows the account's available balance."""

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

    return JSONResponse(ok(await state_of(request).database.read_async(work)))


@router.get(
    "/api/openapi/model/catalog",
    operation_id="getModelCatalog",
    summary="Price list",
    response_model=CatalogResponse,
)
async def catalog(
    request: Request,
    search: Annotated[str, Query(description="Part of a name, in any case")] = "",
) -> JSONResponse:
    """What things cost, in credits. Needs no key."""
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
        for row in state_of(request).prices.rows
        if wanted in row.name or wanted in row.display.lower()
    ]
    return JSONResponse(ok({"list": rows}))
