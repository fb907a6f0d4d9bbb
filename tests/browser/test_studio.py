"""Every flow of the studio in a browser."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import Route, TimeoutError, expect

from soundclone_client import Client
from tests.browser.conftest import (
    DESK,
    PAGES,
    PHONE,
    RECORDINGS,
    Keep,
    Open,
    Visit,
    only_chromium,
)
from tests.browser.waiting import copied, drawn, ended, run, speak_into_the_microphone, type_number
from tests.service import API, Service, finish

HOSTILE = '<img src=x onerror="alert(1)">'


def test_signing_in_and_out(visit: Open, service: Service, key: str, keep: Keep) -> None:
    window = visit()
    window.expected = ("401",)
    page = window.page
    window.go("/")
    expect(page).to_have_url(re.compile("/studio/sign-in"))
    keep(window, "sign-in")
    # With the keyboard alone, as the field has the focus.
    page.keyboard.type("sk_wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("a key has 43")
    page.get_by_label("API key").fill(key)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/studio/(clone|speak)"))
    assert key not in page.content()
    assert page.evaluate("document.cookie") == ""
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/studio/sign-in"))
    window.go("/studio/account")
    expect(page).to_have_url(re.compile("/studio/sign-in"))
    assert key not in service.log.read_text()


@pytest.mark.slow
def test_a_voice_from_the_microphone(
    studio: Visit, service: Service, key: str, keep: Keep, voice: str, engine: str
) -> None:
    page = studio.page
    studio.go("/studio/clone")
    if engine == "firefox":  # its own microphone for tests gives a tone
        speak_into_the_microphone(page, RECORDINGS / "woman.opus")
    keep(studio, "clone")
    expect(page.locator(".estimate")).to_contain_text("credits for")
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.locator(".count")).to_contain_text("keep speaking: more than 15 s is needed")
    page.wait_for_function("() => +document.querySelector('[role=meter]').ariaValueNow > -40")
    counted = page.locator("[data-speech]")
    page.wait_for_function(
        "() => parseInt(document.querySelector('[data-speech]').textContent.match(/[0-9]+/)) >= 18",
        timeout=60_000,
    )
    expect(page.locator(".count")).to_have_class(re.compile("good"))
    expect(page.locator(".count")).to_contain_text("that is enough")
    keep(studio, "recording")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Record again")).to_be_visible()
    about = int(re.findall(r"\d+", counted.inner_text())[0])
    page.get_by_label("Voice name").fill("By the river")
    page.get_by_label("The speaker has agreed").check()
    page.get_by_label("Speaker’s name").fill("Ana Kos")
    page.get_by_role("button", name="Make the voice").click()
    ended(page)
    expect(page.get_by_role("group", name="Recording")).to_be_visible()
    expect(page.get_by_role("group", name="Preview")).to_be_visible()
    drawn(page)
    keep(studio, "voice")
    # The estimate of the browser is close to the measurement of the server.
    task = page.url.rpartition("/")[2]
    speech = service.get(f"{API}/audios/{task}", key)[1]["data"]["speechSeconds"]
    assert abs(about - speech) < 0.2 * speech
    # The declaration is shown with the voice.
    studio.go("/studio/voices")
    card = page.locator("li.card", has_text="By the river")
    card.get_by_text("Details, consent, deletion").click()
    expect(card).to_contain_text("has agreed to this voice")
    expect(card).to_contain_text("Ana Kos")
    expect(card).to_contain_text("Expires ")


@pytest.mark.slow
def test_a_voice_from_a_file(visit: Open, guest: tuple[str, str]) -> None:
    studio = visit()
    studio.sign_in(guest[0])
    page = studio.page
    studio.go("/studio/clone")
    page.get_by_role("button", name="Make the voice").click()  # the browser requires the consent
    page.get_by_label("It is my own voice").check()
    page.get_by_role("button", name="Make the voice").click()
    expect(page.locator(".errors[data-for=fileUrl]")).to_contain_text("Press “Record” and speak")
    page.get_by_text("File", exact=True).click()
    page.locator(".drop input[type=file]").set_input_files(RECORDINGS / "woman.opus")
    expect(page.locator("[data-speech]")).to_contain_text("About 2")
    page.get_by_label("Text of the preview").fill(f"Good morning! {HOSTILE}")
    page.get_by_role("button", name="Make the voice").click()
    ended(page)
    drawn(page)
    page.get_by_label("Name").fill(HOSTILE)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("dd", has_text="<img")).to_have_count(1)
    studio.follow("Speak with this voice")
    expect(page.locator("#voice option:checked")).to_contain_text("<img")


@pytest.mark.slow
def test_an_unusable_recording(studio: Visit, tmp_path: Path, keep: Keep) -> None:
    page = studio.page
    text = tmp_path / "notes.mp3"
    text.write_text("this is no recording " * 100)
    studio.go("/studio/clone")
    page.get_by_text("File", exact=True).click()
    page.locator(".drop input[type=file]").set_input_files(text)
    page.get_by_label("It is my own voice").check()
    page.get_by_role("button", name="Make the voice").click()
    ended(page, "failed")
    expect(page.locator(".error")).to_contain_text("Not an audio file")
    expect(page.locator(".error")).to_contain_text("Choose an audio or video file")
    expect(page.get_by_text("Nothing was charged")).to_be_visible()
    keep(studio, "failed")


@pytest.mark.slow
def test_a_web_address(studio: Visit) -> None:
    studio.expected = ("422",)
    page = studio.page
    studio.go("/studio/clone")
    page.get_by_text("Web address", exact=True).click()
    page.get_by_label("It is my own voice").check()
    for wrong, reason in (
        ("ftp://example.com/a.mp3", "an http:// or https:// URL is needed"),
        ("https://ann:secret@example.com/a.mp3", "holds a user name or password"),
    ):
        page.get_by_label("Address of the recording").fill(wrong)
        page.get_by_role("button", name="Make the voice").click()
        expect(page.locator(".errors[data-for=fileUrl]")).to_contain_text(reason)
    page.get_by_label("Address of the recording").fill("http://10.0.0.1/a.mp3")
    page.get_by_role("button", name="Make the voice").click()
    ended(page, "failed")
    expect(page.locator(".error")).to_contain_text("This address is not public")


def test_speaking(studio: Visit, voice: str, service: Service, key: str, keep: Keep) -> None:
    studio.expected = ("422",)
    page = studio.page
    studio.go(f"/studio/speak?voice={voice}")
    script = page.locator("#text")
    script.fill("Good morning, everybody. ")
    page.get_by_role("button", name="Insert a pause of 0.5 s").click()
    expect(script).to_have_value("Good morning, everybody. <#0.5#>")
    script.press_sequentially(" The ferry leaves at nine. Bring a coat.")
    before = script.input_value()
    length = page.get_by_label("Length of the pause")
    type_number(length, "")
    page.get_by_role("button", name="Insert", exact=True).click()
    expect(script).to_have_value(before)
    type_number(length, "1.25")
    page.get_by_role("button", name="Insert", exact=True).click()
    script.press_sequentially(" Thank you.")
    expect(script).to_have_value(re.compile(r"coat\.<#1\.25#> Thank you\."))
    expect(page.locator(".counter")).to_contain_text("of 10,000 characters")
    # An error in the script appears while typing, and disappears when it is corrected.
    good = script.input_value()
    script.fill("One <#0#> two")
    wrong = page.locator(".errors[data-for=contentText]")
    expect(wrong).to_contain_text("from 0.01 to 99.99 seconds")
    script.fill(good)
    expect(wrong).to_be_empty()
    estimate = page.locator(".estimate")
    expect(estimate).to_contain_text("credits available")
    cost = re.findall(r"[\d.]+", estimate.inner_text())[0]
    page.get_by_label("Emotion").select_option("happy")
    page.get_by_label("Speed").fill("1.2")
    page.get_by_label("Pitch").fill("1")
    page.get_by_label("Volume").fill("1.5")
    keep(studio, "speak")
    page.get_by_role("button", name="Generate speech").click()
    ended(page)
    drawn(page)
    task = page.url.rpartition("/")[2]
    done = service.get(f"{API}/audios/{task}", key)[1]["data"]
    assert done["cost"] == float(cost)

    # The subtitles follow the audio, and a click on one plays it.
    cues = page.locator(".cue")
    expect(cues).to_have_count(4)
    page.get_by_role("button", name="Play").click()
    expect(cues.nth(0)).to_have_attribute("aria-current", "true")
    expect(cues.nth(1)).to_have_attribute("aria-current", "true", timeout=120_000)
    expect(cues.nth(0)).not_to_have_attribute("aria-current", "true")
    keep(studio, "speech")
    cues.nth(3).click()
    expect(cues.nth(3)).to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    seek = page.get_by_role("slider", name="Position")
    seek.focus()
    seek.press("Home")
    expect(page.locator(".clock")).to_contain_text("0:00 /")

    for name, magic in (("Download the audio", b"ID3"), ("Subtitles (SRT)", b"1\n00:00:0")):
        with page.expect_download() as download:
            page.get_by_role("link", name=name).click()
        path = download.value.path()
        assert path.read_bytes().startswith(magic)

    # "Edit and speak again" fills the form.
    page.get_by_role("link", name="Edit and speak again").click()
    expect(page.locator("#text")).to_have_value(good)
    expect(page.get_by_label("Emotion")).to_have_value("happy")
    expect(page.get_by_label("Pitch")).to_have_value("1")


@pytest.mark.slow
def test_a_lossless_speech_is_heard(studio: Visit, voice: str, service: Service, key: str) -> None:
    """The Content Credentials of a FLAC file come before its first byte."""
    body = {"modelId": voice, "contentText": "Good morning.", "format": "flac"}
    task = service.post(f"{API}/soundCloning/audios", body, key)[1]["data"]["id"]
    finish(service, task, key)
    studio.go(f"/studio/tasks/{task}")
    drawn(studio.page)
    studio.page.get_by_role("button", name="Play").click()
    expect(studio.page.locator(".clock")).to_contain_text("0:01 /")
    expect(studio.page.get_by_text("This audio cannot be played")).to_be_hidden()


@pytest.mark.slow
def test_copied_examples_run(
    visit: Open,
    guest: tuple[str, str],
    service: Service,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key, voice = guest
    studio = visit()
    studio.sign_in(key)
    page = studio.page
    monkeypatch.chdir(tmp_path)
    text = "It's 5 o'clock: \"tea\" for $HOME & `me`\\n, 再见。 <#0.5#> Bye!"
    body = {"modelId": voice, "contentText": text, "emotion": "sad", "subtitleEnable": True}
    task = service.post(f"{API}/soundCloning/audios", body, key)[1]["data"]["id"]
    finish(service, task, key)

    def tasks_made() -> int:
        return len(service.get(f"{API}/audios?limit=100", key)[1]["data"]["list"])

    for path, file in ((f"tasks/{task}", tmp_path / "speech.mp3"), ("voices", None)):
        studio.go(f"/studio/{path}")
        page.get_by_text("Use the API").click()
        for kind, shell in (("curl", ["sh", "-c"]), ("Python", [sys.executable, "-c"])):
            before = tasks_made()
            printed = run([*shell, copied(page, f"Copy as {kind}")], key)
            if file is None:
                assert voice in printed
                continue
            assert tasks_made() == before + 1
            assert file.read_bytes().startswith(b"ID3")
            assert file.stat().st_size > 1000
            file.unlink()
    studio.go("/studio/account")
    page.get_by_text("Use the API").click()
    assert '"available"' in run(["sh", "-c", copied(page, "Copy as curl")], key)
    # The examples submitted the same text.
    texts = page.request.get(f"{service.url}/studio/history").text()
    assert texts.count("for $HOME &amp; `me`\\n, 再见。") == 3


@pytest.mark.slow
def test_a_clone_is_copied(
    visit: Open, guest: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = visit()
    studio.sign_in(guest[0])
    page = studio.page
    monkeypatch.chdir(tmp_path)
    studio.go("/studio/history?kind=clone&status=completed")
    page.get_by_role("row").filter(has_text="Done").last.get_by_role("link").click()
    page.wait_for_url(re.compile("/studio/tasks/"))
    studio.settled()
    page.get_by_text("Use the API").click()
    program = copied(page, "Copy as Python")
    assert run([sys.executable, "-c", program], guest[0]).startswith("model_")
    assert (tmp_path / "preview.mp3").stat().st_size > 1000


@pytest.mark.slow
def test_voices(studio: Visit, service: Service, voice: str, key: str, keep: Keep) -> None:
    page = studio.page
    with Client(service.url, key) as client:
        doomed = client.clone(RECORDINGS / "woman.opus").model_id
    studio.go("/studio/voices")
    card = page.locator(f"[data-voice={voice}]")
    expect(card).to_contain_text("Kept until you delete it")
    card.get_by_role("button", name="Name and tags").click()
    expect(card.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("The captain")
    card.get_by_label("Tags", exact=True).fill("sea, calm")
    card.get_by_role("button", name="Save").click()
    expect(card.get_by_role("heading")).to_have_text("The captain")
    expect(card.locator(".tags")).to_contain_text("calm")
    expect(card.get_by_role("textbox", name="Tags")).to_be_hidden()
    card.get_by_text("Quality of the recording").click()
    expect(card.locator(".report")).to_contain_text("dBFS")
    clone, recording = card.locator(".sound").all()
    outlines = [each.locator(".heard path").get_attribute("d") for each in (clone, recording)]
    assert outlines[0] != outlines[1]
    for sound, other in ((clone, recording), (recording, clone)):
        sound.get_by_role("button", name="Play").click()
        expect(sound.get_by_role("button", name="Pause")).to_be_visible()
        expect(sound.locator(".clock")).to_contain_text("/")
        expect(other.get_by_role("button", name="Play")).to_be_visible()
    recording.get_by_role("button", name="Pause").click()
    expect(recording.get_by_role("button", name="Play")).to_be_visible()

    other = page.locator(f"[data-voice={doomed}]")
    page.get_by_role("searchbox", name="Search").fill("captain")
    expect(other).to_have_count(0)
    expect(card).to_be_visible()
    expect(page.locator("#voice-count")).to_have_text("Voices: 1")
    page.get_by_role("searchbox", name="Search").fill("")
    expect(other).to_have_count(1)
    studio.go("/studio/voices")
    page.get_by_label("Tag", exact=True).select_option("sea")
    expect(other).to_have_count(0)
    page.get_by_label("Tag", exact=True).select_option("")
    page.get_by_label("Order").select_option("oldest")
    expect(page.locator("#voice-list .card").last).to_have_attribute("data-voice", doomed or "")
    # Taking a picture sets styles of inputs, which htmx would copy to the next list.
    keep(studio, "voices")
    other.get_by_text("Details, consent, deletion").click()
    page.once("dialog", lambda dialog: dialog.dismiss())
    other.get_by_role("button", name="Delete").click()
    expect(other).to_have_count(1)
    page.once("dialog", lambda dialog: dialog.accept())
    other.get_by_role("button", name="Delete").click()
    expect(other).to_have_count(0)


@pytest.mark.slow
def test_history(studio: Visit, tasks: list[str], keep: Keep) -> None:
    page = studio.page
    studio.go("/studio/history")
    keep(studio, "history")
    everything = page.locator("tbody tr").count()
    page.get_by_role("link", name="Failed").click()
    expect(page.locator("tbody .badge.failed").first).to_be_visible()
    assert 0 < page.locator("tbody tr").count() < everything
    studio.go("/studio/history?kind=audio")
    page.locator("tbody").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Speech", exact=True)).to_be_visible()


@pytest.mark.slow
def test_a_task_is_cancelled(studio: Visit, voice: str) -> None:
    page = studio.page
    studio.go(f"/studio/speak?voice={voice}")
    page.locator("#text").fill("A long story that nobody waits for. " * 250)
    page.get_by_role("button", name="Generate speech").click()
    page.wait_for_url(re.compile("/studio/tasks/"))
    page.get_by_role("button", name="Cancel").click()
    ended(page, "failed")
    expect(page.locator(".error")).to_contain_text("Cancelled")


@pytest.mark.slow
def test_the_account_and_its_keys(studio: Visit, service: Service, keep: Keep) -> None:
    page = studio.page
    studio.go("/studio/account")
    expect(page.locator("[data-available]")).to_contain_text("49.")
    assert page.locator(".chart rect").count() == 1
    page.get_by_role("link", name="7 days").click()
    expect(page.locator(".x-axis span")).to_have_count(7)
    with page.expect_download() as saved:
        page.get_by_role("link", name="Export as CSV").click()
    assert saved.value.path().read_text().startswith("time,entry,credits")
    keep(studio, "account")
    page.get_by_label("Quota in credits").fill("1.5")
    page.locator("#key-name").fill("for the shop")
    page.get_by_role("button", name="Create key").click()
    secret = page.locator("[data-secret]")
    expect(secret).to_contain_text("sk_")
    made = secret.inner_text()
    assert service.get(f"{API}/key/balance", made)[1]["data"]["total_quota"] == 1.5
    expect(page.get_by_role("row").filter(has_text="for the shop")).to_be_visible()
    expect(secret).to_have_text(made)  # the new list of keys does not hide the secret
    studio.go("/studio/account")
    assert made not in page.content()
    row = page.get_by_role("row").filter(has_text="for the shop")
    page.once("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name="Rotate").click()
    expect(secret).to_contain_text("sk_")
    rotated = secret.inner_text()
    assert rotated != made
    for each in (made, rotated):  # in the overlap
        assert service.get(f"{API}/key/balance", each)[1]["data"]["name"] == "for the shop"
    expect(row).to_contain_text("The former key works until")
    page.once("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name="Revoke").click()
    expect(row).to_contain_text("Revoked")
    for each in (made, rotated):
        assert service.get(f"{API}/key/balance", each)[1]["code"] == 20001


@pytest.mark.slow
def test_the_operator(
    studio: Visit, service: Service, tasks: list[str], visit: Open, keep: Keep
) -> None:
    page = studio.page
    account, key = service.new_key(0)
    studio.go("/studio/operator")
    expect(page.locator("#failures + table, #failures ~ table")).to_contain_text(
        "source_address_refused"
    )
    expect(page.locator("main")).to_contain_text("builtin")
    expect(page.locator("main")).to_contain_text("Ready")
    page.locator("#account").select_option(account)
    page.locator("#amount").fill("12.5")
    page.locator("#memo").fill("invoice 7")
    page.get_by_role("button", name="Add credit").click()
    expect(page.get_by_role("row").filter(has_text=account)).to_contain_text("12.5")
    keep(studio, "operator")
    # The page follows the service, and keeps what the operator is typing.
    page.locator("#memo").fill("half a note")
    with page.expect_response("**/studio/operator/live"):
        page.evaluate("document.activeElement.blur()")
    expect(page.locator("#memo")).to_have_value("half a note")
    customer = visit()
    customer.expected = ("403",)
    customer.sign_in(key)
    customer.go("/studio/account")
    expect(customer.page.locator("[data-available]")).to_have_text("12.5")
    expect(customer.page.get_by_role("link", name="Operator")).to_have_count(0)
    customer.go("/studio/operator")
    expect(customer.page.get_by_role("heading")).to_have_text("Not allowed with this key")


@pytest.mark.slow
def test_by_the_keyboard(studio: Visit, voice: str) -> None:
    page = studio.page
    studio.go("/studio/speak")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    reached = set()
    for _ in range(25):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()")
        )
    assert {
        "0.5 s",
        "text",
        "voice",
        "emotion",
        "speed",
        "pitch",
        "format",
        "Generate speech",
    } <= reached


@pytest.mark.slow
def test_a_service_that_does_not_answer(visit: Open, tmp_path: Path) -> None:
    with Service(tmp_path, "--no-worker") as running:
        window = visit()
        window.url = running.url
        window.expected = ("asked", "ERR_", "Failed to load", "htmx:")
        made = running.command("keys", "create", "--name", "a", "--credit", "1", "--json")
        window.sign_in(made["key"])
        window.go("/studio/clone")
        page = window.page
        page.get_by_text("Web address", exact=True).click()
        page.get_by_label("Address of the recording").fill("https://example.com/a.mp3")
        page.get_by_label("It is my own voice").check()
        time.sleep(0.8)  # the page requests the estimate
    page.get_by_role("button", name="Make the voice").click()
    expect(page.get_by_role("alert").filter(has_text="does not answer")).to_be_visible()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("engine", "device", "theme", "language"),
    [
        ("chromium", "desk", "light", "en"),
        ("chromium", "desk", "dark", "zh"),
        ("chromium", "phone", "dark", "en"),
        ("chromium", "phone", "light", "zh"),
        ("firefox", "desk", "light", "en"),
        ("firefox", "phone", "light", "zh"),
    ],
    indirect=["engine"],
)
def test_every_page_can_be_used_by_everybody(
    visit: Open,
    key: str,
    voice: str,
    tasks: list[str],
    keep: Keep,
    device: str,
    theme: str,
    language: str,
) -> None:
    """axe finds no violation, and no page is wider than the screen."""
    viewport = PHONE if device == "phone" else DESK
    window = visit(
        viewport=viewport,
        color_scheme=theme,
        locale={"en": "en-GB", "zh": "zh-CN"}[language],
        has_touch=device == "phone",
    )
    window.expected = ("404",)
    page = window.page
    found = {}
    for path in ("sign-in", *PAGES, *tasks, "nothing"):
        if path == "clone":
            page.locator("#key").fill(key)
            page.locator("button.wide").click()
        window.go(f"/studio/{path}")
        if path.startswith("tasks"):
            for each in page.locator("summary").all():
                each.click()
        found[path] = window.judge()
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= viewport["width"], path
        if (device, theme) == ("phone", "light") or (
            (device, theme) == ("desk", "dark") and path in ("clone", "speak")
        ):
            keep(window, f"{device}-{theme}-{path.partition('/')[0]}")
    assert not {path: each for path, each in found.items() if each}


@pytest.mark.slow
@only_chromium  # in Firefox, a click can happen after its timeout
@pytest.mark.parametrize("late", ["studio.js", "htmx.min.js", "alpine-csp.min.js"])
def test_the_page_appears_when_its_scripts_have_run(studio: Visit, late: str) -> None:
    page = studio.page
    held: list[Route] = []
    page.route(f"**/{late}", lambda route: held.append(route))
    page.goto(f"{studio.url}/studio/account", wait_until="commit")
    theme = page.get_by_role("button", name="Switch between light and dark")
    with pytest.raises(TimeoutError):
        theme.click(timeout=2000)
    held[0].continue_()
    theme.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


@pytest.mark.slow
def test_switches(studio: Visit) -> None:
    page = studio.page
    studio.go("/studio/account")
    page.get_by_role("link", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("账户")
    studio.go("/studio/voices")
    expect(page.get_by_role("heading", level=1)).to_have_text("声音")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Voices")
    root = page.locator("html")
    page.get_by_role("button", name="Switch between light and dark").click()
    expect(root).to_have_attribute("data-theme", "dark")
    studio.go("/studio/account")
    expect(root).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Switch between light and dark").click()
    expect(root).to_have_attribute("data-theme", "light")
