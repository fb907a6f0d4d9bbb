"""Wait for pages of the studio, fill and speak into them, and run the examples that they show."""

from __future__ import annotations

import base64
import os
import re
import subprocess
from pathlib import Path

from playwright.sync_api import Locator, Page, expect


def ended(page: Page, status: str = "completed") -> None:
    """Wait until the task on the page has ended with `status`."""
    page.wait_for_url(re.compile("/studio/tasks/audio_"))
    task = page.locator(".task:is([data-status=completed], [data-status=failed])")
    expect(task).to_have_attribute("data-status", status, timeout=400_000)


def drawn(page: Page) -> None:
    """Wait until every player on the page has loaded its audio."""
    page.wait_for_function(
        "() => [...document.querySelectorAll('.player .clock')].every(e => / [0-9]+:[0-9]*[1-9]/"
        ".test(e.textContent))"
    )


def speak_into_the_microphone(page: Page, recording: Path) -> None:
    """Replace the microphone of the page by a recording that repeats."""
    page.evaluate(
        """async (text) => {
          const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
          const context = new AudioContext();
          const source = context.createBufferSource();
          source.buffer = await context.decodeAudioData(bytes.buffer);
          source.loop = true;
          const microphone = context.createMediaStreamDestination();
          source.connect(microphone);
          navigator.mediaDevices.getUserMedia = async () => {
            await context.resume();
            source.start();
            return microphone.stream;
          };
        }""",
        base64.b64encode(recording.read_bytes()).decode(),
    )


def type_number(field: Locator, number: str) -> None:
    """Replace the number in a field. Playwright's `fill` does not know such fields in Firefox."""
    field.press("ControlOrMeta+A")
    field.press("Delete")
    field.press_sequentially(number)


def copied(page: Page, name: str) -> str:
    """Press a button that copies, and return the copied text."""
    button = page.get_by_role("button", name=name)
    kind = button.get_attribute("data-copy")
    button.click()
    # The label changes when the clipboard has the text, and later changes back.
    expect(page.locator(f"[data-copy={kind}]")).to_have_text("Copied")
    return str(page.evaluate("navigator.clipboard.readText()"))


def run(command: list[str], key: str) -> str:
    """Run a command with an API key in its environment, and return its output."""
    done = subprocess.run(
        command,
        env=os.environ | {"SOUNDCLONE_API_KEY": key},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
