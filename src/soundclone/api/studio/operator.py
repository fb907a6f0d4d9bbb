"""The operator's page: accounts, credit, the queue, workers, engines, and what failed."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from ...core import ledger, queries
from ...core.pricing import to_micro
from ..state import state_of
from .actions import fields, printable, repeated_by
from .pages import read
from .rendering import StudioRoute, render
from .session import Operator

router = APIRouter(prefix="/studio/operator", route_class=StudioRoute)


@router.get("")
async def overview(request: Request, me: Operator, search: str = "") -> Response:
    """All of it, as it stands."""

    def work(session: Session) -> dict[str, Any]:
        return {
            "customers": queries.customers(session, printable(search)),
            "load": queries.load(session),
            "workers": queries.workers(session),
            "engines": queries.engines(session),
            "failures": queries.failures(session),
            "audit": ledger.audit(session),
        }

    return render(
        request,
        "operator.html",
        search=search,
        silence=state_of(request).settings.worker_lost_after,
        page="operator",
        **await read(request, work),
    )


@router.post("/credit")
async def add_credit(request: Request, me: Operator) -> Response:
    """Pay credit into an account. The form's reference pays once, however often it is sent."""
    form = await fields(request)
    amount = to_micro(form.get("amount", "").strip() or "0")
    await state_of(request).database.transaction_async(
        ledger.credit,
        printable(form.get("account", "")),
        amount,
        printable(form.get("memo", ""))[:200],
        repeated_by(form),
    )
    return Response(status_code=204, headers={"HX-Refresh": "true"})
