"""Tests of the studio in Chromium and Firefox, with a running service.

`--screenshots FOLDER` saves pictures of the pages. SOUNDCLONE_CHROMIUM and SOUNDCLONE_FIREFOX name
the browsers if they are not on the PATH.
"""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Error,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from soundclone.audio import decode, encode
from soundclone_client import Client
from tests.browser import firefox
from tests.service import API, Service, finish

HERE = Path(__file__).parent
RECORDINGS = HERE.parent / "recordings"
AXE = gzip.decompress((HERE / "vendor" / "axe.min.js.gz").read_bytes()).decode()
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
PAGES = (
    "clone",
    "speak",
    "convert",
    "projects",
    "pronunciations",
    "voices",
    "history",
    "account",
    "webhooks",
    "operator",
    "verify",
    "report",
)
SCRIPT = "Good morning, everybody. <#0.5#> The ferry leaves at nine, so please bring a coat."
expect.set_options(timeout=60_000)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", type=Path, help="folder for pictures of the studio's pages")


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("studio")) as running:
        yield running


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(
    scope="package", params=["chromium", pytest.param("firefox", marks=pytest.mark.slow)]
)
def engine(request: pytest.FixtureRequest) -> str:
    """Name of the browser. Each browser has accounts of its own."""
    return str(request.param)


# For tests that need what Playwright can do in Chromium only.
only_chromium = pytest.mark.parametrize("engine", ["chromium"], indirect=True)


