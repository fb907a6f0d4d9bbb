"""Flows of the pages that convert a recording, verify a file, report abuse and manage webhooks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from soundclone.audio import decode, encode
from soundclone_client import Client
from tests.browser.conftest import RECORDINGS, Open, Visit
from tests.browser.waiting import drawn, ended, type_number
from tests.service import Service

pytestmark = pytest.mark.slow


def test_a_performance_in_another_voice(studio: Visit, voice: str, tmp_path: Path) -> None:
    short = tmp_path / "short.wav"
    decoded = decode.decode(RECORDINGS / "woman.opus")
    with encode.Encoder(short, "wav", sample_rate_in=decoded.sample_rate) as encoder:
        encoder.write(decoded.samples[: 4 * decoded.sample_rate])
    page = studio.page
    studio.go(f"/studio/convert?voice={voice}")
    page.get_by_role("button", name="Convert").click()
    expect(page.locator(".errors[data-for=fileUrl]")).to_contain_text("There is no recording yet")
    page.locator("#performance").set_input_files(short)
    expect(page.locator(".player-name")).to_have_text("short.wav")
    type_number(page.locator("#most"), "30")
    page.get_by_role("button", name="Convert").click()
    ended(page)
    drawn(page)


def test_anybody_verifies_a_file(
    visit: Open, service: Service, key: str, voice: str, tmp_path: Path
) -> None:
    with Client(service.url, key) as client:
        made = client.download(client.speak(voice, "Good morning."), tmp_path / "made.mp3")
    window = visit()
    page = window.page
    window.go("/studio/verify")
    for file, synthetic in ((made, "true"), (RECORDINGS / "man.opus", "false")):
        page.get_by_label("A file of at most").set_input_files(file)
        page.get_by_role("button", name="Verify").click()
        expect(page.locator("#verdict section")).to_have_attribute("data-synthetic", synthetic)
        assert not window.judge()
    assert voice not in page.content()


def test_anybody_reports_abuse(visit: Open, studio: Visit) -> None:
    window = visit()
    page = window.page
    window.go("/studio/report?about=model_1234")
    expect(page.get_by_label("Link, file or voice")).to_have_value("model_1234")
    page.get_by_label("What happened").select_option("my_voice")
    page.get_by_label("Details").fill("It is my voice, and nobody asked me.")
    page.get_by_label("How to reach you").fill("ana@example.com")
    page.get_by_role("button", name="Send the report").click()
    sent = page.get_by_role("status")
    expect(sent).to_contain_text("The operator has received your report")
    assert not window.judge()
    number = re.findall(r"\w+_\w+", sent.inner_text())[0]
    studio.go("/studio/operator")
    expect(studio.page.locator("main")).to_contain_text(number)


def test_webhooks(studio: Visit) -> None:
    page = studio.page
    studio.go("/studio/webhooks")
    address = "https://hooks.example.com/soundclone"
    page.get_by_label("URL").fill(address)
    page.get_by_label("balance low").uncheck()
    page.get_by_role("button", name="Add endpoint").click()
    secret = page.locator("[data-secret]")
    expect(secret).to_contain_text("whsec_")
    row = page.get_by_role("row").filter(has_text=address)
    expect(row).to_contain_text("Enabled")
    expect(row).not_to_contain_text("balance.low")
    before = secret.inner_text()
    page.once("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name="Rotate secret").click()
    expect(secret).not_to_have_text(before)
    row.get_by_role("button", name="Disable").click()
    expect(row).to_contain_text("Disabled")
    row.get_by_role("button", name="Enable").click()
    expect(row).to_contain_text("Enabled")
    page.once("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)
