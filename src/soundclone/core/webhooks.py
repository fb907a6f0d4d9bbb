"""Webhooks after the Standard Webhooks specification: endpoints, events and deliveries.

`publish` writes an event and one delivery per endpoint in the transaction of the event, and
enqueues the first job of each delivery there. A job makes one attempt. `record` stores the outcome
and enqueues the job of the next attempt, with a delay that grows. The job's number is part of its
id, so a job that a replay has overtaken does nothing.

Payloads have ids, states, times and amounts, and no texts, links or names.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import secrets as random_secrets
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from http import HTTPStatus

from sqlalchemy import bindparam, exists, func, select, tuple_, update
from sqlalchemy import delete as remove
from sqlalchemy.orm import Session

from ..db.models import (
    Account,
    Task,
    TaskKind,
    TaskStatus,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
    table_of,
)
from ..encryption import EncryptionError, seal, unseal
from ..errors import InvalidParameter, NotFound, SourceRefused, StateConflict
from ..fetch.download import Place
from . import audit, ledger
from .audit import Actor, Event
from .formatting import DAY, moment
from .keys import secret_id
from .pricing import to_credits

ENQUEUE = "enqueue_webhook"
"""Name of the function `Enqueue` in `Session.info`."""

Enqueue = Callable[[Session, str, str, float], None]
"""Enqueues a job in a transaction: session, id of the job, id of the account, delay in seconds."""

MOST_ENDPOINTS = 10  # of an account
LONGEST_URL = 2048
LONGEST_DESCRIPTION = 200
LONGEST_OVERLAP = 7 * DAY
SECRET_PREFIX = "whsec_"  # noqa: S105 -- of every secret
MOST_ATTEMPTS = 10
FIRST_DELAY = 5.0  # seconds before the second attempt
GROWTH = 4.0  # of each further delay
LONGEST_DELAY = 8 * 3600.0
JITTER = 0.2  # share by which a delay varies
DISABLED_AFTER = 3 * DAY
"""Seconds without a successful attempt after which an endpoint is disabled."""

STRANDED_AFTER = 60.0  # seconds after which a job is visible for certain

_SECRET_BYTES = 32

# A constant, because building the statement takes longer than executing it. The lock keeps the
# endpoints from being deleted before the transaction ends.
_ENDPOINTS = (
    select(WebhookEndpoint.id, WebhookEndpoint.events)
    .where(WebhookEndpoint.account_id == bindparam("account"))
    .where(WebhookEndpoint.disabled_at.is_(None))
    .with_for_update(read=True, key_share=True)
)
_TASKS, _HOOKS = table_of(Task), table_of(WebhookEndpoint)
HEARD = (
    exists()
    .where(_HOOKS.c.account_id == _TASKS.c.account_id, _HOOKS.c.disabled_at.is_(None))
    .correlate(_TASKS)
    .label("heard")
)
"""Condition of tasks whose account has an endpoint."""


class EventType(StrEnum):
    """Type of an event, as the payload names it."""

    SUCCEEDED = "task.succeeded"
    FAILED = "task.failed"
    BALANCE_LOW = "balance.low"
    TEST = "webhook.test"  # sent on request, to one endpoint


SUBSCRIBABLE = (EventType.SUCCEEDED, EventType.FAILED, EventType.BALANCE_LOW)
"""Types that an endpoint can choose."""


class DeliveryStatus(StrEnum):
    """State of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True)
class Message:
    """Attempt to make: URL, body and headers."""

    delivery_id: str
    endpoint_id: str
    url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Outcome:
    """Result of an attempt. Without a status, there was no response."""

    seconds: float
    status: int | None = None
    error: str = ""  # reason without a response
    retry_after: float | None = None  # seconds that the endpoint asks to wait

    @property
    def delivered(self) -> bool:
        """True for a response that accepts the message."""
        return self.status is not None and 200 <= self.status < 300


