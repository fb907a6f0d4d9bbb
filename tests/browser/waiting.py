"""Waiting for pages of the studio, and running what they offer to copy."""

from __future__ import annotations

import os
import re
import subprocess

from playwright.sync_api import Page, expect


def ended(page: Page, status: str = "completed") -> None:
    """Wait until the task that is shown has ended, as it should."""
    page.wait_for_url(re.compile("/studio/tasks/audio_"))
    task = page.locator(".task:is([data-status=completed], [data-status=failed])")
    expect(task).to_have_attribute("data-status", status, timeout=400_000)


def drawn(page: Page) -> None:
    """Wait until every waveform on the page has its recording."""
    page.wait_for_function(
        "() => [...document.querySelectorAll('.player .clock')].every(e => / [0-9]+:[0-9]*[1-9]/"
        ".test(e.textContent))"
    )


def run(command: list[str], key: str) -> str:
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
