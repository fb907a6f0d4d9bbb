"""The recorder: hints while a person speaks, the choice of a microphone, and trimming."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import expect

from soundclone.audio import decode
from tests.browser.conftest import RECORDINGS, Keep, Open, Visit

pytestmark = pytest.mark.slow

HINTS = """async ([text, rate]) => {
  const { RecordingHints } = await import("/studio/static/recording-hints.js");
  const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  const samples = new Float32Array(bytes.buffer);
  const hints = new RecordingHints(rate);
  for (let at = 0; at < samples.length; at += 2048) hints.push(samples.subarray(at, at + 2048));
  return hints.hints;
}"""


def spoken() -> tuple[NDArray[np.float32], int]:
    """Fifteen seconds of a man who speaks, with a peak of 0.5."""
    decoded = decode.decode(RECORDINGS / "man.opus")
    samples = decoded.samples.reshape(len(decoded.samples), -1)[: 15 * decoded.sample_rate, 0]
    return samples / np.abs(samples).max() / 2, decoded.sample_rate


def test_hints_name_the_weakness(studio: Visit) -> None:
    samples, rate = spoken()
    random = np.random.default_rng(1)
    noise = random.standard_normal(len(samples)) * samples.std()
    seconds = np.arange(int(1.2 * rate)) / rate
    room = random.standard_normal(len(seconds)) * 10 ** (-3 * seconds / 0.5)
    size = len(samples) + len(room)
    echo = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(room, size), size)[: len(samples)]
    cases = {
        "": samples,
        "quiet": samples / 60,
        "clipping": np.clip(samples * 12, -1, 1),
        "noisy": samples + noise / 3,
        "echo": samples + 2 * echo * samples.std() / echo.std(),
    }
    studio.go("/studio/clone")
    found = {
        name: studio.page.evaluate(
            HINTS, [base64.b64encode(sound.astype(np.float32).tobytes()).decode(), rate]
        )
        for name, sound in cases.items()
    }
    assert found[""] == []
    for name in cases:
        assert not name or name in found[name], found


def test_the_recording_is_trimmed(studio: Visit, keep: Keep) -> None:
    page = studio.page
    studio.go("/studio/clone")
    page.get_by_text("File", exact=True).click()
    page.locator(".drop input[type=file]").set_input_files(RECORDINGS / "woman.opus")
    counted = page.locator("[data-speech]")
    expect(counted).to_contain_text("About 2")
    start, end = page.get_by_label("Start", exact=True), page.get_by_label("End", exact=True)
    expect(page.locator(".trim-note")).to_contain_text("0:00 to")
    start.fill("3")
    end.fill("13")
    expect(counted).to_have_text(re.compile("About ([6-9]|10) s"))
    expect(page.locator(".count")).to_contain_text("too short")
    keep(studio, "trimmed")
    page.get_by_label("It is my own voice").check()
    page.once("dialog", lambda dialog: dialog.accept())
    with page.expect_response("**/studio/files/upload") as answered:
        page.get_by_role("button", name="Make the voice").click()
    uploaded = page.request.get(answered.value.json()["data"]["url"])
    assert len(uploaded.body()) == 44 + 10 * 48000 * 2
    page.wait_for_url(re.compile("/studio/tasks/"))
    studio.go("/studio/clone")
    page.get_by_text("File", exact=True).click()
    page.locator(".drop input[type=file]").set_input_files(RECORDINGS / "woman.opus")
    start.fill("3")
    page.get_by_role("button", name="Use all of it").click()
    expect(start).to_have_value("0")
    expect(page.get_by_role("button", name="Use all of it")).to_be_hidden()


# Keeps what the page asks of the browser.
ASKED = """() => {
  const { mediaDevices } = navigator;
  const real = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = (wanted) => ((window.wanted = wanted), real(wanted));
}"""


def test_a_microphone_is_chosen_and_remembered(studio: Visit, engine: str) -> None:
    page = studio.page
    devices = page.locator("#devices")

    def record() -> dict[str, str]:
        page.locator("button.record").click()
        expect(page.locator(".elapsed")).to_contain_text("of 1:00")
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("button", name="Record again")).to_be_visible()
        found: dict[str, str] = page.evaluate("wanted.audio.deviceId ?? {}")
        return found

    studio.go("/studio/clone")
    page.evaluate(ASKED)
    if engine == "firefox":  # it names the microphones after one has recorded
        assert record() == {}
    expect(devices.locator("option").nth(1)).to_be_attached()
    value = devices.locator("option").nth(1).get_attribute("value") or ""
    devices.select_option(value)
    assert record() == {"exact": value}
    studio.go("/studio/clone")
    page.evaluate(ASKED)
    if engine == "firefox":
        assert record() == {"ideal": value}
    expect(devices).to_have_value(value)


def test_the_passage_is_in_the_language_of_the_reader(visit: Open, key: str) -> None:
    studio = visit(locale="de-AT")
    studio.sign_in(key)
    studio.go("/studio/clone")
    expect(studio.page.locator(".passage")).to_contain_text("Heute Morgen")
    expect(studio.page.locator("#language")).to_have_value("German")


# Each block of the microphone arrives twenty times, so a minute takes three seconds.
HURRY = """() => {
  const Real = AudioWorkletNode;
  window.AudioWorkletNode = class extends Real {
    constructor(...rest) {
      super(...rest);
      const { port } = this;
      Object.defineProperty(port, "onmessage", {
        set(receive) {
          port.addEventListener("message", (event) => {
            for (let times = 0; times < 20; times++) receive(event);
          });
          port.start();
        },
      });
    }
  };
}"""


def test_the_recording_stops_by_itself_after_a_minute(studio: Visit) -> None:
    page = studio.page
    studio.go("/studio/clone")
    page.evaluate(HURRY)
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    # Nobody presses "Stop".
    expect(page.get_by_role("button", name="Record again")).to_be_visible()
    expect(page.locator(".trim-note")).to_contain_text(re.compile(r"0:00 to 1:0[0-3]"))
    page.get_by_label("It is my own voice").check()
    page.once("dialog", lambda dialog: dialog.accept())
    with page.expect_response("**/studio/files/upload") as answered:
        page.get_by_role("button", name="Make the voice").click()
    uploaded = page.request.get(answered.value.json()["data"]["url"])
    rate = int.from_bytes(uploaded.body()[24:28], "little")
    assert 60 <= (len(uploaded.body()) - 44) / 2 / rate < 64
