"""Webhooks of a running service: a message survives kill -9 and arrives with the same id."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from soundclone_client import Client
from tests.service import Service
from tests.webhook_receiver import receiving

pytestmark = pytest.mark.slow


def test_a_message_survives_a_killed_service(tmp_path: Path) -> None:
    release = threading.Event()

    def respond(request: Any) -> None:
        release.wait(60)  # the attempt is under way when the service dies
        request.send_response(204)
        request.end_headers()

    allowed = {"SOUNDCLONE_WEBHOOK_ALLOW": "127.0.0.1", "SOUNDCLONE_SWEEP_INTERVAL": "2"}
    with receiving() as receiver, Service(tmp_path, environment=allowed) as service:
        receiver.respond = respond
        _, key = service.new_key()
        made = service.command("webhooks", "create", receiver.url(), "--url", service.url,
                               "--key", key, "--json")  # fmt: skip
        with Client(service.url, key) as client:
            # Port 9 is not allowed, so the task fails at once.
            task = client.clone("http://127.0.0.1:9/nothing.mp3", wait=False)
        (first,) = receiver.wait(1, timeout=120)
        service.kill()
        release.set()
        service.start()
        again = receiver.wait(2, timeout=120)[-1]
        assert again.headers["webhook-id"] == first.headers["webhook-id"]
        payload = Webhook(made["secret"]).verify(again.body, again.headers)
        assert (payload["type"], payload["data"]["id"]) == ("task.failed", task.id)
        assert payload["data"]["errorCode"] == "source_address_refused"
        options = ("--url", service.url, "--key", key, "--json")
        (delivery,) = service.command("webhooks", "deliveries", *options)
        service.command("webhooks", "replay", delivery["id"], *options)
        replayed = receiver.wait(3, timeout=120)[-1]
        assert replayed.headers["webhook-id"] == first.headers["webhook-id"]
        assert "whsec_" not in service.log.read_text()