def delay(failures: int, retry_after: float | None = None) -> float:
    """Return the seconds until the next attempt. Ten attempts take about a day.

    Args:
        failures: Attempts that have failed, at least 1.
        retry_after: Seconds that the endpoint asks to wait. The next attempt is not earlier, except
            that no delay exceeds the longest one.
    """
    seconds = min(FIRST_DELAY * GROWTH ** (failures - 1), LONGEST_DELAY)
    seconds *= random.uniform(1 - JITTER, 1 + JITTER)
    asked = min(retry_after or 0.0, LONGEST_DELAY) * random.uniform(1, 1 + JITTER)
    return max(seconds, asked)


def sign(secret: str, identifier: str, timestamp: int, body: str) -> str:
    """Return a signature of the header `webhook-signature`."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{identifier}.{timestamp}.{body}".encode()
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


# Endpoints


def create(
    session: Session,
    secrets: Sequence[bytes],
    account_id: str,
    *,
    url: str,
    events: Iterable[str] | None = None,
    description: str = "",
    actor: Actor,
) -> tuple[WebhookEndpoint, str]:
    """Create an endpoint. Return the endpoint and its secret, which cannot be read again.

    Args:
        session: The transaction.
        secrets: Secrets of the installation, the newest first.
        account_id: The account.
        url: http or https URL that receives the events.
        events: Types of events. None: all.
        description: Note of the owner.
        actor: Cause, for the audit log.

    Raises:
        InvalidParameter: The URL, a type or the description is invalid.
        StateConflict: The account has as many endpoints as it may have.
    """
    ledger.lock(session, account_id)
    count = session.scalar(select(func.count()).where(WebhookEndpoint.account_id == account_id))
    if (count or 0) >= MOST_ENDPOINTS:
        raise StateConflict(
            f"the account has {MOST_ENDPOINTS} webhook endpoints, which is the most; delete one"
        )
    text, identifier = _new_secret(), f"hook_{uuid.uuid4().hex}"
    endpoint = WebhookEndpoint(
        id=identifier,
        account_id=account_id,
        url=checked_url(url),
        description=_checked_description(description),
        events=checked_events(events),
        secret=seal(secrets, identifier, text),
        secret_id=secret_id(secrets[0]),
        created_at=time.time(),
        disabled_reason="",
    )
    session.add(endpoint)
    _audit(session, Event.WEBHOOK_CREATED, endpoint, actor)
    session.flush()
    return endpoint, text


def listing(session: Session, account_id: str) -> Sequence[WebhookEndpoint]:
    """Return the account's endpoints, newest first."""
    return session.scalars(
        select(WebhookEndpoint)
        .where(WebhookEndpoint.account_id == account_id)
        .order_by(WebhookEndpoint.created_at.desc())
    ).all()


def get(
    session: Session, endpoint_id: str, account_id: str, *, lock: bool = False
) -> WebhookEndpoint:
    """Return an endpoint of an account. Raises NotFound."""
    query = select(WebhookEndpoint).where(
        WebhookEndpoint.id == endpoint_id, WebhookEndpoint.account_id == account_id
    )
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    # Postgres has no texts with a null character.
    endpoint = session.scalar(query) if endpoint_id.isprintable() else None
    if endpoint is None:
        raise NotFound(f"there is no webhook endpoint {endpoint_id[:60]!r} in this account")
    return endpoint


def change(
    session: Session,
    endpoint_id: str,
    account_id: str,
    *,
    url: str | None = None,
    events: Iterable[str] | None = None,
    description: str | None = None,
    enabled: bool | None = None,
    actor: Actor,
) -> WebhookEndpoint:
    """Change the given properties of an endpoint.

    Deliveries that wait for a disabled endpoint fail. They can be replayed once it is enabled.

    Raises:
        NotFound: The account has no such endpoint.
        InvalidParameter: A new value is invalid.
    """
    endpoint = get(session, endpoint_id, account_id, lock=True)
    if url is not None:
        endpoint.url = checked_url(url)
    if events is not None:
        endpoint.events = checked_events(events)
    if description is not None:
        endpoint.description = _checked_description(description)
    if enabled is False and endpoint.disabled_at is None:
        _disable(session, endpoint, "")
    elif enabled and endpoint.disabled_at is not None:
        endpoint.disabled_at, endpoint.disabled_reason, endpoint.failing_since = None, "", None
    _audit(session, Event.WEBHOOK_CHANGED, endpoint, actor)
    session.flush()
    return endpoint


