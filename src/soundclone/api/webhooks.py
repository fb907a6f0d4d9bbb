"""Routes for the webhooks of an account."""

from __future__ import annotations

import json
import time
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BeforeValidator
from sqlalchemy.orm import Session

from ..core import audit, webhooks
from ..db.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from ..errors import (
    AuthenticationError,
    Forbidden,
    InvalidParameter,
    NotFound,
    RateLimited,
    StateConflict,
    Unavailable,
)
from .auth import LimitedManager, Manager
from .errors import ServiceRoute
from .history import none_if_empty
from .openapi import error_responses
from .schemas import (
    DeletedWebhookResponse,
    DeliveryListResponse,
    DeliveryResponse,
    NewWebhookResponse,
    WebhookChange,
    WebhookListResponse,
    WebhookRequest,
    WebhookResponse,
    WireDeliveryStatus,
    ok,
)
from .state import State

router = APIRouter(prefix="/api/open-api/v1", route_class=ServiceRoute, tags=["Webhooks"])

WebhookId = Annotated[str, Path(description="The id of a webhook endpoint, hook_…")]
DeliveryId = Annotated[str, Path(description="The id of a delivery, dlv_…")]
_HOUR = 3600


@router.get(
    "/webhooks",
    operation_id="listWebhooks",
    summary="List webhook endpoints",
    response_model=WebhookListResponse,
    responses=error_responses(AuthenticationError, Forbidden, Unavailable),
)
async def list_webhooks(state: State, who: Manager) -> JSONResponse:
    """Return the webhook endpoints of the account, without their secrets.

    Needs the scope `account`, like every route of webhooks.
    """
    found = await state.database.read_async(webhooks.listing, who.account_id)
    return JSONResponse(ok({"list": [_view(endpoint) for endpoint in found]}))


@router.post(
    "/webhooks",
    operation_id="createWebhook",
    summary="Create a webhook endpoint",
    response_model=NewWebhookResponse,
    responses=error_responses(
        AuthenticationError, Forbidden, InvalidParameter, StateConflict, RateLimited, Unavailable
    ),
)
async def create_webhook(state: State, body: WebhookRequest, who: LimitedManager) -> JSONResponse:
    """Create a webhook endpoint. Only this response contains its secret.

    Messages follow the Standard Webhooks specification: the headers `webhook-id`,
    `webhook-timestamp` and `webhook-signature` identify and sign the body.
    """

    def work(session: Session) -> dict[str, object]:
        endpoint, secret = webhooks.create(
            session,
            state.settings.secrets,
            who.account_id,
            url=body.url,
            events=body.events,
            description=body.description,
            actor=audit.by_key(who.key_id),
        )
        return _view(endpoint) | {"secret": secret}

    return JSONResponse(ok(await state.database.transaction_async(work)))


@router.get(
    "/webhooks/{webhook_id}",
    operation_id="getWebhook",
    summary="Get a webhook endpoint",
    response_model=WebhookResponse,
    responses=error_responses(AuthenticationError, Forbidden, NotFound, Unavailable),
)
async def get_webhook(state: State, webhook_id: WebhookId, who: Manager) -> JSONResponse:
    """Return a webhook endpoint, without its secret."""
    found = await state.database.read_async(webhooks.get, webhook_id, who.account_id)
    return JSONResponse(ok(_view(found)))


@router.patch(
    "/webhooks/{webhook_id}",
    operation_id="updateWebhook",
    summary="Change a webhook endpoint",
    response_model=WebhookResponse,
    responses=error_responses(
        AuthenticationError, Forbidden, NotFound, InvalidParameter, RateLimited, Unavailable
    ),
)
async def update_webhook(
    state: State, webhook_id: WebhookId, body: WebhookChange, who: LimitedManager
) -> JSONResponse:
    """Change the URL, the events or the note of a webhook endpoint, or enable or disable it."""
    found = await state.database.transaction_async(
        webhooks.change,
        webhook_id,
        who.account_id,
        url=body.url,
        events=body.events,
        description=body.description,
        enabled=body.enabled,
        actor=audit.by_key(who.key_id),
    )
    return JSONResponse(ok(_view(found)))


@router.delete(
    "/webhooks/{webhook_id}",
    operation_id="deleteWebhook",
    summary="Delete a webhook endpoint",
    response_model=DeletedWebhookResponse,
    responses=error_responses(AuthenticationError, Forbidden, NotFound, RateLimited, Unavailable),
)
async def delete_webhook(state: State, webhook_id: WebhookId, who: LimitedManager) -> JSONResponse:
    """Delete a webhook endpoint and the log of its deliveries. Waiting messages are not sent."""
    actor = audit.by_key(who.key_id)
    await state.database.transaction_async(webhooks.delete, webhook_id, who.account_id, actor=actor)
    return JSONResponse(ok({"id": webhook_id, "deleted": True}))


