"""Bytes over the wire of each page, with an empty cache."""

from __future__ import annotations

from typing import Any

import pytest

from soundclone_client import Client
from tests.browser.conftest import PAGES, Visit, only_chromium
from tests.service import Service

pytestmark = pytest.mark.slow

MOST = 300_000  # bytes of a page with its scripts, styles and icons, without sounds


@only_chromium  # Chromium counts the bytes
def test_no_page_is_heavy(
    studio: Visit, service: Service, key: str, voice: str, tasks: list[str]
) -> None:
    with Client(service.url, key) as client:
        project = client.create_project("Weight", model_id=voice).id
        client.add_blocks(project, ["A sentence of an ordinary length, as books have."] * 100)
    session = studio.context.new_cdp_session(studio.page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    kinds: dict[str, str] = {}
    weights: dict[str, int] = {}
    path = ""

    def responded(event: dict[str, Any]) -> None:
        kinds[event["requestId"]] = event["response"]["mimeType"]

    def finished(event: dict[str, Any]) -> None:
        if not kinds.get(event["requestId"], "").startswith("audio/"):
            weights[path] = weights.get(path, 0) + int(event["encodedDataLength"])

    session.on("Network.responseReceived", responded)
    session.on("Network.loadingFinished", finished)
    for path in ("sign-in", *PAGES, *tasks, f"projects/{project}"):
        studio.go(f"/studio/{path}")
    assert min(weights.values()) > 10_000  # something was measured
    assert {page: size for page, size in weights.items() if size > MOST} == {}
