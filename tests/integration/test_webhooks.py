"""Webhooks on real databases: events, deliveries, retries, secrets, and jobs that send them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from soundclone.config import Settings
from soundclone.core import account_data, audit, ledger, tasks, webhooks
from soundclone.core.audit import OPERATOR, Filter
from soundclone.core.webhooks import DeliveryStatus, EventType, Outcome
from soundclone.db.models import (
    Base,
    Task,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from soundclone.db.session import Database
from soundclone.errors import InvalidParameter, NotFound, StateConflict, SynthesisError
from soundclone.jobs import queue, sweep
from soundclone.jobs.queue import Queue
from soundclone.jobs.webhooks import Deliverer
from tests import rows
from tests.integration.test_ledger import KEEP, customer, order, submit
from tests.webhook_receiver import Receiver, receiving

SECRETS = (b"installation secret",)
URL = "https://example.com/hooks"


class Jobs:
    """Jobs that transactions enqueued, instead of a queue."""

    def __init__(self, database: Database) -> None:
        self.made: list[tuple[str, float]] = []
        database.session_info[webhooks.ENQUEUE] = self.enqueue

    def enqueue(self, session: Session, job: str, account_id: str, delay: float) -> None:
        self.made.append((job, delay))

    def take(self) -> str:
        """Return the only job, and forget it."""
        (job, _), self.made = self.made[0], self.made[1:]
        assert not self.made
        return job


@pytest.fixture
def jobs(database: Database) -> Jobs:
    return Jobs(database)


def endpoint_of(
    database: Database, account: str, url: str = URL, events: list[str] | None = None
) -> tuple[str, str]:
    """Id and secret of a new endpoint."""
    with database.transaction() as session:
        made, secret = webhooks.create(
            session, SECRETS, account, url=url, events=events, actor=OPERATOR
        )
        return made.id, secret


def finish(database: Database, task: str) -> None:
    with database.transaction() as session:
        tasks.start(session, task)
        assert tasks.complete(session, task, rows.RESULT, keep=KEEP, voice=None)


def end_with(database: Database, job: str, outcome: Outcome) -> DeliveryStatus | None:
    with database.transaction() as session:
        return webhooks.record(session, job, outcome)


def delivery(database: Database, account: str) -> WebhookDelivery:
    with database.read() as session:
        ((found, _),) = webhooks.deliveries(session, account)[0]
        return found


def verified(secret: str, message: webhooks.Message) -> Any:
    return Webhook(secret).verify(message.body, dict(message.headers))


def test_the_end_of_a_task_is_an_event_of_its_transaction(database: Database, jobs: Jobs) -> None:
    account, key = customer(database, 100)
    endpoint, secret = endpoint_of(database, account)
    other, _ = customer(database, 0)
    endpoint_of(database, other)
    task = submit(database, order(account, key, 30, what="a secret text"))

    class Crash(Exception):
        pass

    def crash() -> None:
        with database.transaction() as session:
            tasks.start(session, task)
            assert tasks.complete(session, task, rows.RESULT, keep=KEEP, voice=None)
            assert session.scalar(select(func.count()).select_from(WebhookEvent)) == 1
            raise Crash

    with pytest.raises(Crash):
        crash()
    jobs.made.clear()
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(WebhookEvent)) == 0
        assert session.get_one(Task, task).status == "queued"

    finish(database, task)
    job = jobs.take()
    with database.read() as session:
        message = webhooks.message(session, SECRETS, job)
        assert message is not None
        assert message.url == URL
    payload = verified(secret, message)
    assert payload["type"] == "task.succeeded"
    data = payload["data"]
    assert (data["id"], data["status"], data["cost"]) == (task, "completed", 0.00003)
    assert data["ended"] >= data["created"]
    assert b"secret" not in message.body
    assert b"http" not in message.body
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(message.body + b" ", dict(message.headers))
    assert end_with(database, job, Outcome(0.1, 204)) == DeliveryStatus.DELIVERED
    assert delivery(database, account).attempts == 1
    with database.read() as session:
        assert webhooks.message(session, SECRETS, job) is None
    assert end_with(database, job, Outcome(0.1, 500)) is None
    assert delivery(database, account).endpoint_id == endpoint


def test_a_failure_names_its_word_and_no_text(database: Database, jobs: Jobs) -> None:
    account, key = customer(database, 100)
    endpoint_of(database, account, events=["task.failed"])
    finish(database, submit(database, order(account, key, 1)))
    assert jobs.made == []
    task = submit(database, order(account, key, 30))
    with database.transaction() as session:
        tasks.fail(session, task, SynthesisError("the sentence 'Hello Anna' failed"), keep=KEEP)
    with database.read() as session:
        message = webhooks.message(session, SECRETS, jobs.take())
    assert message is not None
    payload = json.loads(message.body)
    assert payload["type"] == "task.failed"
    assert payload["data"]["errorCode"] == "synthesis_failed"
    assert payload["data"]["cost"] == 0
    assert b"Anna" not in message.body


def test_failed_attempts_wait_longer_and_end_after_a_day(database: Database, jobs: Jobs) -> None:
    account, key = customer(database, 100)
    endpoint, _ = endpoint_of(database, account)
    finish(database, submit(database, order(account, key, 1)))
    waits = []
    for attempt in range(1, webhooks.MOST_ATTEMPTS + 1):
        job = jobs.take()
        outcome = Outcome(1.0, 500) if attempt % 2 else Outcome(15.0, error="no answer")
        status = end_with(database, job, outcome)
        if attempt < webhooks.MOST_ATTEMPTS:
            assert status == DeliveryStatus.PENDING
            waits.append(jobs.made[0][1])
    assert status == DeliveryStatus.FAILED
    assert jobs.made == []
    assert all(
        low <= wait <= high
        for wait, low, high in zip(waits, (4, 16, 64, 256), (6, 24, 96, 384), strict=False)
    )
    assert 18 * 3600 < sum(waits) < 29 * 3600
    found = delivery(database, account)
    assert (found.status, found.attempts, found.error) == ("failed", 10, "no answer")
    with database.transaction() as session:
        identifier = found.event_id
        assert webhooks.replay(session, found.id, account).status == DeliveryStatus.PENDING
    replayed = jobs.take()
    assert end_with(database, job, Outcome(1.0, 200)) is None  # the replay has overtaken this job
    with database.read() as session:
        message = webhooks.message(session, SECRETS, replayed)
    assert message is not None
    assert message.headers["webhook-id"] == identifier
    end_with(database, replayed, Outcome(1.0, 200))
    with database.read() as session:
        assert webhooks.get(session, endpoint, account).failing_since is None
    assert delivery(database, account).status == DeliveryStatus.DELIVERED


def test_an_endpoint_is_disabled_when_it_is_gone_or_fails_for_days(
    database: Database, jobs: Jobs
) -> None:
    account, key = customer(database, 100)
    endpoint, _ = endpoint_of(database, account)
    finish(database, submit(database, order(account, key, 1)))
    finish(database, submit(database, order(account, key, 1)))
    first, jobs.made = jobs.made[0][0], []
    assert end_with(database, first, Outcome(1.0, 410)) == DeliveryStatus.FAILED
    with database.transaction() as session:
        found = webhooks.get(session, endpoint, account)
        assert "410 Gone" in found.disabled_reason
        shown, _ = webhooks.deliveries(session, account)
        assert {each.status for each, _ in shown} == {"failed"}
        with pytest.raises(StateConflict, match="enable it first"):
            webhooks.replay(session, shown[0][0].id, account)
        with pytest.raises(StateConflict, match="enable it first"):
            webhooks.send_test(session, endpoint, account)
    finish(database, submit(database, order(account, key, 1)))
    assert jobs.made == []
    with database.transaction() as session:
        webhooks.change(session, endpoint, account, enabled=True, actor=OPERATOR)
        webhooks.send_test(session, endpoint, account)
    assert end_with(database, jobs.take(), Outcome(1.0, 503)) == DeliveryStatus.PENDING
    long_ago = time.time() - webhooks.DISABLED_AFTER
    with database.transaction() as session:
        session.execute(update(WebhookEndpoint).values(failing_since=long_ago))
    assert end_with(database, jobs.take(), Outcome(1.0, 503)) == DeliveryStatus.FAILED
    with database.read() as session:
        found = webhooks.get(session, endpoint, account)
        assert found.disabled_at
        assert "503 Service Unavailable" in found.disabled_reason
        events = [line["event"] for line in audit.export(session, Filter(account_id=account))]
    assert [each for each in events if each.startswith("webhook")] == [
        "webhook_created", "webhook_disabled", "webhook_changed", "webhook_disabled",
    ]  # fmt: skip


def test_a_rotated_secret_signs_until_its_overlap_ends(database: Database, jobs: Jobs) -> None:
    account, _ = customer(database, 0)
    endpoint, old = endpoint_of(database, account)
    with database.transaction() as session:
        _, new = webhooks.rotate(session, SECRETS, endpoint, account, overlap=60, actor=OPERATOR)
        webhooks.send_test(session, endpoint, account)
    job = jobs.take()
    with database.read() as session:
        message = webhooks.message(session, SECRETS, job)
    assert message is not None
    assert verified(old, message) == verified(new, message)
    with database.transaction() as session:
        session.execute(update(WebhookEndpoint).values(previous_until=time.time() - 1))
    with database.read() as session:
        message = webhooks.message(session, SECRETS, job)
    assert message is not None
    assert verified(new, message)["data"] == {"endpoint": endpoint}
    with pytest.raises(WebhookVerificationError):
        verified(old, message)


def test_secrets_are_encrypted_and_follow_the_secret_of_the_installation(
    database: Database, jobs: Jobs
) -> None:
    account, _ = customer(database, 0)
    endpoint, secret = endpoint_of(database, account)
    with database.transaction() as session:
        stored = session.get_one(WebhookEndpoint, endpoint)
        assert secret.removeprefix("whsec_") not in stored.secret
        webhooks.send_test(session, endpoint, account)
        assert webhooks.renew_secrets(session, (b"new", *SECRETS)) == 1
        assert webhooks.renew_secrets(session, (b"new", *SECRETS)) == 0
    with database.read() as session:
        message = webhooks.message(session, (b"new",), jobs.take())
    assert message is not None
    assert verified(secret, message)


def test_a_low_balance_is_an_event_once_for_each_crossing(database: Database, jobs: Jobs) -> None:
    account, key = customer(database, 100)
    endpoint_of(database, account, events=[EventType.BALANCE_LOW])
    with database.transaction() as session:
        webhooks.set_low_balance(session, account, 50)
        with pytest.raises(InvalidParameter):
            webhooks.set_low_balance(session, account, -1)
    submit(database, order(account, key, 50))
    assert jobs.made == []  # 50 is not below 50
    submit(database, order(account, key, 1))
    with database.read() as session:
        message = webhooks.message(session, SECRETS, jobs.take())
    assert message is not None
    assert json.loads(message.body)["data"] == {
        "account": account, "available": 0.000049, "threshold": 0.00005,
    }  # fmt: skip
    submit(database, order(account, key, 1))
    assert jobs.made == []
    with database.transaction() as session:
        ledger.credit(session, account, 10)
    submit(database, order(account, key, 9))
    assert len(jobs.made) == 1


def test_endpoints_are_checked_and_belong_to_an_account(database: Database, jobs: Jobs) -> None:
    account, _ = customer(database, 0)
    other, _ = customer(database, 0)
    for url in ("", "ftp://example.com", "https://user:pw@example.com/", "https://example.com:22/"):
        with pytest.raises(InvalidParameter):
            endpoint_of(database, account, url)
    for events in ([], ["task.started"], ["webhook.test"]):
        with pytest.raises(InvalidParameter):
            endpoint_of(database, account, events=events)
    endpoint, _ = endpoint_of(database, account)
    with database.transaction() as session:
        made = webhooks.send_test(session, endpoint, account)
        for work in (
            lambda: webhooks.get(session, endpoint, other),
            lambda: webhooks.change(session, endpoint, other, url=URL, actor=OPERATOR),
            lambda: webhooks.delete(session, endpoint, other, actor=OPERATOR),
            lambda: webhooks.replay(session, made.id, other),
            lambda: webhooks.send_test(session, endpoint, other),
            lambda: webhooks.get(session, "hook_\0", account),
            lambda: webhooks.delete(session, "hook_\0", account, actor=OPERATOR),
            lambda: webhooks.replay(session, "dlv_\0", account),
        ):
            with pytest.raises(NotFound):
                work()
        assert webhooks.deliveries(session, other) == ([], None)
        assert webhooks.deliveries(session, account, endpoint_id="hook_\0") == ([], None)
    with database.transaction() as session:
        webhooks.delete(session, endpoint, account, actor=OPERATOR)
    assert end_with(database, jobs.take(), Outcome(1.0, 204)) is None
    for _ in range(webhooks.MOST_ENDPOINTS):
        endpoint_of(database, account)
    with pytest.raises(StateConflict, match="which is the most"):
        endpoint_of(database, account)


def test_an_export_has_no_secret_and_an_erasure_leaves_nothing(
    database: Database, jobs: Jobs
) -> None:
    account, _ = customer(database, 0)
    endpoint, _ = endpoint_of(database, account)
    with database.transaction() as session:
        webhooks.send_test(session, endpoint, account)
        table = Base.metadata.tables["webhook_endpoints"]
        (row,), _ = account_data.rows(session, table, account)
        assert row["url"] == URL
        assert not {"secret", "previous_secret", "secret_id"} & set(row)
    with database.transaction() as session:
        running = account_data.close(session, account)
        account_data.erase(session, account, running)
        for each in (WebhookEndpoint, WebhookEvent, WebhookDelivery):
            assert session.scalar(select(func.count()).select_from(each)) == 0


def test_old_deliveries_are_deleted_with_their_events(database: Database, jobs: Jobs) -> None:
    account, _ = customer(database, 0)
    endpoint, _ = endpoint_of(database, account)
    with database.transaction() as session:
        webhooks.send_test(session, endpoint, account)
    end_with(database, jobs.take(), Outcome(1.0, 204))
    later = time.time() + 60
    with database.transaction() as session:
        webhooks.delete_old(session, later)  # its jobs still have records
        assert session.scalar(select(func.count()).select_from(WebhookEvent)) == 1
        session.execute(update(WebhookDelivery).values(ended_at=0.0))
        ((found, number),) = webhooks.uncleared(session)
        assert number == 1
        webhooks.mark_cleared(session, found)
        assert webhooks.uncleared(session) == []
        webhooks.delete_old(session, later)
        assert session.scalar(select(func.count()).select_from(WebhookEvent)) == 0


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def delivering(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Queue]:
    """A worker that delivers webhooks, and a queue for it."""
    monkeypatch.setattr(webhooks, "FIRST_DELAY", 0.1)
    settings = Settings(
        data_dir=tmp_path, secret_key=SECRETS[0].decode() * 2, webhook_allow=("127.0.0.1",)
    )
    monkeypatch.setattr("tests.integration.test_webhooks.SECRETS", settings.secrets)
    stopping = threading.Event()
    deliverer = Deliverer(settings, database, stopping)
    queue.workflow(queue.WEBHOOKS, lambda job: deliverer.run(job))
    client = Queue(database)
    queue.launch(database, "worker", [], tasks=1, tasks_per_account=1, poll=0.1)
    yield client
    stopping.set()
    client.close()
    queue.stop(1)


def wait_for(database: Database, account: str, status: str, count: int) -> None:
    end = time.monotonic() + 20
    while True:
        with database.read() as session:
            found, _ = webhooks.deliveries(session, account, status=status)
        if len(found) >= count:
            return
        assert time.monotonic() < end
        time.sleep(0.05)


def test_jobs_deliver_and_a_slow_endpoint_delays_no_other(
    database: Database, delivering: Queue, receiver: Receiver
) -> None:
    release = threading.Event()

    def respond(request: Any) -> None:
        if request.path == "/slow":
            release.wait(30)
        fails = request.path == "/fails" and len(receiver.requests) < 4
        request.send_response(500 if fails else 200)
        request.end_headers()

    receiver.respond = respond
    slow, slow_key = customer(database, 100)
    quick, quick_key = customer(database, 100)
    endpoint_of(database, slow, receiver.url("/slow"))
    _, secret = endpoint_of(database, quick, receiver.url("/hook"))
    for _ in range(6):
        finish(database, submit(database, order(slow, slow_key, 1)))
    receiver.wait(queue._WEBHOOKS_PER_ACCOUNT, "/slow")
    started = time.monotonic()
    task = submit(database, order(quick, quick_key, 1))
    finish(database, task)
    (got,) = receiver.wait(1)
    assert time.monotonic() - started < 20, "it waited for the slow receiver"
    payload = Webhook(secret).verify(got.body, got.headers)
    assert payload["data"]["id"] == task
    wait_for(database, quick, "delivered", 1)
    slow_ones = [each for each in receiver.requests if each.path == "/slow"]
    assert len(slow_ones) == queue._WEBHOOKS_PER_ACCOUNT
    release.set()
    wait_for(database, slow, "delivered", 6)

    # An attempt that fails is repeated with the same id.
    failing, failing_key = customer(database, 100)
    receiver.requests.clear()
    endpoint_of(database, failing, receiver.url("/fails"))
    finish(database, submit(database, order(failing, failing_key, 1)))
    wait_for(database, failing, "delivered", 1)
    ids = {each.headers["webhook-id"] for each in receiver.requests}
    assert (len(receiver.requests), len(ids)) == (4, 1)

    # A delivery without a job gets one from the sweep.
    del database.session_info[webhooks.ENQUEUE]
    finish(database, submit(database, order(quick, quick_key, 1)))
    with database.transaction() as session:
        session.execute(
            update(WebhookDelivery)
            .where(WebhookDelivery.status == "pending")
            .values(next_at=time.time() - 100)
        )
    database.session_info[webhooks.ENQUEUE] = delivering.enqueue_webhook
    sweep._restart_deliveries(database)
    wait_for(database, quick, "delivered", 2)


@pytest.mark.parametrize(
    ("given", "least", "most"),
    [
        ("600", 600, 720),
        ("date", 590, 720),
        ("999999999", webhooks.LONGEST_DELAY, 1.2 * webhooks.LONGEST_DELAY),
        ("0", 4, 6),
        ("-5", 4, 6),
        ("9" * 5000, 4, 6),
        ("Mon, 99 Nov 99999 99:99:99 GMT", 4, 6),
        ("soon", 4, 6),
    ],
    ids=lambda value: str(value)[:12],
)
def test_the_wait_that_an_endpoint_asks_for(
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    receiver: Receiver,
    jobs: Jobs,
    given: str,
    least: float,
    most: float,
) -> None:
    """The usual wait of the first failure is 4 to 6 s."""

    def respond(request: Any) -> None:
        text = formatdate(time.time() + 600, usegmt=True) if given == "date" else given
        request.send_response(503)
        request.send_header("Retry-After", text)
        request.send_header("Content-Length", "0")
        request.end_headers()

    receiver.respond = respond
    settings = Settings(
        data_dir=tmp_path, secret_key=SECRETS[0].decode() * 2, webhook_allow=("127.0.0.1",)
    )
    monkeypatch.setattr("tests.integration.test_webhooks.SECRETS", settings.secrets)
    account, _ = customer(database, 0)
    endpoint, _ = endpoint_of(database, account, receiver.url())
    with database.transaction() as session:
        webhooks.send_test(session, endpoint, account)
    Deliverer(settings, database, threading.Event()).run(jobs.take())
    ((_, delay),) = jobs.made
    assert least <= delay <= most
    with database.read() as session:
        ((delivery, _),), _ = webhooks.deliveries(session, account)
    assert (delivery.status, delivery.status_code) == (DeliveryStatus.PENDING, 503)