@pytest.fixture(scope="package")
def browser(
    playwright: Playwright, engine: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    launch = {"chromium": launch_chromium, "firefox": launch_firefox}[engine]
    launched = launch(playwright, tmp_path_factory.mktemp(engine))
    yield launched
    launched.close()


def launch_firefox(playwright: Playwright, folder: Path) -> Browser:
    """Start an unchanged Firefox with a tone as its microphone."""
    program = firefox.installed()
    if program is None:
        wanted = os.environ.get("SOUNDCLONE_FIREFOX")
        if wanted:
            pytest.fail(f"no Firefox: SOUNDCLONE_FIREFOX names {wanted}, which does not exist")
        pytest.skip("no Firefox: install firefox-esr, or name a Firefox by SOUNDCLONE_FIREFOX")
    return playwright.firefox.launch(
        channel="moz-firefox",
        executable_path=firefox.launcher(program, folder),
        firefox_user_prefs={
            "dom.events.testing.asyncClipboard": True,  # asks nobody
            "focusmanager.testmode": True,  # each window has the focus
            "media.navigator.permission.disabled": True,
            "media.navigator.streams.fake": True,
            "media.cubeb.force_mock_context": True,  # plays in real time without a device
        },
        timeout=600_000,
    )


def launch_chromium(playwright: Playwright, folder: Path) -> Browser:
    """Start Chromium with a recording of a woman as its microphone."""
    names = (
        os.environ.get("SOUNDCLONE_CHROMIUM", ""),
        "chromium",
        "chromium-browser",
        "google-chrome",
    )
    program = next(filter(None, map(shutil.which, filter(None, names))), None)
    if program is None:
        reason = "no Chromium: install one, or name it by SOUNDCLONE_CHROMIUM"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    spoken = folder / "woman.wav"
    decoded = decode.decode(RECORDINGS / "woman.opus")
    with encode.Encoder(spoken, "wav", sample_rate_in=decoded.sample_rate) as encoder:
        encoder.write(decoded.samples)
    arguments = [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={spoken}",
        "--autoplay-policy=no-user-gesture-required",
    ]
    return playwright.chromium.launch(
        executable_path=program,
        args=arguments,
        chromium_sandbox=os.geteuid() != 0,  # Chromium has no sandbox for root
    )


@dataclass
class Visit:
    """A browser window at the studio, with its errors and warnings."""

    page: Page
    context: BrowserContext
    url: str
    complaints: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()  # parts of complaints that a test causes on purpose

    def go(self, path: str) -> None:
        self.loaded()
        try:
            self.page.goto(self.url + path)
        except Error as error:  # in Firefox, a redirect can look like another navigation
            if "is interrupted by another navigation" not in error.message:
                raise
        self.settled()

    def settled(self) -> None:
        """Wait until the page has loaded what it shows."""
        browser = self.context.browser
        assert browser is not None
        # In Firefox, the network sometimes never seems idle to Playwright.
        idle = browser.browser_type.name == "chromium"
        self.page.wait_for_load_state("networkidle" if idle else "load")

    def loaded(self) -> None:
        """Wait until the scripts of the page have run, because Firefox complains of lost ones."""
        self.page.wait_for_load_state("domcontentloaded")

    def follow(self, link: str) -> None:
        """Click a link, and wait until the scripts of its page have run."""
        with self.page.expect_navigation(wait_until="domcontentloaded"):
            self.page.get_by_role("link", name=link).click()

    def sign_in(self, key: str) -> None:
        self.go("/studio/sign-in")
        self.page.get_by_label("API key").fill(key)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(lambda url: "/sign-in" not in url)
        self.settled()

    def judge(self) -> list[str]:
        """Return the violations of WCAG 2.2 AA that axe finds in the page."""
        before = list(self.complaints)
        self.page.evaluate(AXE)
        found: dict[str, Any] = self.page.evaluate("axe.run()")
        self.complaints[:] = before  # the page's policy blocks the styles of axe
        return [
            f"{each['id']} ({each['impact']}): {node['html'][:200]} {node.get('failureSummary')}"
            for each in found["violations"]
            for node in each["nodes"]
        ]


Open = Callable[..., Visit]
Keep = Callable[[Visit, str], None]


@pytest.fixture
def visit(service: Service, browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Open windows. At the end, none may have an error or a request to another host."""
    opened: list[Visit] = []

    def open_window(**options: Any) -> Visit:
        context = browser.new_context(
            **{"viewport": DESK, "locale": "en-GB", "timezone_id": "UTC"} | options
        )
        context.set_default_timeout(120_000)
        if browser.browser_type.name == "chromium":
            context.grant_permissions(["microphone", "clipboard-read", "clipboard-write"])
        page = context.new_page()
        window = Visit(page, context, service.url)
        page.on(
            "console",
            lambda message: (
                window.complaints.append(message.text)
                if message.type in ("error", "warning")
                else None
            ),
        )
        page.on("pageerror", lambda error: window.complaints.append(str(error)))
        context.on(
            "request",
            lambda request: (
                window.complaints.append(f"asked {request.url}")
                if not request.url.startswith((service.url, "blob:", "data:"))
                else None
            ),
        )
        opened.append(window)
        return window

    yield open_window
    for window in opened:
        window.loaded()
        window.context.close()
    left = [
        complaint
        for window in opened
        for complaint in window.complaints
        if not any(part in complaint for part in window.expected)
    ]
    assert not left


@pytest.fixture(scope="package")
def keep(request: pytest.FixtureRequest, engine: str) -> Callable[[Visit, str], None]:
    """Save a picture of a page if pictures are requested."""
    folder: Path | None = request.config.getoption("--screenshots", None)

    def picture(window: Visit, name: str) -> None:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            page = window.page
            before = page.viewport_size
            assert before is not None
            # In a window as high as the page, fixed elements cover nothing.
            height = page.evaluate("document.documentElement.scrollHeight")
            page.set_viewport_size({"width": before["width"], "height": min(height, 1500)})
            page.evaluate("scrollTo(0, 0)")
            page.wait_for_timeout(200)
            complaints = list(window.complaints)
            # The policy of the page blocks the styles that Playwright adds: one that hides a caret,
            # and in Firefox another one.
            file = folder / (f"{name}.png" if engine == "chromium" else f"{engine}-{name}.png")
            page.screenshot(path=file, animations="disabled", caret="initial")
            window.complaints[:] = complaints
            page.set_viewport_size(before)

    return picture


@pytest.fixture(scope="package")
def key(service: Service, engine: str) -> str:
    """An operator's key."""
    made = service.command(
        "keys", "create", "--name", "Ana", "--credit", "50", "--operator", "--json"
    )
    return str(made["key"])


@pytest.fixture
def studio(visit: Open, key: str) -> Visit:
    """A window with a session."""
    window: Visit = visit()
    window.sign_in(key)
    return window


@pytest.fixture(scope="package")
def voice(service: Service, key: str) -> str:
    """An active voice."""
    with Client(service.url, key) as client:
        made = client.clone(RECORDINGS / "man.opus")
        assert made.model_id
        client.speak(made.model_id, SCRIPT, subtitles="sentence")
        return made.model_id


@pytest.fixture(scope="package")
def guest(service: Service, engine: str) -> tuple[str, str]:
    """Key and voice of another account, for tests with unusual texts."""
    _, key = service.new_key(20)
    with Client(service.url, key) as client:
        made = client.clone(RECORDINGS / "woman.opus").model_id
    assert made
    return key, made


@pytest.fixture(scope="package")
def tasks(service: Service, key: str, voice: str) -> list[str]:
    """Paths of a failed and of a completed task."""
    with_errors = service.post(
        f"{API}/soundCloning/clones", {"fileUrl": "http://10.0.0.1/a.mp3"}, key
    )[1]["data"]["id"]
    finish(service, with_errors, key)
    speech = service.post(
        f"{API}/soundCloning/audios",
        {"modelId": voice, "contentText": SCRIPT, "subtitleEnable": True},
        key,
    )[1]["data"]["id"]
    finish(service, speech, key)
    return [f"tasks/{with_errors}", f"tasks/{speech}"]
