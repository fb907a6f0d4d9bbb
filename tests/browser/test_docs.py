"""The page of the API's operations."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.service import Service

pytestmark = pytest.mark.slow


def test_the_page_works_within_its_policy(browser: Browser, service: Service) -> None:
    refused: list[str] = []
    with browser.new_context() as context:
        page = context.new_page()
        page.on("console", lambda message: refused.append(message.text))
        page.goto(f"{service.url}/docs")
        page.get_by_text("Clone a voice", exact=False).first.wait_for()
        page.locator(".opblock").first.click()
        expect(page.locator(".opblock.is-open").first).to_be_visible()
        page.get_by_role("button", name="Try it out").first.click()
        expect(page.get_by_role("button", name="Execute").first).to_be_visible()
    assert refused == []