def delete(session: Session, endpoint_id: str, account_id: str, *, actor: Actor) -> None:
    """Delete an endpoint and the log of its deliveries. Raises NotFound."""
    endpoint = get(session, endpoint_id, account_id)
    # The stronger lock waits for transactions that write deliveries to the endpoint.
    if session.get(WebhookEndpoint, endpoint.id, with_for_update=True) is None:
        return  # another request was faster
    session.execute(remove(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint.id))
    _audit(session, Event.WEBHOOK_DELETED, endpoint, actor)
    session.delete(endpoint)
    session.flush()


def rotate(
    session: Session,
    secrets: Sequence[bytes],
    endpoint_id: str,
    account_id: str,
    *,
    overlap: float,
    actor: Actor,
) -> tuple[WebhookEndpoint, str]:
    """Replace the secret of an endpoint. Return the endpoint and its new secret.

    For `overlap` seconds, each message is signed with both secrets.

    Raises:
        NotFound: The account has no such endpoint.
        InvalidParameter: The overlap is out of range.
    """
    if not 0 <= overlap <= LONGEST_OVERLAP:
        raise InvalidParameter(
            f"the overlap is {overlap / 3600:g} hours; it must be from 0 to "
            f"{LONGEST_OVERLAP / 3600:g}",
            param="overlapHours",
        )
    endpoint = get(session, endpoint_id, account_id, lock=True)
    _renew(secrets, endpoint)
    text = _new_secret()
    endpoint.previous_secret = endpoint.secret if overlap else None
    endpoint.previous_until = time.time() + overlap if overlap else None
    endpoint.secret = seal(secrets, endpoint.id, text)
    _audit(session, Event.WEBHOOK_ROTATED, endpoint, actor)
    session.flush()
    return endpoint, text


def checked_url(url: str) -> str:
    """Return the URL of an endpoint. Its host is resolved when a message is sent.

    Raises:
        InvalidParameter: The URL is not one that messages can be sent to.
    """
    url = url.strip()
    if len(url) > LONGEST_URL:
        raise InvalidParameter(
            f"url has {len(url)} characters; at most {LONGEST_URL} are taken", param="url"
        )
    try:
        Place.parse(url)
    except SourceRefused as error:
        raise InvalidParameter(error.message, param="url") from error
    return url


def checked_events(events: Iterable[str] | None) -> list[str]:
    """Return types of events in a fixed order, all of them for None. Raises InvalidParameter."""
    if events is None:
        return list(SUBSCRIBABLE)
    wanted = set(events)
    known = ", ".join(SUBSCRIBABLE)
    for name in sorted(wanted):
        if name not in SUBSCRIBABLE:
            raise InvalidParameter(
                f"{name[:40]!r} is not an event; the events are {known}", param="events"
            )
    if not wanted:
        raise InvalidParameter(
            f"an endpoint needs at least one event; the events are {known}", param="events"
        )
    return [each for each in SUBSCRIBABLE if each in wanted]


def _checked_description(text: str) -> str:
    text = text.strip()
    if len(text) > LONGEST_DESCRIPTION:
        raise InvalidParameter(
            f"description has {len(text)} characters; at most {LONGEST_DESCRIPTION} are taken",
            param="description",
        )
    if not all(character.isprintable() for character in text):
        raise InvalidParameter("description has a control character", param="description")
    return text


def _new_secret() -> str:
    random_bytes = random_secrets.token_bytes(_SECRET_BYTES)
    return SECRET_PREFIX + base64.b64encode(random_bytes).decode()


def _disable(session: Session, endpoint: WebhookEndpoint, reason: str) -> None:
    """Disable an endpoint, and end its waiting deliveries."""
    now = time.time()
    endpoint.disabled_at, endpoint.disabled_reason = now, reason
    session.execute(
        update(WebhookDelivery)
        .where(
            WebhookDelivery.endpoint_id == endpoint.id,
            WebhookDelivery.status == DeliveryStatus.PENDING,
        )
        .values(
            status=DeliveryStatus.FAILED,
            error=func.coalesce(WebhookDelivery.error, "the endpoint was disabled"),
            ended_at=now,
            next_at=None,
        )
    )


