"""The page of webhooks: endpoints, their deliveries, and the threshold of the balance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from ...core import audit, webhooks
from ...core.pricing import to_micro
from ...db.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from ..state import state_of
from .actions import fields
from .pages import read_in_thread
from .rendering import StudioRoute, render_page
from .session import Manager

router = APIRouter(prefix="/studio/webhooks", route_class=StudioRoute)

_SHOWN = 30  # deliveries
_OVERLAP_HOURS = 24


@dataclass(frozen=True)
class WebhookOverview:
    """Webhooks of an account."""

    endpoints: Sequence[WebhookEndpoint]
    deliveries: Sequence[tuple[WebhookDelivery, WebhookEvent]]


@router.get("")
async def overview(request: Request, me: Manager) -> Response:
    """Show the endpoints and the last deliveries."""

    def work(session: Session) -> WebhookOverview:
        found, _ = webhooks.deliveries(session, me.account.id, limit=_SHOWN)
        return WebhookOverview(webhooks.listing(session, me.account.id), found)

    return render_page(
        request,
        "webhooks.html",
        types=webhooks.SUBSCRIBABLE,
        overlap=_OVERLAP_HOURS,
        page="account",
        **vars(await read_in_thread(request, work)),
    )


@router.post("")
async def create(request: Request, me: Manager) -> Response:
    """Create an endpoint. Only this response contains its secret."""
    state = state_of(request)
    await state.rate_limit.check(me.key.id)
    form, sent = await fields(request), await request.form()

    def work(session: Session) -> dict[str, str]:
        endpoint, secret = webhooks.create(
            session,
            state.settings.secrets,
            me.account.id,
            url=form.get("url", ""),
            events=[each for each in map(str, sent.getlist("events")) if each],
            description=form.get("description", ""),
            actor=audit.by_key(me.key.id),
        )
        return {"id": endpoint.id, "key": secret}

    return JSONResponse(await state.database.transaction_async(work))


@router.post("/balance")
async def set_low_balance(request: Request, me: Manager) -> Response:
    """Set the threshold of the balance."""
    threshold = to_micro((await fields(request)).get("lowBalance", "").strip() or "0")
    await state_of(request).database.transaction_async(
        webhooks.set_low_balance, me.account.id, threshold or None
    )
    return _refreshed()


@router.post("/{id}/rotation")
async def rotate(request: Request, me: Manager, id: str) -> Response:
    """Replace the secret of an endpoint. The former one signs for `_OVERLAP_HOURS`."""
    state = state_of(request)

    def work(session: Session) -> dict[str, str]:
        endpoint, secret = webhooks.rotate(
            session,
            state.settings.secrets,
            id,
            me.account.id,
            overlap=_OVERLAP_HOURS * 3600,
            actor=audit.by_key(me.key.id),
        )
        return {"id": endpoint.id, "key": secret}

    return JSONResponse(await state.database.transaction_async(work))


@router.post("/{id}/test")
async def send_test(request: Request, me: Manager, id: str) -> Response:
    """Send a test event to an endpoint."""
    state = state_of(request)
    await state.rate_limit.check(me.key.id)
    await state.database.transaction_async(webhooks.send_test, id, me.account.id)
    return _refreshed()


@router.patch("/{id}")
async def switch(request: Request, me: Manager, id: str) -> Response:
    """Enable or disable an endpoint."""
    enabled = (await fields(request)).get("enabled") == "true"
    await state_of(request).database.transaction_async(
        webhooks.change, id, me.account.id, enabled=enabled, actor=audit.by_key(me.key.id)
    )
    return _refreshed()


@router.delete("/{id}")
async def delete(request: Request, me: Manager, id: str) -> Response:
    """Delete an endpoint and the log of its deliveries."""
    await state_of(request).database.transaction_async(
        webhooks.delete, id, me.account.id, actor=audit.by_key(me.key.id)
    )
    return _refreshed()


@router.post("/deliveries/{id}/replay")
async def replay(request: Request, me: Manager, id: str) -> Response:
    """Send the message of a delivery again now."""
    state = state_of(request)
    await state.rate_limit.check(me.key.id)
    await state.database.transaction_async(webhooks.replay, id, me.account.id)
    return _refreshed()


def _refreshed() -> Response:
    return Response(status_code=204, headers={"HX-Refresh": "true"})
