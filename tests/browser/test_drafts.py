"""Drafts of scripts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open, Visit

pytestmark = pytest.mark.slow

TEXT = "A script that nobody wants to write twice. <#1#> Not even once."


def test_a_draft_survives_other_pages_and_a_reload(studio: Visit, voice: str) -> None:
    page = studio.page
    studio.go("/studio/speak")
    page.locator("#text").fill(TEXT)
    page.get_by_label("Emotion").select_option("sad")
    page.get_by_label("Pitch").fill("2")
    studio.go("/studio/voices")
    studio.go("/studio/speak")
    expect(page.locator("#text")).to_have_value(TEXT)
    expect(page.get_by_label("Emotion")).to_have_value("sad")
    expect(page.locator("output[for=pitch]")).to_have_text("+2 semitones")
    expect(page.locator(".counter")).to_contain_text(f"{len(TEXT) - 5} of 10,000")
    expect(page.locator(".estimate")).to_contain_text(f"{len(TEXT) - 5} characters")
    page.reload()
    expect(page.locator("#text")).to_have_value(TEXT)
    # The voice in the address replaces the voice of the draft.
    studio.go(f"/studio/speak?voice={voice}")
    expect(page.locator("#text")).to_have_value(TEXT)
    expect(page.locator("#voice")).to_have_value(voice)


def test_a_draft_ends_when_it_is_sent(studio: Visit, voice: str) -> None:
    page = studio.page
    studio.go(f"/studio/speak?voice={voice}")
    page.locator("#text").fill("A short one.")
    page.get_by_role("button", name="Generate speech").click()
    page.wait_for_url(re.compile("/studio/tasks/"))
    studio.go("/studio/speak")
    expect(page.locator("#text")).to_have_value("")


def test_drafts_belong_to_an_account_and_end_with_the_session(
    visit: Open, key: str, voice: str, guest: tuple[str, str]
) -> None:
    window = visit()
    window.sign_in(key)
    page = window.page
    window.go("/studio/speak")
    page.locator("#text").fill(TEXT)
    # Another session in the same browser, without signing out.
    window.sign_in(guest[0])
    window.go("/studio/speak")
    expect(page.locator("#text")).to_have_value("")
    page.get_by_role("button", name="Sign out", exact=True).click()
    window.sign_in(key)
    window.go("/studio/speak")
    expect(page.locator("#text")).to_have_value("")