def _audit(session: Session, event: Event, endpoint: WebhookEndpoint, actor: Actor) -> None:
    audit.record(session, event, actor, account_id=endpoint.account_id, detail=endpoint.id)


# Secrets of the installation


def renew_secrets(session: Session, secrets: Sequence[bytes]) -> int:
    """Encrypt all endpoints' secrets with the newest secret of the installation.

    Return the number of endpoints whose secrets were encrypted with an older one. Endpoints whose
    secret cannot be decrypted stay as they are.
    """
    outdated = session.scalars(
        select(WebhookEndpoint)
        .where(WebhookEndpoint.secret_id != secret_id(secrets[0]))
        .with_for_update(key_share=True)
    ).all()
    return sum(_renew(secrets, endpoint) for endpoint in outdated)


def depending(session: Session, secret: bytes) -> int:
    """Return the number of endpoints whose secrets are encrypted with a secret."""
    count = select(func.count()).where(WebhookEndpoint.secret_id == secret_id(secret))
    return session.scalar(count) or 0


def _renew(secrets: Sequence[bytes], endpoint: WebhookEndpoint) -> bool:
    if endpoint.secret_id == secret_id(secrets[0]):
        return False
    try:
        texts = [
            sealed and unseal(secrets, endpoint.id, sealed)
            for sealed in (endpoint.secret, endpoint.previous_secret)
        ]
    except EncryptionError:
        return False
    endpoint.secret = seal(secrets, endpoint.id, texts[0] or "")
    endpoint.previous_secret = seal(secrets, endpoint.id, texts[1]) if texts[1] else None
    endpoint.secret_id = secret_id(secrets[0])
    return True


# Events


def task_ended(session: Session, task: Task) -> None:
    """Publish the end of a task, in the transaction that ends the task."""
    succeeded = task.status == TaskStatus.COMPLETED
    has_voice = succeeded or task.kind != TaskKind.CLONE
    data = {
        "id": task.id,
        "kind": task.kind,
        "status": task.status,
        "modelId": (task.voice_id or None) if has_voice else None,
        "characters": task.characters,
        "seconds": task.result.get("seconds") if succeeded else None,
        "cost": to_credits(task.cost),
        "errorCode": task.error_word,
        "created": int(task.created_at),
        "started": None if task.started_at is None else int(task.started_at),
        "ended": int(task.ended_at or time.time()),
    }
    publish(session, task.account_id, EventType.SUCCEEDED if succeeded else EventType.FAILED, data)


def balance_fell(session: Session, payer: ledger.Payer) -> None:
    """Publish that new holds have lowered the available balance below the account's threshold.

    Only a hold lowers the available balance, so its transaction sees each crossing once.
    """
    threshold, after = payer.low_balance, payer.available
    if threshold is None or not after < threshold <= after + payer.amount:
        return
    data = {
        "account": payer.account_id,
        "available": to_credits(after),
        "threshold": to_credits(threshold),
    }
    publish(session, payer.account_id, EventType.BALANCE_LOW, data)


def set_low_balance(session: Session, account_id: str, threshold: int | None) -> None:
    """Set the micro-credits below which `balance.low` is published. None: never.

    A balance that is already lower publishes nothing until it rises and falls again.

    Raises:
        InvalidParameter: The threshold is not above 0.
    """
    if threshold is not None and threshold <= 0:
        raise InvalidParameter(
            f"the threshold is {to_credits(threshold):g} credits; more than 0 is needed",
            param="lowBalance",
        )
    session.execute(update(Account).where(Account.id == account_id).values(low_balance=threshold))


def send_test(session: Session, endpoint_id: str, account_id: str) -> WebhookDelivery:
    """Send a test event to an endpoint. Raises NotFound and StateConflict."""
    endpoint = get(session, endpoint_id, account_id)
    _check_enabled(endpoint)
    data = {"endpoint": endpoint.id}
    (delivery,) = _deliver(session, account_id, EventType.TEST, data, [endpoint.id])
    return delivery


