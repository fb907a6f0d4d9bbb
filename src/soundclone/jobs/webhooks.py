"""Delivery of webhooks: a job makes one attempt to deliver one message to one endpoint."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from ..config import Settings
from ..core import webhooks
from ..core.webhooks import DeliveryStatus, Message, Outcome
from ..db.session import Database
from ..encryption import EncryptionError
from ..errors import SourceError
from ..fetch.post import post
from ..telemetry import WEBHOOK_ATTEMPTS, log
from .runner import Interrupted

_log = log(__name__)


@dataclass(frozen=True)
class Deliverer:
    """Makes the attempts of one worker."""

    settings: Settings
    database: Database
    stopping: threading.Event

    def run(self, job: str) -> None:
        """Send the message of a job, and record the outcome.

        A job that is repeated after a crash sends the message again, with the same webhook-id.
        """
        started = time.monotonic()
        try:
            with self.database.read() as session:
                message = webhooks.message(session, self.settings.secrets, job)
            if message is None:
                return
            outcome = self._send(message)
        except EncryptionError as error:
            _log.error("webhook not signed", job=job, reason=str(error))
            outcome = Outcome(time.monotonic() - started, error="the secret cannot be read")
        WEBHOOK_ATTEMPTS.labels("delivered" if outcome.delivered else "failed").inc()
        with self.database.transaction() as session:
            status = webhooks.record(session, job, outcome)
        if status == DeliveryStatus.FAILED:
            _log.info("webhook failed", job=job, status=outcome.status)

    def _send(self, message: Message) -> Outcome:
        started = time.monotonic()
        try:
            reply = post(
                message.url,
                message.body,
                message.headers,
                allow=self.settings.webhook_allow,
                timeout=self.settings.webhook_timeout,
                check=self._check,
            )
        except SourceError as error:
            _log.info("webhook not sent", endpoint=message.endpoint_id, reason=error.word)
            return Outcome(time.monotonic() - started, error=error.message)
        return Outcome(reply.seconds, reply.status, retry_after=reply.retry_after)

    def _check(self) -> None:
        if self.stopping.is_set():
            raise Interrupted
