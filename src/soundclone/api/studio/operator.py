"""The operator page: queue, workers, engines, failures, holds, reports of abuse and accounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from ...core import abuse, ledger, queries
from ...core.ledger import Audit
from ...core.pricing import to_micro
from ...core.queries import Customer, Failures, HoldingAccount, Load, Money
from ...db.models import AbuseReport, Worker
from ..state import state_of
from .actions import fields, idempotency_key, printable
from .pages import read_in_thread
from .rendering import StudioRoute, render_page
from .session import Operator

router = APIRouter(prefix="/studio/operator", route_class=StudioRoute)


@dataclass(frozen=True)
class Activity:
    """Part of the page that follows the service."""

    load: Load
    workers: Sequence[Worker]
    engines: Sequence[tuple[str, dict[str, Any], float]]  # name, offer, last report
    failures: Sequence[Failures]
    money: Money
    holding: Sequence[HoldingAccount]

    @classmethod
    def read(cls, session: Session) -> Self:
        """Read the activity, without adding up the ledger."""
        return cls(
            load=queries.load(session),
            workers=queries.workers(session),
            engines=queries.engines(session),
            failures=queries.failures(session),
            money=queries.money(session),
            holding=queries.holding_accounts(session),
        )


@dataclass(frozen=True)
class Overview:
    """State of the service."""

    activity: Activity
    reports: Sequence[AbuseReport]
    customers: Sequence[Customer]
    audit: Audit


@router.get("")
async def overview(request: Request, me: Operator, search: str = "") -> Response:
    """Show the state of the service."""

    def work(session: Session) -> Overview:
        return Overview(
            activity=Activity.read(session),
            reports=abuse.listing(session),
            customers=queries.customers(session, printable(search)),
            audit=ledger.audit(session),
        )

    found = await read_in_thread(request, work)
    return render_page(
        request,
        "operator.html",
        search=search,
        silence=state_of(request).settings.worker_lost_after,
        reports=found.reports,
        customers=found.customers,
        audit=found.audit,
        page="operator",
        **vars(found.activity),
    )


@router.get("/live")
async def live(request: Request, me: Operator) -> Response:
    """Show the part of the page that follows the service. The page requests it repeatedly."""
    return render_page(
        request,
        "part/operator_live.html",
        silence=state_of(request).settings.worker_lost_after,
        **vars(await read_in_thread(request, Activity.read)),
    )


@router.get("/reports")
async def reports(request: Request, me: Operator) -> Response:
    """Show the open reports of abuse."""
    found = await read_in_thread(request, abuse.listing)
    return render_page(request, "part/operator_reports.html", reports=found)


@router.post("/reports/{id}")
async def close_report(request: Request, me: Operator, id: str) -> Response:
    """Close a report of abuse, and show the open ones."""
    form = await fields(request)

    def work(session: Session) -> Sequence[AbuseReport]:
        abuse.close(session, id, printable(form.get("note", ""))[:500])
        session.flush()
        return abuse.listing(session)

    found = await state_of(request).database.transaction_async(work)
    return render_page(request, "part/operator_reports.html", reports=found)


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