def publish(
    session: Session, account_id: str, event: EventType, data: Mapping[str, object]
) -> None:
    """Write an event for the account's endpoints that want its type, and enqueue its deliveries.

    Without such an endpoint, nothing is written.
    """
    found = session.execute(_ENDPOINTS, {"account": account_id}).all()
    wanting = [row.id for row in found if event in row.events]
    if wanting:
        _deliver(session, account_id, event, data, wanting)


def _deliver(
    session: Session,
    account_id: str,
    event: EventType,
    data: Mapping[str, object],
    endpoints: Sequence[str],
) -> list[WebhookDelivery]:
    now = time.time()
    body = {
        "type": event.value,
        "timestamp": datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds"),
        "data": data,
    }
    message = WebhookEvent(
        id=f"msg_{uuid.uuid4().hex}",
        account_id=account_id,
        type=event,
        payload=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        created_at=now,
    )
    session.add(message)
    session.flush()
    made = [
        WebhookDelivery(
            id=f"dlv_{uuid.uuid4().hex}",
            account_id=account_id,
            endpoint_id=endpoint_id,
            event_id=message.id,
            status=DeliveryStatus.PENDING,
            job=1,
            attempts=0,
            failures=0,
            next_at=now,
            created_at=now,
        )
        for endpoint_id in endpoints
    ]
    session.add_all(made)
    session.flush()
    for delivery in made:
        _enqueue(session, delivery, 0.0)
    return made


def _enqueue(session: Session, delivery: WebhookDelivery, seconds: float) -> None:
    """Enqueue the job of the next attempt.

    A process without a queue, such as a command, leaves this to the sweep.
    """
    enqueue: Enqueue | None = session.info.get(ENQUEUE)
    if enqueue is not None:
        enqueue(session, job_of(delivery.id, delivery.job), delivery.account_id, seconds)


# Deliveries


def job_of(delivery_id: str, number: int) -> str:
    """Return the id of a job of a delivery."""
    return f"{delivery_id}:{number}"


def message(session: Session, secrets: Sequence[bytes], job: str) -> Message | None:
    """Return the message that a job must send. None: the job has nothing to do.

    Raises:
        EncryptionError: The endpoint's secret cannot be decrypted.
    """
    delivery_id, _, number = job.rpartition(":")
    row = session.execute(
        select(WebhookDelivery, WebhookEndpoint, WebhookEvent)
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .join(WebhookEvent, WebhookEvent.id == WebhookDelivery.event_id)
        .where(
            WebhookDelivery.id == delivery_id,
            WebhookDelivery.job == int(number),
            WebhookDelivery.status == DeliveryStatus.PENDING,
        )
    ).one_or_none()
    if row is None:
        return None
    _, endpoint, event = row
    now = time.time()
    keys = [unseal(secrets, endpoint.id, endpoint.secret)]
    if endpoint.previous_secret and (endpoint.previous_until or 0) > now:
        keys.append(unseal(secrets, endpoint.id, endpoint.previous_secret))
    return Message(
        delivery_id=delivery_id,
        endpoint_id=endpoint.id,
        url=endpoint.url,
        body=event.payload.encode(),
        headers={
            "content-type": "application/json",
            "webhook-id": event.id,
            "webhook-timestamp": str(int(now)),
            "webhook-signature": " ".join(
                sign(key, event.id, int(now), event.payload) for key in keys
            ),
        },
    )


