"""The operator page: accounts, credit, the queue, workers, engines and failed tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from ...core import ledger, queries
from ...core.ledger import Audit
from ...core.pricing import to_micro
from ...core.queries import Customer, Failures, Load
from ...db.models import Worker
from ..state import state_of
from .actions import fields, idempotency_key, printable
from .pages import read_in_thread
from .rendering import StudioRoute, render_page
from .session import Operator

router = APIRouter(prefix="/studio/operator", route_class=StudioRoute)


@dataclass(frozen=True)
class Overview:
    """State of the service."""

    customers: Sequence[Customer]
    load: Load
    workers: Sequence[Worker]
    engines: Sequence[tuple[str, dict[str, Any], float]]  # name, offer, last report
    failures: Sequence[Failures]
    audit: Audit


@router.get("")
async def overview(request: Request, me: Operator, search: str = "") -> Response:
    """Show the state of the service."""

    def work(session: Session) -> Overview:
        return Overview(
            customers=queries.customers(session, printable(search)),
            load=queries.load(session),
            workers=queries.workers(session),
            engines=queries.engines(session),
            failures=queries.failures(session),
            audit=ledger.audit(session),
        )

    return render_page(
        request,
        "operator.html",
        search=search,
        silence=state_of(request).settings.worker_lost_after,
        page="operator",
        **vars(await read_in_thread(request, work)),
    )


@router.post("/credit")
async def add_credit(request: Request, me: Operator) -> Response:
    """Add credit to an account. A form that is sent several times adds its credit once."""
    form = await fields(request)
    amount = to_micro(form.get("amount", "").strip() or "0")
    await state_of(request).database.transaction_async(
        ledger.credit,
        printable(form.get("account", "")),
        amount,
        printable(form.get("memo", ""))[:200],
        idempotency_key(form),
    )
    return Response(status_code=204, headers={"HX-Refresh": "true"})