@router.post(
    "/webhooks/{webhook_id}/rotation",
    operation_id="rotateWebhookSecret",
    summary="Rotate the secret of a webhook endpoint",
    response_model=NewWebhookResponse,
    responses=error_responses(
        AuthenticationError, Forbidden, NotFound, InvalidParameter, RateLimited, Unavailable
    ),
)
async def rotate_webhook(
    state: State,
    webhook_id: WebhookId,
    who: LimitedManager,
    overlap: Annotated[
        float,
        Query(
            alias="overlapHours",
            ge=0,
            le=webhooks.LONGEST_OVERLAP / _HOUR,
            description="Hours for which messages are signed with the former secret too",
        ),
    ] = 24,
) -> JSONResponse:
    """Replace the secret of a webhook endpoint. Only this response contains the new secret."""

    def work(session: Session) -> dict[str, object]:
        endpoint, secret = webhooks.rotate(
            session,
            state.settings.secrets,
            webhook_id,
            who.account_id,
            overlap=overlap * _HOUR,
            actor=audit.by_key(who.key_id),
        )
        return _view(endpoint) | {"secret": secret}

    return JSONResponse(ok(await state.database.transaction_async(work)))


@router.post(
    "/webhooks/{webhook_id}/test",
    operation_id="testWebhook",
    summary="Send a test event",
    response_model=DeliveryResponse,
    responses=error_responses(
        AuthenticationError, Forbidden, NotFound, StateConflict, RateLimited, Unavailable
    ),
)
async def send_test(state: State, webhook_id: WebhookId, who: LimitedManager) -> JSONResponse:
    """Send an event of the type `webhook.test` to an endpoint. Poll the delivery for its result."""

    def work(session: Session) -> dict[str, object]:
        made = webhooks.send_test(session, webhook_id, who.account_id)
        return _delivery(*webhooks.delivery_of(session, made.id, who.account_id))

    return JSONResponse(ok(await state.database.transaction_async(work)))


@router.get(
    "/webhook-deliveries",
    operation_id="listWebhookDeliveries",
    summary="List webhook deliveries",
    response_model=DeliveryListResponse,
    responses=error_responses(AuthenticationError, Forbidden, InvalidParameter, Unavailable),
)
async def list_deliveries(
    state: State,
    who: Manager,
    webhook: Annotated[
        str | None,
        Query(description="List only deliveries to this endpoint"),
        BeforeValidator(none_if_empty),
    ] = None,
    status: Annotated[
        WireDeliveryStatus | None,
        Query(description="List only deliveries of this status"),
        BeforeValidator(none_if_empty),
    ] = None,
    limit: Annotated[
        int | None,
        Query(ge=1, le=100, description="Largest number of deliveries of the page"),
        BeforeValidator(none_if_empty),
    ] = 20,
    cursor: Annotated[
        str | None,
        Query(description="The nextCursor of the page before. Default: the first page"),
        BeforeValidator(none_if_empty),
    ] = None,
) -> JSONResponse:
    """Return one page of the account's deliveries, newest first, with their payloads."""
    found, following = await state.database.read_async(
        webhooks.deliveries,
        who.account_id,
        endpoint_id=webhook,
        status=status,
        limit=limit or 20,
        cursor=cursor,
    )
    rows = [_delivery(*each) for each in found]
    return JSONResponse(ok({"list": rows, "nextCursor": following}))


@router.get(
    "/webhook-deliveries/{delivery_id}",
    operation_id="getWebhookDelivery",
    summary="Get a webhook delivery",
    response_model=DeliveryResponse,
    responses=error_responses(AuthenticationError, Forbidden, NotFound, Unavailable),
)
async def get_delivery(state: State, delivery_id: DeliveryId, who: Manager) -> JSONResponse:
    """Return a delivery with its payload and the result of the last attempt."""
    found = await state.database.read_async(webhooks.delivery_of, delivery_id, who.account_id)
    return JSONResponse(ok(_delivery(*found)))


@router.post(
    "/webhook-deliveries/{delivery_id}/replay",
    operation_id="replayWebhookDelivery",
    summary="Replay a webhook delivery",
    response_model=DeliveryResponse,
    responses=error_responses(
        AuthenticationError, Forbidden, NotFound, StateConflict, RateLimited, Unavailable
    ),
)
async def replay_delivery(
    state: State, delivery_id: DeliveryId, who: LimitedManager
) -> JSONResponse:
    """Send a message again now, with the same `webhook-id` and a new series of attempts."""

    def work(session: Session) -> dict[str, object]:
        webhooks.replay(session, delivery_id, who.account_id)
        return _delivery(*webhooks.delivery_of(session, delivery_id, who.account_id))

    return JSONResponse(ok(await state.database.transaction_async(work)))


def _view(endpoint: WebhookEndpoint) -> dict[str, object]:
    former = endpoint.previous_until
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "description": endpoint.description,
        "events": endpoint.events,
        "enabled": endpoint.disabled_at is None,
        "disabledReason": endpoint.disabled_reason or None,
        "failingSince": _seconds(endpoint.failing_since),
        "formerUntil": _seconds(former if (former or 0) > time.time() else None),
        "created": int(endpoint.created_at),
    }


def _delivery(delivery: WebhookDelivery, event: WebhookEvent) -> dict[str, object]:
    return {
        "id": delivery.id,
        "webhook": delivery.endpoint_id,
        "message": event.id,
        "type": event.type,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "statusCode": delivery.status_code,
        "error": delivery.error,
        "seconds": None if delivery.seconds is None else round(delivery.seconds, 3),
        "created": int(delivery.created_at),
        "attempted": _seconds(delivery.attempted_at),
        "nextAttempt": _seconds(delivery.next_at),
        "payload": json.loads(event.payload),
    }


def _seconds(time: float | None) -> int | None:
    return None if time is None else int(time)