def record(session: Session, job: str, outcome: Outcome) -> DeliveryStatus | None:
    """Record the outcome of a job's attempt, and enqueue the next one if there must be one.

    Return the new status of the delivery. None: a replay or a disabled endpoint was faster.
    """
    delivery_id, _, number = job.rpartition(":")
    endpoint_id = session.scalar(
        select(WebhookDelivery.endpoint_id).where(WebhookDelivery.id == delivery_id)
    )
    # Lock the endpoint first, like `change` and `replay`, to avoid deadlocks.
    endpoint = session.scalar(
        select(WebhookEndpoint)
        .where(WebhookEndpoint.id == endpoint_id)
        .with_for_update(key_share=True)
    )
    delivery = session.get(WebhookDelivery, delivery_id, with_for_update=True)
    if endpoint is None or delivery is None:  # deleted meanwhile
        return None
    if delivery.job != int(number) or delivery.status != DeliveryStatus.PENDING:
        return None
    now = time.time()
    delivery.attempts += 1
    delivery.attempted_at, delivery.seconds = now, outcome.seconds
    delivery.status_code = outcome.status
    if outcome.delivered:
        delivery.status, delivery.error = DeliveryStatus.DELIVERED, None
        delivery.ended_at, delivery.next_at = now, None
        endpoint.failing_since = None
        return DeliveryStatus.DELIVERED
    delivery.failures += 1
    delivery.error = outcome.error or f"the endpoint answered {_phrase(outcome.status)}"
    endpoint.failing_since = endpoint.failing_since or now
    gone = outcome.status == HTTPStatus.GONE
    if gone or now - endpoint.failing_since >= DISABLED_AFTER:
        session.flush()
        _disable(session, endpoint, _reason(endpoint.failing_since, delivery.error, gone=gone))
        _audit(session, Event.WEBHOOK_DISABLED, endpoint, audit.SERVICE)
        return DeliveryStatus.FAILED
    if delivery.failures >= MOST_ATTEMPTS:
        delivery.status = DeliveryStatus.FAILED
        delivery.ended_at, delivery.next_at = now, None
        return DeliveryStatus.FAILED
    seconds = delay(delivery.failures, outcome.retry_after)
    delivery.job += 1
    delivery.next_at = now + seconds
    session.flush()
    _enqueue(session, delivery, seconds)
    return DeliveryStatus.PENDING


def _reason(failing_since: float, error: str, *, gone: bool) -> str:
    """Return the note on an endpoint that the service disables."""
    if gone:
        return "the endpoint answered 410 Gone, which asks for no more messages"
    return f"no message was delivered since {moment(failing_since)}; at last {error}"


def _phrase(status: int | None) -> str:
    try:
        return f"{status} {HTTPStatus(status or 0).phrase}"
    except ValueError:
        return str(status)


