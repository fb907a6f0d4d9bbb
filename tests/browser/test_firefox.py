"""Flows of the studio in Firefox: sign in and out, make a voice, change theme and language.

The flows are those of `test_studio`. Here they have another browser.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright

from tests.browser import firefox, test_studio

pytestmark = pytest.mark.slow

test_signing_in_and_out = test_studio.test_signing_in_and_out
test_a_voice_from_a_file = test_studio.test_a_voice_from_a_file
test_switches = test_studio.test_switches


@pytest.fixture(scope="module")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Firefox, without changes."""
    program = firefox.installed()
    if program is None:
        wanted = os.environ.get("SOUNDCLONE_FIREFOX")
        if wanted:
            pytest.fail(f"no Firefox: SOUNDCLONE_FIREFOX names {wanted}, which does not exist")
        pytest.skip("no Firefox: install firefox-esr, or name a Firefox by SOUNDCLONE_FIREFOX")
    launched = playwright.firefox.launch(
        channel="moz-firefox",
        executable_path=firefox.launcher(program, tmp_path_factory.mktemp("firefox")),
        timeout=600_000,
    )
    yield launched
    launched.close()
