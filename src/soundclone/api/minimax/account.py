"""Route for the account in MiniMax's format."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from ...core import ledger
from ...core.pricing import to_credits
from ...errors import AuthenticationError, Unavailable
from ..auth import BalanceReader
from ..state import State
from .errors import SUCCESS, MiniMaxRoute, error_responses
from .schemas import RemainsResponse

router = APIRouter(route_class=MiniMaxRoute, tags=["MiniMax"])


@router.get(
    "/v1/token_plan/remains",
    operation_id="minimaxGetRemains",
    summary="Get the balance (MiniMax)",
    response_model=RemainsResponse,
    responses=error_responses(AuthenticationError, Unavailable),
)
async def remains(state: State, who: BalanceReader) -> JSONResponse:
    """Return the credits of the account. There are no plans with a number of tokens."""
    found = await state.database.read_async(ledger.balance, who.account_id)
    return JSONResponse(
        {"model_remains": [], "balance": to_credits(found.available), "base_resp": SUCCESS}
    )