def deliveries(
    session: Session,
    account_id: str,
    *,
    endpoint_id: str | None = None,
    status: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> tuple[Sequence[tuple[WebhookDelivery, WebhookEvent]], str | None]:
    """Return a page of deliveries with their events, newest first, and the next page's cursor.

    The cursor is the id of the last delivery of a page, None for the last page.

    Raises:
        InvalidParameter: The cursor is unknown.
    """
    query = (
        select(WebhookDelivery, WebhookEvent)
        .join(WebhookEvent, WebhookEvent.id == WebhookDelivery.event_id)
        .where(WebhookDelivery.account_id == account_id)
    )
    if endpoint_id:
        known = endpoint_id if endpoint_id.isprintable() else ""
        query = query.where(WebhookDelivery.endpoint_id == known)
    if status:
        query = query.where(WebhookDelivery.status == status)
    place = tuple_(WebhookDelivery.created_at, WebhookDelivery.id)
    if cursor is not None:
        last = session.get(WebhookDelivery, cursor) if cursor.isprintable() else None
        if last is None or last.account_id != account_id:
            raise InvalidParameter(
                f"cursor is {cursor[:60]!r}; it must be the nextCursor of an earlier page",
                param="cursor",
            )
        query = query.where(place < (last.created_at, last.id))
    query = query.order_by(WebhookDelivery.created_at.desc(), WebhookDelivery.id.desc())
    found = [(delivery, event) for delivery, event in session.execute(query.limit(limit + 1))]
    return found[:limit], found[limit - 1][0].id if len(found) > limit else None


def delivery_of(
    session: Session, delivery_id: str, account_id: str
) -> tuple[WebhookDelivery, WebhookEvent]:
    """Return a delivery of an account, and its event. Raises NotFound."""
    delivery = session.get(WebhookDelivery, delivery_id) if delivery_id.isprintable() else None
    if delivery is None or delivery.account_id != account_id:
        raise NotFound(f"there is no webhook delivery {delivery_id[:60]!r} in this account")
    return delivery, session.get_one(WebhookEvent, delivery.event_id)


def replay(session: Session, delivery_id: str, account_id: str) -> WebhookDelivery:
    """Deliver a message again now, with the same webhook-id and a new series of attempts.

    Raises:
        NotFound: The account has no such delivery.
        StateConflict: The endpoint is disabled.
    """
    found, _ = delivery_of(session, delivery_id, account_id)
    _check_enabled(get(session, found.endpoint_id, account_id, lock=True))
    delivery = session.get_one(
        WebhookDelivery, delivery_id, with_for_update=True, populate_existing=True
    )
    delivery.status, delivery.failures = DeliveryStatus.PENDING, 0
    delivery.job += 1
    delivery.next_at = time.time()
    delivery.ended_at = delivery.cleared_at = None
    session.flush()
    _enqueue(session, delivery, 0.0)
    return delivery


def _check_enabled(endpoint: WebhookEndpoint) -> None:
    if endpoint.disabled_at is not None:
        raise StateConflict(f"webhook endpoint {endpoint.id} is disabled; enable it first")


# Removal, for the sweep


def overdue(session: Session, limit: int = 100) -> Sequence[tuple[str, int]]:
    """Return deliveries whose attempt is late, with the numbers of their jobs."""
    rows = session.execute(
        select(WebhookDelivery.id, WebhookDelivery.job)
        .where(
            WebhookDelivery.status == DeliveryStatus.PENDING,
            WebhookDelivery.next_at < time.time() - STRANDED_AFTER,
        )
        .order_by(WebhookDelivery.next_at)
        .limit(limit)
    )
    return [(row.id, row.job) for row in rows]


def restart(session: Session, delivery_id: str, number: int) -> bool:
    """Enqueue a new job for a delivery whose job `number` is lost. Return False without one."""
    delivery = session.get(WebhookDelivery, delivery_id, with_for_update=True)
    if delivery is None or (delivery.job, delivery.status) != (number, DeliveryStatus.PENDING):
        return False
    delivery.job += 1
    delivery.next_at = time.time()
    session.flush()
    _enqueue(session, delivery, 0.0)
    return True


def uncleared(session: Session, limit: int = 100) -> Sequence[tuple[str, int]]:
    """Return ended deliveries whose jobs still have records, with the number of their jobs."""
    rows = session.execute(
        select(WebhookDelivery.id, WebhookDelivery.job)
        .where(
            WebhookDelivery.status != DeliveryStatus.PENDING,
            WebhookDelivery.cleared_at.is_(None),
            WebhookDelivery.ended_at < time.time() - STRANDED_AFTER,
        )
        .limit(limit)
    )
    return [(row.id, row.job) for row in rows]


def mark_cleared(session: Session, delivery_id: str) -> None:
    """Record that the records of a delivery's jobs were deleted."""
    session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.id == delivery_id, WebhookDelivery.ended_at.is_not(None))
        .values(cleared_at=time.time())
    )


def delete_old(session: Session, before: float) -> None:
    """Delete ended deliveries of events before a time, and events without deliveries."""
    old = select(WebhookEvent.id).where(WebhookEvent.created_at < before)
    session.execute(
        remove(WebhookDelivery).where(
            WebhookDelivery.event_id.in_(old), WebhookDelivery.cleared_at.is_not(None)
        )
    )
    left = exists().where(WebhookDelivery.event_id == WebhookEvent.id)
    session.execute(remove(WebhookEvent).where(WebhookEvent.created_at < before, ~left))


def erase(session: Session, account_id: str) -> int:
    """Delete everything of an account. Return the number of its endpoints."""
    for table in (WebhookDelivery, WebhookEvent):
        session.execute(remove(table).where(table.account_id == account_id))
    found = session.execute(
        remove(WebhookEndpoint)
        .where(WebhookEndpoint.account_id == account_id)
        .returning(WebhookEndpoint.id)
    )
    return len(found.all())
