"""Wait for pages of the studio, and run the examples that they show."""

from __future__ import annotations

import os
import re
import subprocess

from playwright.sync_api import Page, expect


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
