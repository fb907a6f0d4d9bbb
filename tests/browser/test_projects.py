"""The pages of projects and of pronunciations in a browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Keep, Visit

pytestmark = pytest.mark.slow

BOOK = """# The Ferry

## Morning

The ferry leaves at nine. Bring a coat!

## Evening

Good night.
"""
DROP = """(zone, [name, text]) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([text], name));
  for (const type of ["dragover", "drop"])
    zone.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
}"""


def test_a_project_from_a_dropped_book(studio: Visit, voice: str, keep: Keep) -> None:
    studio.expected = ("404",)
    page = studio.page
    studio.go("/studio")
    studio.follow("Projects")
    expect(page.get_by_role("heading", name="New project")).to_be_visible()
    page.locator(".drop").evaluate(DROP, ["ferry.md", BOOK])
    page.get_by_label("Blocks").select_option("paragraph")
    page.get_by_role("button", name="Create the project").click()
    page.wait_for_url(re.compile("/studio/projects/proj_"))
    studio.go("/studio/projects")
    card = page.locator("li.card", has_text="The Ferry")
    expect(card).to_contain_text("7 blocks, 64 characters")
    keep(studio, "projects")
    page.once("dialog", lambda dialog: dialog.accept())
    card.get_by_role("button", name="Delete The Ferry").click()
    expect(card).to_have_count(0)


def test_a_project_with_the_keyboard_alone(studio: Visit) -> None:
    studio.expected = ("404",)
    page = studio.page
    studio.go("/studio/projects")
    page.get_by_label("Name of the project").focus()
    page.keyboard.type("By hand")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/studio/projects/proj_"))
    studio.go("/studio/projects")
    page.get_by_role("button", name="Rename By hand").focus()
    page.keyboard.press("Enter")
    expect(page.locator("li.card input[name=name]").first).to_be_focused()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("Written by hand")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Written by hand")).to_be_visible()


def test_documents_that_cannot_be_imported(studio: Visit, tmp_path: Path) -> None:
    studio.expected = ("422",)
    page = studio.page
    studio.go("/studio/projects")
    page.locator(".drop").evaluate(DROP, ["book.epub", "PK\u0003\u0004 nothing"])
    page.get_by_role("button", name="Create the project").click()
    errors = page.locator(".errors[data-for=file]")
    expect(errors).to_contain_text("damaged zip archive")
    expect(page.get_by_role("button", name="Create the project")).to_be_enabled()
    large = tmp_path / "large.epub"
    with large.open("wb") as file:
        file.truncate(200 * 2**20 + 1)
    page.locator("#project-file").set_input_files(large)
    expect(errors).to_contain_text("at most 200 MiB")
    expect(page.get_by_label("Blocks")).to_be_hidden()


def test_a_pronunciation_is_heard_changed_and_deleted(
    studio: Visit, voice: str, keep: Keep
) -> None:
    studio.expected = ("422",)
    page = studio.page
    studio.go("/studio/account")
    studio.follow("Open the dictionary")
    page.get_by_label("Written").fill("Nguyen")
    page.get_by_label("Spoken").fill("nwin, as in win")
    keep(studio, "pronunciations-new")
    page.evaluate(
        """() => {
          const { play } = HTMLMediaElement.prototype;
          HTMLMediaElement.prototype.play = function () {
            window.heard = this;
            return play.call(this);
          };
        }"""
    )
    listen = page.get_by_role("button", name=re.compile(r"Listen · [\d.]+ credits"))
    before = listen.inner_text()
    page.get_by_label("Spoken").press_sequentially("!!")
    expect(listen).not_to_have_text(before)
    price = re.findall(r"[\d.]+", listen.inner_text())[0]
    with page.expect_response("**/pronunciations/speech") as answered:
        listen.click()
    assert answered.value.status == 200
    page.wait_for_function("() => window.heard?.duration > 0.2")
    studio.go("/studio/history")
    expect(page.locator("tbody tr").first).to_contain_text("Nguyen")
    expect(page.locator("tbody tr").first.locator("td").last).to_have_text(price)
    studio.go("/studio/pronunciations")
    page.get_by_label("Written").fill("Nguyen")
    page.get_by_label("Spoken").fill("nwin")
    page.get_by_role("button", name="Add").click()
    card = page.locator("li.card", has_text="Nguyen")
    expect(card).to_contain_text("nwin")
    keep(studio, "pronunciations")
    with page.expect_response("**/pronunciations/speech") as answered:
        card.get_by_role("button", name="Listen").click()
    assert answered.value.status == 200
    expect(card.get_by_role("button", name="Listen")).to_be_enabled()
    card.get_by_role("button", name="Edit Nguyen").click()
    card.get_by_label("Spoken").fill("win")
    card.get_by_role("button", name="Save").click()
    expect(card).to_contain_text("→ win")
    card.get_by_role("button", name="Edit Nguyen").click()
    card.get_by_label("Spoken").fill("")
    card.get_by_label("or in IPA").fill("ŋw@n")
    card.get_by_role("button", name="Save").click()
    expect(card).to_contain_text("'@' (U+0040) is no symbol of the alphabet; write ə")
    card.get_by_label("or in IPA").fill("ŋwiən")
    card.get_by_role("button", name="Save").click()
    expect(card).to_contain_text("→ /ŋwiən/")
    with page.expect_response("**/pronunciations/speech") as answered:
        card.get_by_role("button", name="Listen").click()
    assert answered.value.status == 200
    expect(page.locator(".htmx-added")).to_have_count(0)  # before, its buttons do nothing
    page.once("dialog", lambda dialog: dialog.accept())
    card.get_by_role("button", name="Delete Nguyen").click()
    expect(card).to_have_count(0)
