"""The whole way from a script to its files: by keyboard alone, and by touch on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from soundclone_client import Client
from tests.browser.conftest import Visit
from tests.service import Service

pytestmark = pytest.mark.slow


@pytest.fixture
def client(service: Service, key: str) -> Iterator[Client]:
    with Client(service.url, key) as made:
        yield made


def loaded(window: Visit) -> None:
    expect(window.page.locator("#script")).to_have_attribute("aria-busy", "false")


def saved(window: Visit) -> None:
    expect(window.page.locator("#saved")).to_have_text("Saved")


def test_an_inserted_pause_is_saved(studio: Visit, client: Client) -> None:
    project = client.create_project("Pauses").id
    client.add_blocks(project, ["Good morning."])
    page = studio.page
    studio.go(f"/studio/projects/{project}")
    loaded(studio)
    page.get_by_role("textbox").click()
    page.get_by_role("button", name="Add pause").press("Enter")
    page.keyboard.type("0.7")
    page.keyboard.press("Enter")
    saved(studio)
    assert [block.seconds for block in client.blocks(project)] == [None, 0.7]
    client.delete_project(project)
