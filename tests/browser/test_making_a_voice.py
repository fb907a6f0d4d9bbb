"""The page that makes a voice: errors that stay, the preview's language, and trying again."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Visit


def test_an_error_outlives_the_next_price(studio: Visit) -> None:
    page = studio.page
    studio.go("/studio/clone")
    missing = page.locator(".errors[data-for=fileUrl]")
    with page.expect_response("**/studio/estimates/clone"):
        # The price is asked for half a second after the last change.
        page.get_by_label("It is my own voice").check()
        page.get_by_role("button", name="Make the voice").click()
        expect(missing).to_contain_text("There is no recording yet")
    expect(page.locator(".estimate")).to_contain_text("credits for")
    expect(missing).to_contain_text("There is no recording yet")
    # It goes once it is being put right.
    page.get_by_text("Web address", exact=True).click()
    expect(missing).to_be_empty()


def test_the_price_has_errors_of_its_own(studio: Visit) -> None:
    studio.expected = ("422",)
    page = studio.page
    studio.go("/studio/clone")
    of_text = page.locator(".errors[data-for=contentText]")
    page.get_by_label("What the preview says").fill("a <#0#> b")
    expect(of_text).to_contain_text("from 0.01 to 99.99")
    page.get_by_label("It is my own voice").check()
    page.get_by_role("button", name="Make the voice").click()
    expect(page.locator(".errors[data-for=fileUrl]")).to_contain_text("There is no recording yet")
    with page.expect_response("**/studio/estimates/clone"):
        page.get_by_label("What the preview says").fill("a <#1#> b")
    expect(of_text).to_be_empty()
    expect(page.locator(".errors[data-for=fileUrl]")).to_contain_text("There is no recording yet")
