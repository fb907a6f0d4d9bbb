"""The clone page: errors, the language of the preview, and trying again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, expect

from soundclone.api.studio.rendering import passages
from soundclone.audio import decode, encode
from soundclone.text.languages import LANGUAGES
from soundclone.text.script import billable
from tests.browser.conftest import RECORDINGS, Open, Visit, only_chromium
from tests.browser.waiting import ended

pytestmark = pytest.mark.slow


def test_an_error_outlives_the_next_price(studio: Visit) -> None:
    page = studio.page
    studio.go("/studio/clone")
    missing = page.locator(".errors[data-for=fileUrl]")
    with page.expect_response("**/studio/estimates/clone"):
        # The page requests the price half a second after the last change.
        page.get_by_label("It is my own voice").check()
        page.get_by_role("button", name="Make the voice").click()
        expect(missing).to_contain_text("There is no recording yet")
    expect(page.locator(".estimate")).to_contain_text("credits for")
    expect(missing).to_contain_text("There is no recording yet")
    # The error disappears when the field changes.
    page.get_by_text("Web address", exact=True).click()
    expect(missing).to_be_empty()


def test_the_price_has_errors_of_its_own(studio: Visit) -> None:
    studio.expected = ("422",)
    page = studio.page
    studio.go("/studio/clone")
    of_text = page.locator(".errors[data-for=contentText]")
    page.get_by_label("Text of the preview").fill("a <#0#> b")
    expect(of_text).to_contain_text("from 0.01 to 99.99")
    page.get_by_label("It is my own voice").check()
    page.get_by_role("button", name="Make the voice").click()
    expect(page.locator(".errors[data-for=fileUrl]")).to_contain_text("There is no recording yet")
    with page.expect_response("**/studio/estimates/clone"):
        page.get_by_label("Text of the preview").fill("a <#1#> b")
    expect(of_text).to_be_empty()
    expect(page.locator(".errors[data-for=fileUrl]")).to_contain_text("There is no recording yet")


def test_the_preview_speaks_the_language_of_the_page(visit: Open, key: str) -> None:
    for locale, language in (("en-GB", "English"), ("zh-CN", "Chinese")):
        studio = visit(locale=locale)
        studio.go("/studio/sign-in")
        studio.page.locator("#key").fill(key)
        studio.page.locator("button.wide").click()
        studio.go("/studio/clone")
        page = studio.page
        line = LANGUAGES[language].preview
        expect(page.locator("#language")).to_have_value(language)
        expect(page.locator("#text")).to_have_value(line)
        expect(page.locator(".estimate")).to_contain_text(str(billable(line)))
        expect(page.locator(".passage")).to_have_text(passages()[language])


def test_the_line_follows_the_language_until_a_text_is_written(studio: Visit) -> None:
    page = studio.page
    studio.go("/studio/clone")
    text, language = page.locator("#text"), page.locator("#language")
    page.get_by_label("Language of the passage").select_option("German")
    expect(page.locator(".passage")).to_contain_text("Heute Morgen")
    expect(text).to_have_value(LANGUAGES["German"].preview)
    language.select_option("French")
    expect(text).to_have_value(LANGUAGES["French"].preview)
    expect(page.locator(".estimate")).to_contain_text(str(billable(LANGUAGES["French"].preview)))
    studio.go("/studio/clone")
    text.fill("Guten Tag, hier spricht eine neue Stimme.")
    expect(language).to_have_value("auto")
    language.select_option("German")
    expect(text).to_have_value("Guten Tag, hier spricht eine neue Stimme.")
    text.fill("")
    text.blur()
    expect(text).to_have_value(LANGUAGES["German"].preview)


def test_trying_again_keeps_the_form(studio: Visit, tmp_path: Path) -> None:
    short = tmp_path / "short.wav"
    decoded = decode.decode(RECORDINGS / "woman.opus")
    first = decoded.samples.reshape(len(decoded.samples), -1)[: 7 * decoded.sample_rate, 0]
    with encode.Encoder(short, "wav", sample_rate_in=decoded.sample_rate) as encoder:
        encoder.write(first)
    page = studio.page
    studio.go("/studio/clone")
    page.get_by_text("File", exact=True).click()
    page.locator(".drop input[type=file]").set_input_files(short)
    expect(page.locator(".count")).to_contain_text("too short: more than 15 s is needed")
    page.get_by_label("Voice name").fill("By the sea")
    page.get_by_label("Text of the preview").fill("A text of my own.")
    page.get_by_label("The speaker has agreed").check()
    page.get_by_label("Speaker’s name").fill("Ana Kos")
    asked: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.once("dialog", dismiss)
    page.get_by_role("button", name="Make the voice").click()
    expect(page.get_by_role("button", name="Make the voice")).to_be_enabled()
    assert "more than 15 s is needed" in asked[0]
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Make the voice").click()
    ended(page, "failed")
    page.get_by_role("link", name="Try again").click()
    expect(page.locator(".count")).to_contain_text("too short: more than 15 s is needed")
    expect(page.get_by_text("Recording from your last attempt")).to_be_visible()
    expect(page.get_by_label("Voice name")).to_have_value("By the sea")
    expect(page.get_by_label("Text of the preview")).to_have_value("A text of my own.")
    expect(page.get_by_label("The speaker has agreed")).to_be_checked()
    expect(page.get_by_label("Speaker’s name")).to_have_value("Ana Kos")
    # The earlier recording can be sent again, or replaced by another one.
    page.once("dialog", lambda dialog: dialog.accept())
    failed = page.url
    page.get_by_role("button", name="Make the voice").click()
    page.wait_for_url(re.compile("/studio/tasks/"))
    ended(page, "failed")
    page.goto(failed)
    page.locator(".drop input[type=file]").set_input_files(RECORDINGS / "woman.opus")
    expect(page.locator(".count")).to_contain_text("enough")


def test_a_web_address_is_kept_for_another_try(studio: Visit) -> None:
    page = studio.page
    studio.go("/studio/clone")
    page.get_by_text("Web address", exact=True).click()
    page.get_by_label("Address of the recording").fill("http://10.0.0.1/a.mp3")
    page.get_by_label("It is my own voice").check()
    page.get_by_role("button", name="Make the voice").click()
    ended(page, "failed")
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_label("Address of the recording")).to_have_value("http://10.0.0.1/a.mp3")
    expect(page.get_by_label("It is my own voice")).to_be_checked()


@only_chromium  # Firefox does not give bodies of requests to Playwright
def test_a_recording_of_consent_goes_with_the_voice(studio: Visit) -> None:
    page = studio.page
    studio.go("/studio/clone")
    page.get_by_text("Web address", exact=True).click()
    page.get_by_label("Address of the recording").fill("https://media.example.com/anna.mp3")
    page.get_by_label("It is my own voice").check()
    with page.expect_response("**/studio/files/upload"):
        page.get_by_label("Consent recording").set_input_files(RECORDINGS / "man.opus")
    expect(page.locator("input[name=consentRecording]")).to_have_value(
        re.compile("/files/uploads/")
    )
    with page.expect_request("**/studio/clones") as sent:
        page.get_by_role("button", name="Make the voice").click()
    assert "consentRecording=http" in (sent.value.post_data or "")
