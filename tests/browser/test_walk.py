"""The whole way from a script to its files: by keyboard alone, and by touch on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from soundclone_client import Client
from tests.browser.conftest import PHONE, Keep, Open, Visit, only_chromium
from tests.service import Service

pytestmark = [pytest.mark.slow, only_chromium]  # not tried in Firefox yet


BOOK = """# {title}

## {chapter}

{first} {second}
"""
ENGLISH = {
    "title": "The Ferry",
    "chapter": "Morning",
    "first": "The ferry leaves at nine.",
    "second": "Bring a coat!",
}
CHINESE = {"title": "渡轮", "chapter": "早晨", "first": "渡轮九点开。", "second": "请带上外套。"}
# Returns the faults of the element that has the focus: a user must see it.
FOCUS = """() => {
  const focused = document.activeElement;
  const { left, right, top, bottom } = focused.getBoundingClientRect();
  const at = document.elementFromPoint((left + right) / 2, (Math.max(top, 0) + bottom) / 2);
  const wrong = [];
  if (focused === document.body) wrong.push("the focus is lost");
  if (!focused.matches(":focus-visible")) wrong.push("the focus is not shown");
  if (!at || !(focused.contains(at) || at.closest("label")?.control === focused))
    wrong.push(`covered by ${at?.outerHTML.slice(0, 80)}`);
  return wrong.map((each) => `${focused.outerHTML.slice(0, 80)}: ${each}`);
}"""


@pytest.fixture
def client(service: Service, key: str) -> Iterator[Client]:
    with Client(service.url, key) as made:
        yield made


def loaded(window: Visit) -> None:
    expect(window.page.locator("#script")).to_have_attribute("aria-busy", "false")


def saved(window: Visit) -> None:
    expect(window.page.locator("#saved")).to_have_text("Saved")


def reach(window: Visit, target: Locator, key: str = "Tab") -> None:
    """Press a key until the focus is on an element, and check that the user sees it."""
    for _ in range(60):
        if target.count() and target.evaluate("each => each === document.activeElement"):
            break
        window.page.keyboard.press(key)
    seen(window, target)


def seen(window: Visit, target: Locator) -> None:
    expect(target).to_be_focused()
    assert not window.page.evaluate(FOCUS)


def touch(window: Visit, target: Locator) -> None:
    """Tap an element, which must be large enough, on a page that is no wider than the screen."""
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    assert box
    assert min(box["width"], box["height"]) >= 44, target
    assert window.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    target.tap()


def document(folder: Path, words: dict[str, str]) -> Path:
    file = folder / "book.md"
    file.write_text(BOOK.format_map(words), encoding="utf-8")
    return file


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


def test_from_script_to_file_with_the_keyboard(
    visit: Open, client: Client, key: str, voice: str, tmp_path: Path
) -> None:
    window = visit()
    page, press = window.page, window.page.keyboard.press
    window.expected = ("404",)
    file = document(tmp_path, ENGLISH)
    page.on("filechooser", lambda chooser: chooser.set_files(file))
    window.go("/studio/sign-in")
    seen(window, page.get_by_label("API key"))
    page.keyboard.type(key)
    press("Enter")
    page.wait_for_url(re.compile("/studio/(?!sign-in)"))
    window.loaded()
    reach(window, page.get_by_role("link", name="Projects"))
    press("Enter")
    page.wait_for_url(re.compile("/studio/projects"))
    window.loaded()
    reach(window, page.locator("#project-file"))
    press("Enter")
    expect(page.get_by_label("Blocks")).to_be_visible()
    reach(window, page.get_by_role("button", name="Create the project"))
    press("Enter")
    page.wait_for_url(re.compile("/studio/projects/proj_"))
    loaded(window)
    project = page.url.rsplit("/", 1)[1]

    # Settings of a sentence
    sentence = page.get_by_role("textbox").filter(has_text="The ferry leaves")
    reach(window, page.get_by_role("textbox", name="Chapter"))
    reach(window, sentence, "ArrowDown")
    reach(window, page.get_by_label("Emotion"))
    page.keyboard.type("Hap")
    reach(window, page.get_by_label("Speed (0.5–2)"))
    page.keyboard.type("1.2")
    reach(window, sentence, "Shift+Tab")
    expect(page.locator(".line.chosen .who")).to_have_text(re.compile("Happy · 1.2×"))

    # A pause, which is played too
    reach(window, page.get_by_role("button", name="Add pause"), "Shift+Tab")
    press("Enter")
    page.keyboard.type("0.3")
    press("ArrowUp")
    saved(window)
    blocks = list(client.blocks(project))
    place = next(place for place, block in enumerate(blocks) if block.text == ENGLISH["first"])
    assert (blocks[place].emotion, blocks[place].speed) == ("happy", 1.2)
    assert blocks[place + 1].seconds == 0.3
    press("Control+Enter")
    expect(page.locator(".sounding")).to_contain_text("The ferry leaves")
    expect(page.locator(".sounding")).to_contain_text("Bring a coat!")
    expect(page.locator(".sounding")).to_have_count(0)
    seen(window, sentence)
    expect(sentence).to_have_accessible_description("Recorded")

    # Takes
    state = page.locator("#takes-state")

    def take(action: str) -> Locator:
        return page.get_by_role("button", name=action)

    reach(window, page.locator("#takes-card summary"))
    press("Enter")
    reach(window, take("Record again"))
    press("Enter")
    expect(state).to_have_text("Take 2 is recorded.")
    seen(window, take("Record again"))
    reach(window, take("Play take 2"))
    press("Space")
    expect(page.locator(".sounding")).to_contain_text("The ferry leaves")
    expect(page.locator(".sounding")).to_have_count(0)
    reach(window, take("Choose take 1"))
    press("Enter")
    expect(state).to_have_text("Take 1 is chosen.")
    seen(window, take("Choose take 1"))
    expect(take("Choose take 1")).to_have_attribute("aria-pressed", "true")
    reach(window, take("Delete take 2"), "Shift+Tab")
    page.once("dialog", lambda dialog: dialog.accept())
    press("Enter")
    expect(state).to_have_text("Take 2 is deleted.")
    seen(window, take("Delete take 1"))

    # Other words, and a word with another pronunciation
    reach(window, sentence, "Shift+Tab")
    press("End")
    page.keyboard.type(" Hurry up.")
    saved(window)
    expect(sentence).to_have_accessible_description("Changed since the recording")
    opener = page.get_by_role("button", name="Pronunciations")
    reach(window, opener, "Shift+Tab")
    press("Enter")
    panel = page.get_by_role("dialog", name="Pronunciations")
    form = panel.locator("form").first
    seen(window, form.get_by_label("Written"))
    page.keyboard.type("coat")
    reach(window, form.get_by_label("Spoken"))
    page.keyboard.type("kote")
    press("Enter")
    expect(panel.locator("li.card")).to_contain_text("kote")
    seen(window, form.get_by_label("Written"))
    press("Escape")
    seen(window, opener)
    expect(page.locator(".line[data-state=stale]")).to_have_count(2)
    helper = page.get_by_role("button", name="Help")
    reach(window, helper)
    press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Ctrl+Enter")
    press("Escape")
    seen(window, helper)

    # Files
    delivery = page.locator("#delivery-state")
    reach(window, page.locator("#files-card summary"))
    press("Enter")
    missing = page.get_by_role("button", name="Record what is missing")
    reach(window, missing)
    press("Enter")
    expect(delivery).to_have_text("Everything is recorded")
    seen(window, missing)
    reach(window, page.get_by_label("Loudness"))
    page.keyboard.type("Aud")
    make = page.get_by_role("button", name="Make a file")
    reach(window, make)
    with page.expect_request(re.compile("/renders$")) as ordered:
        press("Enter")
    assert (ordered.value.post_data_json or {})["loudness"] == "audiobook"
    expect(delivery).to_have_text("The file is ready.")
    seen(window, make)
    reach(window, page.get_by_role("link", name="Download the sound"))
    with page.expect_download() as download:
        press("Enter")
    assert download.value.path().stat().st_size > 1000
    client.delete_project(project)


def test_from_script_to_file_on_a_phone_in_chinese(
    visit: Open, client: Client, key: str, voice: str, keep: Keep, tmp_path: Path
) -> None:
    window = visit(viewport=PHONE, has_touch=True, is_mobile=True, locale="zh-CN")
    page = window.page
    window.expected = ("404",)
    window.go("/studio/sign-in")
    page.get_by_label("API 密钥").fill(key)
    touch(window, page.get_by_role("button", name="登录"))
    page.wait_for_url(re.compile("/studio/(?!sign-in)"))
    window.loaded()
    touch(window, page.get_by_role("link", name="项目"))
    page.wait_for_url(re.compile("/studio/projects"))
    window.loaded()
    page.locator("#project-file").set_input_files(document(tmp_path, CHINESE))
    touch(window, page.get_by_role("button", name="创建项目"))
    page.wait_for_url(re.compile("/studio/projects/proj_"))
    loaded(window)
    project = page.url.rsplit("/", 1)[1]
    settings, takes, files = page.locator(".editor-side summary").all()

    sentence = page.get_by_role("textbox").filter(has_text=CHINESE["first"])
    touch(window, sentence)
    touch(window, settings)
    page.locator("#editor-emotion").select_option("happy")
    touch(window, settings)
    touch(window, page.get_by_role("button", name="添加停顿"))
    page.keyboard.type("0.3")
    touch(window, sentence)
    expect(page.locator("#saved")).to_have_text("已保存")
    touch(window, page.get_by_role("button", name="从光标处播放"))
    expect(page.locator(".sounding")).to_contain_text(CHINESE["first"])
    expect(page.locator(".sounding")).to_contain_text(CHINESE["second"])
    expect(page.locator(".sounding")).to_have_count(0)
    keep(window, "phone-chinese-played")

    touch(window, takes)
    touch(window, page.get_by_role("button", name="重新录制").first)
    expect(page.locator("#takes-state")).to_have_text("版本 2 已录制。")
    touch(window, page.get_by_role("button", name="播放版本 1"))
    expect(page.locator(".sounding")).to_have_count(0)
    touch(window, page.get_by_role("button", name="选定版本 1"))
    expect(page.locator("#takes-state")).to_have_text("已选定版本 1。")
    keep(window, "phone-chinese-takes")
    touch(window, takes)

    touch(window, sentence)
    page.keyboard.press("End")
    page.keyboard.type("快点！")
    expect(page.locator(".line[data-state=stale]")).to_have_count(1)
    touch(window, files)
    touch(window, page.get_by_role("button", name="录制缺少的句子"))
    expect(page.locator("#delivery-state")).to_have_text("全部已录制")
    page.locator("#delivery-loudness").select_option("podcast")
    touch(window, page.get_by_role("button", name="生成文件"))
    expect(page.locator("#delivery-state")).to_have_text("文件已就绪。")
    with page.expect_download() as download:
        touch(window, page.locator("#delivery-files a").first)
    assert download.value.path().stat().st_size > 1000
    keep(window, "phone-chinese-files")
    client.delete_project(project)


def test_the_middle_of_the_slider_leaves_the_volume(studio: Visit, voice: str) -> None:
    page = studio.page
    studio.go("/studio/speak")
    slider = page.get_by_role("slider", name="Volume")
    sent = page.locator("[name=vol]")
    shown = page.locator("output[for=level]")

    def middle() -> float:
        return float(
            slider.evaluate("({ min, max, value }) => (value - min) / (max - min)"),
        )

    assert (middle(), sent.input_value()) == (0.5, "1")
    slider.press("ArrowRight")
    assert sent.input_value() == "1.06"
    slider.press("End")
    expect(shown).to_have_text("10×")
    assert sent.input_value() == "10"
    slider.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", "0.1×")
    # The draft has the volume, not the place of the slider.
    studio.go("/studio/speak")
    assert (middle(), sent.input_value()) == (0, "0.1")
    page.evaluate("localStorage.clear()")
