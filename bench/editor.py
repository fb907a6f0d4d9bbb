"""Measure the studio's editor with a script as long as a book, in Chromium.

    .venv/bin/python bench/editor.py [--blocks 7000] [--play 15] [--json]

The service has its defaults. A cloned voice speaks the blocks that are played; `--play 0` needs
neither a voice nor a worker. Times of tasks are processor times of the page's main thread, so that
other programs on the machine matter little. SOUNDCLONE_CHROMIUM names the browser if it is not on
the PATH.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.service import Service  # noqa: E402

from soundclone_client import Client  # noqa: E402

WORDS = (
    "The ferry leaves at nine, and everybody who wants to see the island has to be there.",
    "Please bring a coat.",
    "It was late when the last of them came back, and nobody asked where they had been.",
    "Nobody answered.",
    "The old man at the window counted the boats, as he had done every evening for forty years.",
)
TYPED = " And then, quite slowly, the rain began to fall on the roof."
KEY_SECONDS = 0.06  # between two keys

# Notes when the first row can be edited, and when all rows are there.
WATCH = """() => {
  const look = () => {
    const script = document.getElementById("script");
    if (script?.querySelector(".words")?.isContentEditable) window.firstRow ??= performance.now();
    if (script?.ariaBusy === "false") return void (window.allRows = performance.now());
    setTimeout(look, 5);
  };
  addEventListener("DOMContentLoaded", look);
}"""
# Notes the longest time between two frames.
FRAMES = """() => {
  window.longest = 0;
  let last = performance.now();
  const look = (now) => {
    window.longest = Math.max(window.longest, now - last);
    last = now;
    window.looking = requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


def made(service: Service, blocks: int, is_spoken: bool) -> tuple[str, str]:
    """Return a key, and a project with blocks, and with a voice if the script is spoken."""
    _, key = service.new_key(1000)
    with Client(service.url, key) as client:
        voice = client.clone(ROOT / "tests/recordings/man.opus").model_id if is_spoken else None
        project = client.create_project("Book", model_id=voice, language="English").id
        texts = [f"{text} {number}" for number, text in enumerate(islice(cycle(WORDS), blocks))]
        client.add_blocks(project, texts)
    return key, project


def opened(browser: Browser, url: str, key: str) -> Page:
    """Return a page with a session."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    context.set_default_timeout(300_000)
    page = context.new_page()
    page.goto(f"{url}/studio/sign-in")
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_load_state("networkidle")
    return page


def figures(session: CDPSession) -> dict[str, float]:
    """Return the counters of the page: processor seconds, bytes and nodes."""
    listed: dict[str, Any] = session.send("Performance.getMetrics")
    return {each["name"]: each["value"] for each in listed["metrics"]}


def loaded(page: Page, session: CDPSession, address: str) -> dict[str, float]:
    """Load the editor. Return how long that took, and what it occupies."""
    page.add_init_script(f"({WATCH})()")
    before = figures(session)
    page.goto(address)
    page.wait_for_function("() => window.firstRow")
    first = figures(session)
    page.wait_for_function("() => window.allRows")
    page.wait_for_timeout(1000)
    session.send("HeapProfiler.collectGarbage")
    after = figures(session)
    # A new document has new counters.
    start = before["TaskDuration"] if first["TaskDuration"] >= before["TaskDuration"] else 0.0
    return {
        "first_row_s": page.evaluate("window.firstRow / 1000"),
        "all_rows_s": page.evaluate("window.allRows / 1000"),
        "first_row_cpu_s": first["TaskDuration"] - start,
        "all_rows_cpu_s": after["TaskDuration"] - start,
        "heap_mb": after["JSHeapUsedSize"] / 1e6,
        "nodes": after["Nodes"],
    }


def traced(browser: Browser, page: Page, act: Callable[[], None]) -> dict[str, float]:
    """Return the longest frame and the longest task of the main thread while something happens."""
    page.evaluate(FRAMES)
    browser.start_tracing(
        page=page, categories=["toplevel", "disabled-by-default-devtools.timeline"]
    )
    act()
    events = json.loads(browser.stop_tracing())["traceEvents"]
    page.evaluate("cancelAnimationFrame(window.looking)")
    main = {
        (each["pid"], each["tid"])
        for each in events
        if each["name"] == "thread_name" and each["args"]["name"] == "CrRendererMain"
    }
    tasks = [
        each.get("tdur", 0) / 1000
        for each in events
        if each["name"] in ("RunTask", "ThreadControllerImpl::RunTask")
        and (each["pid"], each["tid"]) in main
    ]
    return {
        "worst_task_cpu_ms": max(tasks, default=0.0),
        "worst_frame_ms": page.evaluate("longest"),
    }


def typed(page: Page, place: str) -> None:
    """Write at the beginning, in the middle or at the end of the script."""
    page.keyboard.type(TYPED, delay=1000 * KEY_SECONDS)
    page.keyboard.press("Enter")
    page.keyboard.type("Good bye.", delay=1000 * KEY_SECONDS)
    page.keyboard.press("Control+z")
    page.wait_for_timeout(1500)


def measured(browser: Browser, service: Service, blocks: int, play: float) -> dict[str, Any]:
    """Return all figures."""
    key, project = made(service, blocks, play > 0)
    page = opened(browser, service.url, key)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    found: dict[str, Any] = {"blocks": blocks}
    found |= loaded(page, session, f"{service.url}/studio/projects/{project}")
    for place, number in (("beginning", 1), ("middle", blocks // 2), ("end", blocks - 3)):
        words = page.locator("#script .words").filter(has_text=f" {number}").last
        words.scroll_into_view_if_needed()
        words.click()
        page.keyboard.press("End")
        page.wait_for_timeout(500)
        found[f"typing_{place}"] = traced(browser, page, lambda place=place: typed(page, place))
    if play:
        page.get_by_role("button", name="Play from the cursor").wait_for()
        words = page.locator("#script .words").nth(blocks // 2 + 10)
        words.scroll_into_view_if_needed()
        words.click()
        page.locator("#play").click()
        page.locator(".sounding").wait_for()
        found["playing"] = traced(browser, page, lambda: page.wait_for_timeout(1000 * play))
        page.locator("#play").click()
    return found


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--blocks", type=int, default=7000)
    parser.add_argument("--play", type=float, default=15.0, metavar="SECONDS")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    names = (
        os.environ.get("SOUNDCLONE_CHROMIUM", ""),
        "chromium",
        "chromium-browser",
        "google-chrome",
    )
    program = next(filter(None, map(shutil.which, filter(None, names))), None)
    if program is None:
        parser.error("no Chromium: install one, or name it by SOUNDCLONE_CHROMIUM")
    options = ["--autoplay-policy=no-user-gesture-required"]
    with (
        tempfile.TemporaryDirectory() as folder,
        Service(Path(folder), *([] if given.play else ["--no-worker"])) as service,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=program, args=options, chromium_sandbox=os.geteuid() != 0
        )
        found = measured(browser, service, given.blocks, given.play)
        browser.close()
    if given.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        parts = value.items() if isinstance(value, dict) else [("", value)]
        print(f"{name:20} " + ", ".join(f"{part} {number:,.2f}".strip() for part, number in parts))


if __name__ == "__main__":
    main()
