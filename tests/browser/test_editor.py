"""The page that edits, records and plays the script of a project."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Route, expect

from soundclone_client import Client
from tests.browser.conftest import Keep, Open, Visit, only_chromium
from tests.browser.test_layout import MEASURE, SIZES
from tests.service import Service

pytestmark = pytest.mark.slow

WORDS = ("The ferry leaves at nine.", "Please bring a coat.")


@pytest.fixture
def client(service: Service, key: str) -> Iterator[Client]:
    with Client(service.url, key) as made:
        yield made


@pytest.fixture
def project(client: Client, voice: str) -> Iterator[str]:
    """A project with a chapter, two sentences and a pause."""
    made = client.create_project("Ferry", model_id=voice, language="English").id
    client.add_blocks(
        made,
        [
            {"kind": "chapter", "text": "Morning"},
            WORDS[0],
            {"kind": "pause", "seconds": 0.5},
            WORDS[1],
        ],
    )
    yield made
    client.delete_project(made)


@pytest.fixture
def editor(studio: Visit, project: str) -> Visit:
    studio.go(f"/studio/projects/{project}")
    expect(studio.page.locator("#script")).to_have_attribute("aria-busy", "false")
    return studio


def texts(client: Client, project: str) -> list[str | None]:
    return [block.text for block in client.blocks(project)]


def sentence(window: Visit, text: str) -> Locator:
    return window.page.get_by_role("textbox").filter(has_text=text)


def saved(window: Visit) -> None:
    expect(window.page.locator("#saved")).to_have_text("Saved")


def at_end(window: Visit, text: str) -> None:
    sentence(window, text).click()
    window.page.keyboard.press("End")


def test_edits_are_saved_and_undone(editor: Visit, client: Client, project: str) -> None:
    page = editor.page
    at_end(editor, WORDS[0])
    page.keyboard.type(" Do not be late.")
    saved(editor)
    assert f"{WORDS[0]} Do not be late." in texts(client, project)
    for _ in range(len(" Do not be late.")):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    saved(editor)
    assert texts(client, project)[1:3] == [WORDS[0], " Do not be late."]
    page.keyboard.press("Backspace")
    saved(editor)
    assert texts(client, project)[1] == f"{WORDS[0]} Do not be late."
    for _ in range(3):
        page.keyboard.press("Control+z")
    saved(editor)
    assert texts(client, project) == ["Morning", WORDS[0], "", WORDS[1]]
    page.keyboard.press("Control+Shift+z")
    saved(editor)
    assert f"{WORDS[0]} Do not be late." in texts(client, project)


def test_settings_hold_for_a_selection(editor: Visit, client: Client, project: str) -> None:
    page = editor.page
    sentence(editor, WORDS[0]).click()
    sentence(editor, WORDS[1]).click(modifiers=["Shift"])
    expect(page.locator("#selected")).to_have_text("3 sentences selected")
    page.get_by_label("Emotion").select_option("happy")
    saved(editor)
    emotions = [block.emotion for block in client.blocks(project)]
    assert emotions == [None, "happy", None, "happy"]


def test_a_change_elsewhere_is_loaded_and_can_be_undone(
    editor: Visit, client: Client, project: str
) -> None:
    editor.expected = ("412",)
    block = list(client.blocks(project))[1]
    client.update_block(project, block.id, text="The train leaves at ten.")
    at_end(editor, WORDS[0])
    editor.page.keyboard.type("!")
    expect(editor.page.locator("#notice")).to_contain_text("changed elsewhere")
    saved(editor)
    assert texts(client, project)[1] == "The train leaves at ten."
    editor.page.keyboard.press("Control+z")
    saved(editor)
    assert texts(client, project)[1] == f"{WORDS[0]}!"


@only_chromium  # Firefox does not give bodies of requests to Playwright
def test_a_lost_answer_makes_no_second_block(editor: Visit, client: Client, project: str) -> None:
    editor.expected = ("ERR_", "Failed to load")
    lost: list[int] = []

    def lose(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    editor.page.route(re.compile(r"/blocks$"), lose)
    at_end(editor, WORDS[1])
    editor.page.keyboard.press("Enter")
    editor.page.keyboard.type("Good bye.")
    saved(editor)
    assert lost == [200]
    assert texts(client, project) == ["Morning", WORDS[0], "", WORDS[1], "Good bye."]


def test_edits_without_a_session_are_kept(
    editor: Visit, client: Client, project: str, key: str
) -> None:
    editor.expected = ("401",)
    editor.context.clear_cookies()
    at_end(editor, WORDS[1])
    editor.page.keyboard.press("Enter")
    editor.page.keyboard.type("Good bye.")
    expect(editor.page.locator("#saved")).to_contain_text("kept in this browser")
    expect(editor.page.get_by_role("link", name="Sign in again")).to_be_visible()
    editor.page.on("dialog", lambda dialog: dialog.accept())
    editor.sign_in(key)
    editor.go(f"/studio/projects/{project}")
    expect(editor.page.locator("#notice")).to_contain_text("restored")
    saved(editor)
    assert texts(client, project)[-1] == "Good bye."


def test_the_script_is_recorded_and_played(editor: Visit, client: Client, project: str) -> None:
    page = editor.page
    expect(page.locator("#price")).to_contain_text("Sentences to record: 3")
    sentence(editor, WORDS[0]).click()
    page.get_by_role("button", name="Play from the cursor").click()
    expect(page.locator(".sounding")).to_contain_text(WORDS[0])
    expect(page.locator(".sounding")).to_contain_text(WORDS[1])
    expect(page.get_by_role("button", name="Play from the cursor")).to_be_visible()
    states = [block.state for block in client.blocks(project)]
    assert states == ["unrecorded", "ready", "silent", "ready"]
    page.locator("#takes-card summary").click()
    page.get_by_role("button", name="Record again").click()
    expect(page.get_by_role("button", name="Play take 2")).to_be_enabled()
    page.get_by_role("button", name="Choose take 1").click()
    expect(page.locator("#takes li").nth(1)).to_contain_text("chosen")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete take 2").click()
    expect(page.locator("#takes li")).to_have_count(1)


def test_a_take_that_cannot_be_played(editor: Visit, client: Client, project: str) -> None:
    client.record_project(project)
    page = editor.page
    editor.go(f"/studio/projects/{project}?lang=zh")
    expect(page.locator("#script")).to_have_attribute("aria-busy", "false")
    page.route(
        "**/files/**", lambda route: route.fulfill(body="no sound", content_type="audio/flac")
    )
    sentence(editor, WORDS[0]).click()
    page.locator("#play").click()
    expect(page.locator("#notice")).to_have_text("浏览器无法播放此录音。")


def test_a_length_is_typed_while_the_pause_is_saved(
    editor: Visit, client: Client, project: str
) -> None:
    page = editor.page
    held: list[Route] = []
    page.route(re.compile(r"/blocks$"), lambda route: held.append(route), times=1)
    page.get_by_role("button", name="Add pause").press("Enter")
    page.keyboard.type("0")
    while not held:
        page.wait_for_timeout(50)
    held[0].continue_()
    saved(editor)
    page.keyboard.type(".7")
    page.keyboard.press("Enter")
    saved(editor)
    assert [block.seconds for block in client.blocks(project)].count(0.7) == 1


# Collects the marked words, and the longest frame, until the player stops.
LISTEN = """() => {
  window.marked = [];
  const look = () => {
    for (const word of CSS.highlights.get("spoken-word"))
      if (marked.at(-1) !== String(word)) marked.push(String(word));
    requestAnimationFrame(look);
  };
  look();
}"""


def test_the_text_follows_by_word(editor: Visit) -> None:
    page = editor.page
    words = sentence(editor, WORDS[0])
    words.click()
    node = words.evaluate_handle("words => words.firstChild")
    page.evaluate(LISTEN)
    page.get_by_role("button", name="Play from the cursor").click()
    page.wait_for_function("() => window.marked.includes('ferry')")
    # Somebody writes while the block sounds. The words behind are marked in their new places.
    at_end(editor, WORDS[0])
    page.keyboard.type(" Hurry!")
    page.wait_for_function("() => window.marked.includes('coat')")
    expect(page.locator(".sounding")).to_have_count(0)
    marked = page.evaluate("marked")
    assert marked == re.findall(r"\w+", " ".join(WORDS))
    assert node.evaluate("(node, words) => node === words.firstChild", words.element_handle())
    assert page.evaluate("CSS.highlights.get('spoken-word').size") == 0
    # The words that the stale take shares with the text are marked while it plays.
    saved(editor)
    words.click()
    page.keyboard.press("Home")
    page.keyboard.type("Look! ")
    saved(editor)
    page.evaluate("window.marked.length = 0")
    page.locator("#takes-card summary").click()
    page.get_by_role("button", name="Play take 1").click()
    page.wait_for_function("() => window.marked.includes('nine')")
    expect(page.locator(".sounding")).to_have_count(0)
    assert page.evaluate("marked") == re.findall(r"\w+", WORDS[0])


def test_words_are_found_in_a_changed_text(editor: Visit) -> None:
    found = editor.page.evaluate(
        """async () => {
          const { wordIn, wordsOf } = await import("/studio/static/editor-words.js");
          const [house] = wordsOf([{ start: 0, offset: 2, length: 5 }], "\\u{20bb7} house");
          return [
            [house.from, house.to],
            wordIn("Then a house is", "a house", { from: 2, to: 7 }),
            wordIn("A red house", "A house", { from: 2, to: 7 }),
            wordIn("A horse", "A house", { from: 2, to: 7 }),
            wordIn("A house is", "A house", { from: 2, to: 7 }),
            wordIn("", "A house", { from: 2, to: 7 }),
          ];
        }"""
    )
    assert found == [
        [3, 8],
        {"from": 7, "to": 12},
        {"from": 6, "to": 11},
        None,
        {"from": 2, "to": 7},
        None,
    ]


def test_a_browser_without_highlights_plays_too(editor: Visit) -> None:
    editor.context.add_init_script("delete CSS.highlights; delete CSS.__proto__.highlights;")
    editor.page.reload()
    expect(editor.page.locator("#script")).to_have_attribute("aria-busy", "false")
    sentence(editor, WORDS[1]).click()
    assert editor.page.evaluate("CSS.highlights === undefined")
    editor.page.get_by_role("button", name="Play from the cursor").click()
    expect(editor.page.locator(".sounding")).to_contain_text(WORDS[1])
    expect(editor.page.locator(".sounding")).to_have_count(0)


@only_chromium  # Firefox does not give bodies of requests to Playwright
def test_play_while_everything_is_recorded(editor: Visit, client: Client, project: str) -> None:
    page = editor.page
    page.get_by_text("Files", exact=True).click()
    held: list[Route] = []
    page.route(re.compile(r"/takes$"), lambda route: held.append(route), times=1)
    page.get_by_role("button", name="Record what is missing").click()
    page.wait_for_function("() => document.querySelector('#record-all').ariaDisabled")
    while not held:
        page.wait_for_timeout(50)
    # The service has ordered the takes, but the page does not know yet.
    ordered = held[0].fetch()
    sentence(editor, WORDS[0]).click()
    page.get_by_role("button", name="Play from the cursor").click()
    expect(page.locator(".sounding")).to_contain_text(WORDS[0])
    held[0].fulfill(response=ordered)
    expect(page.locator(".sounding")).to_contain_text(WORDS[1])
    expect(page.locator("#delivery-state")).to_have_text("Everything is recorded")
    assert [block.takes for block in client.blocks(project)] == [1, 1, 0, 1]


def test_a_file_is_made(editor: Visit, client: Client, project: str) -> None:
    page = editor.page
    page.get_by_text("Files", exact=True).click()
    page.get_by_role("button", name="Make a file").click()
    expect(page.locator("#delivery-state")).to_contain_text("3 sentences have no take")
    page.get_by_role("button", name="Record what is missing").click()
    expect(page.locator("#delivery-state")).to_have_text("Everything is recorded")
    assert {block.state for block in client.blocks(project)} == {"ready", "silent"}
    page.get_by_label("Loudness").select_option("podcast")
    page.get_by_role("button", name="Make a file").click()
    expect(page.locator("#delivery-state")).to_have_text("The file is ready.")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the sound").click()
    assert download.value.path().stat().st_size > 1000
    page.reload()
    page.get_by_text("Files", exact=True).click()
    expect(page.get_by_role("link", name="Download the sound")).to_be_visible()


# The texts of the rows, and the numbers of rows of their groups.
LINES = """() => ({
  texts: [...document.querySelectorAll("#script .words")].map((words) => words.textContent),
  groups: [...document.querySelectorAll("#script > *")].map((group) => group.childElementCount),
})"""


@only_chromium  # an evaluation can meet a navigation in Firefox
def test_a_long_script_is_in_groups(editor: Visit, client: Client, project: str) -> None:
    client.add_blocks(project, [f"Sentence {number}." for number in range(120)])
    page = editor.page
    page.reload()
    expect(page.locator("#script")).to_have_attribute("aria-busy", "false")
    assert page.evaluate(LINES)["groups"] == [50, 50, 24]
    # The caret crosses the border of two groups.
    at_end(editor, "Sentence 45.")
    page.keyboard.press("ArrowDown")
    page.keyboard.type(" Now")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    saved(editor)
    written = [text for text in texts(client, project) if text != ""]
    assert written[47:50] == ["Sentence 44.", "Sentence 45.", "Sentence 46. Now"]
    # A paste fills the group of the caret, which is divided.
    at_end(editor, "Sentence 10.")
    lines = "\n".join(f"Pasted {number}." for number in range(130))
    page.evaluate("text => navigator.clipboard.writeText(text)", lines)
    page.keyboard.press("Control+v")
    shown = page.evaluate(LINES)
    assert max(shown["groups"]) <= 100
    assert shown["texts"][13:16] == ["Sentence 10.Pasted 0.", "Pasted 1.", "Pasted 2."]
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    saved(editor)
    shown = page.evaluate(LINES)
    assert min(shown["groups"]) > 0
    assert shown["texts"] == [block.text for block in client.blocks(project) if block.text]
    assert page.evaluate("window.find('Sentence 119.')")  # the browser finds words far below


def test_a_file_of_old_takes(editor: Visit, client: Client, project: str) -> None:
    client.record_project(project)
    block = list(client.blocks(project))[1]
    (old,) = client.takes(project, block.id)
    client.update_block(project, block.id, text="The train leaves at ten.")
    page = editor.page
    page.reload()
    expect(page.locator("#script")).to_have_attribute("aria-busy", "false")
    page.get_by_text("Files", exact=True).click()
    state = page.locator("#delivery-state")
    page.get_by_role("button", name="Make a file").click()
    expect(state).to_have_text("1 sentences were changed since their recording.")
    page.get_by_role("button", name="Use the old takes").click()
    expect(state).to_have_text("The file is ready.")
    expect(page.locator("#stale-choice")).to_be_hidden()
    # The user chose the old take, although a newer one fits.
    client.record_project(project)
    client.update_block(project, block.id, take_id=old.id)
    editor.expected = ("409",)  # the page does not know yet
    page.reload()
    expect(page.locator("#script")).to_have_attribute("aria-busy", "false")
    page.get_by_text("Files", exact=True).click()
    page.get_by_role("button", name="Make a file").click()
    expect(state).to_contain_text("1 sentences were changed")
    page.get_by_role("button", name="Record them again").click()
    expect(state).to_have_text("The file is ready.")
    assert [each.state for each in client.blocks(project)] == ["ready", "ready", "silent", "ready"]
    assert len(client.takes(project, block.id)) == 2
    # Another page changes the script.
    client.update_block(project, block.id, text="The bus leaves at noon.")
    page.get_by_role("button", name="Make a file").click()
    expect(state).to_contain_text("1 sentences were changed")
    expect(page.get_by_role("button", name="Use the old takes")).to_be_visible()


@only_chromium  # Firefox does not give bodies of requests to Playwright
def test_recording_goes_on_and_stops(editor: Visit, client: Client, project: str) -> None:
    """The key may have fewer unfinished tasks than the script has blocks."""
    client.add_blocks(project, [f"Sentence {number}." for number in range(15)])
    page = editor.page
    page.reload()
    expect(page.locator("#script")).to_have_attribute("aria-busy", "false")
    page.get_by_text("Files", exact=True).click()
    # The first answer says that the key is full, and the second one refuses a part for that reason.
    answers: list[Route] = []

    def refuse(route: Route) -> None:
        answers.append(route)
        if len(answers) == 1:
            return route.fulfill(status=429, json={"title": "Too many", "message": "wait"})
        if len(answers) == 2:
            body = {"blockIds": [each.id for each in list(client.blocks(project))[:2]]}
            response = route.fetch(post_data=body)
            data = response.json()["data"]
            data["refused"] = [
                {"blockId": each.id, "error": "full", "errorCode": "rate_limited"}
                for each in list(client.blocks(project))[3:5]
            ]
            return route.fulfill(json={"data": data})
        return route.continue_()

    editor.expected = ("429",)
    page.route(re.compile(r"/takes$"), refuse)
    page.get_by_role("button", name="Record what is missing").click()
    expect(page.locator("#delivery-state")).to_have_text("Everything is recorded")
    states = [block.state for block in client.blocks(project)]
    assert states[:5] == ["ready", "ready", "silent", "ready", "ready"]
    page.unroute_all()
    expect(page.locator("#record-stop")).to_be_hidden()
    # The user stops the rest, and later goes on in a new page.
    page.get_by_role("button", name="Record what is missing").click()
    expect(page.locator("#delivery-state")).to_contain_text("of 14 sentences are recorded…")
    page.get_by_role("button", name="Stop recording").click()
    expect(page.locator("#delivery-state")).to_contain_text("Stopped.")
    states = [block.state for block in client.blocks(project)]
    assert "recording" not in states
    assert "unrecorded" in states
    page.reload()
    page.get_by_text("Files", exact=True).click()
    page.get_by_role("button", name="Record what is missing").click()
    expect(page.locator("#delivery-state")).to_have_text("Everything is recorded", timeout=240_000)
    assert {block.state for block in client.blocks(project)} == {"ready", "silent"}


def test_a_change_of_the_whole_script_makes_takes_stale(
    editor: Visit, client: Client, project: str
) -> None:
    page = editor.page
    sentence(editor, WORDS[1]).click()
    page.get_by_role("button", name="Play from the cursor").click()
    expect(page.locator(".line[data-state=ready]")).to_have_count(1)
    page.get_by_label("Apply to").select_option("script")
    page.get_by_label("Emotion").select_option("sad")
    expect(page.locator(".line[data-state=stale]")).to_have_count(1)
    expect(page.locator("#price")).to_contain_text("Sentences to record: 3")
    assert client.project(project).emotion == "sad"


# Playwright cannot choose the theme in Firefox.
@pytest.mark.parametrize(
    ("engine", "theme", "language"),
    [
        *itertools.product(["chromium"], ["light", "dark"], ["en", "zh"]),
        ("firefox", "light", "en"),
    ],
    indirect=["engine"],
)
def test_everybody_can_use_the_editor(
    visit: Open,
    key: str,
    client: Client,
    voice: str,
    project: str,
    keep: Keep,
    theme: str,
    language: str,
) -> None:
    blocks = list(client.blocks(project))
    client.update_block(project, blocks[1].id, model_id=voice, emotion="happy")
    window = visit(color_scheme=theme)
    window.sign_in(key)
    window.go(f"/studio/projects/{project}?lang={language}")
    page = window.page
    expect(page.locator("#script")).to_have_attribute("aria-busy", "false")
    sentence(window, WORDS[0]).click()
    found = {}
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        found[width] = page.evaluate(MEASURE)
        if width in (320, 1280):
            found[width] += window.judge()
            keep(window, f"{language}-{theme}-{width}-editor")
    for each in page.locator("summary").all():
        each.click()
    found[0] = window.judge()
    assert not {width: wrong for width, wrong in found.items() if wrong}


@only_chromium  # an evaluation can meet a navigation in Firefox
def test_a_pronunciation_of_the_script_makes_its_sentences_stale(
    editor: Visit, client: Client, project: str, keep: Keep
) -> None:
    client.record_project(project)
    editor.expected = ("422",)
    page = editor.page
    editor.go(f"/studio/projects/{project}")
    panel = page.get_by_role("dialog", name="Pronunciations")
    stale = page.locator(".line[data-state=stale]")
    words = sentence(editor, WORDS[0])
    words.click()
    for _ in range(2):
        page.keyboard.press("Home")
        page.keyboard.press("Control+ArrowRight")
    page.keyboard.press("Control+Shift+ArrowRight")
    page.get_by_role("button", name="Pronunciations").click()
    new = panel.locator("form").first
    expect(new.get_by_label("Written")).to_have_value("ferry")
    expect(new.get_by_label("Spoken")).to_be_focused()
    page.keyboard.type("!")
    page.keyboard.press("Enter")
    expect(panel.get_by_role("alert").filter(has_text="must have a letter")).to_be_visible()
    new.get_by_label("Spoken").fill("fairy")
    page.keyboard.press("Enter")
    card = panel.locator("li.card", has_text="ferry")
    expect(card).to_contain_text("fairy")
    expect(new.get_by_label("Written")).to_be_focused()
    expect(new.get_by_label("Written")).to_have_value("")
    expect(stale).to_have_count(1)
    expect(stale).to_contain_text(WORDS[0])
    assert [each.spoken for each in client.pronunciations(project_id=project)] == ["fairy"]
    keep(editor, "dictionary")
    assert not editor.judge()
    card.get_by_role("button", name="Edit ferry").click()
    card.get_by_label("Spoken").fill("fehri")
    page.keyboard.press("Enter")
    expect(card).to_contain_text("→ fehri")
    expect(card.get_by_role("button", name="Edit ferry")).to_be_focused()
    page.once("dialog", lambda dialog: dialog.accept())
    card.get_by_role("button", name="Delete ferry").click()
    expect(card).to_have_count(0)
    expect(panel.get_by_text("No entries yet.")).to_be_focused()
    expect(stale).to_have_count(0)
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.get_by_role("button", name="Pronunciations")).to_be_focused()


def test_tab_leaves_the_script_and_comes_back_to_the_sentence(
    editor: Visit, client: Client, project: str
) -> None:
    page = editor.page
    at_end(editor, WORDS[0])
    page.keyboard.press("Tab")
    expect(page.locator("#settings-card summary")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(sentence(editor, WORDS[0])).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Add pause")).to_be_focused()
    page.keyboard.press("Tab")
    expect(sentence(editor, WORDS[0])).to_be_focused()
    page.get_by_label("Pause, seconds").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Remove the pause")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#settings-card summary")).to_be_focused()
    assert texts(client, project) == ["Morning", WORDS[0], "", WORDS[1]]


@only_chromium  # an evaluation can meet a navigation in Firefox
def test_the_cards_are_in_reach_on_a_phone(
    editor: Visit, client: Client, project: str, keep: Keep
) -> None:
    page = editor.page
    client.add_blocks(project, [f"Sentence {number}." for number in range(60)])
    page.set_viewport_size({"width": 390, "height": 844})
    editor.go(f"/studio/projects/{project}")
    sentence(editor, "Sentence 59.").click()
    cards = page.locator(".editor-side > details")
    for card, name in ((0, "Apply to"), (1, "Record again"), (2, "Format")):
        cards.nth(card).locator("summary").click()
        field = page.locator(".card-body").get_by_text(name, exact=True)
        expect(field).to_be_in_viewport()
        expect(page.locator(".editor-side > details[open]")).to_have_count(1)
        expect(page.locator(".line.chosen")).to_have_text("Sentence 59.")
    assert not page.evaluate(MEASURE)
    keep(editor, "phone-light-editor")
