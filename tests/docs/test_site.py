"""The documentation is built without a warning, is whole, and asks nobody for anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from .pages import ROOT

pytestmark = pytest.mark.slow

MKDOCS = ROOT / ".venv-docs" / "bin" / "mkdocs"
FETCHED = {"script": "src", "img": "src", "audio": "src", "source": "src", "iframe": "src"}
FETCHED_LINKS = {"stylesheet", "icon", "preload", "prefetch", "preconnect", "manifest"}


class References(HTMLParser):
    """The files that a page loads, and the targets of its links."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.leads: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if where := given.get(FETCHED.get(tag, "")):
            self.fetched.append(where)
        if tag == "link" and FETCHED_LINKS & set(given.get("rel", "").split()):
            self.fetched.append(given["href"])
        if tag == "a" and "href" in given:
            self.leads.append(given["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not MKDOCS.exists():
        reason = "no .venv-docs: scripts/setup docs makes it"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    folder = tmp_path_factory.mktemp("site")
    reference = ROOT / "docs" / "reference"
    subprocess.run([sys.executable, ROOT / "scripts" / "reference", reference], check=True)
    done = subprocess.run(
        [MKDOCS, "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return folder


@pytest.mark.timeout(1500)
def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 25
    for path in pages:
        page = References()
        page.feed(path.read_text("utf-8"))
        for where in page.fetched:
            parts = urlsplit(where)
            assert not parts.netloc, f"{path.name} fetches {where}"
            if parts.scheme != "data" and path.name != "404.html":
                assert (path.parent / unquote(parts.path)).exists(), f"{path.name}: {where}"
        for where in page.leads:
            parts = urlsplit(where)
            if parts.path and not parts.scheme and not parts.netloc and path.name != "404.html":
                assert (path.parent / unquote(parts.path)).exists(), f"{path.name}: {where}"
    for path in site.rglob("*.css"):
        assert "url(http" not in path.read_text("utf-8").replace('"', "").replace("'", "")


@pytest.mark.timeout(1500)
def test_search_finds_what_pages_say(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text("utf-8"))
    text = " ".join(entry["text"] for entry in index["docs"])
    for word in ("SOUNDCLONE_FETCH_ALLOW", "speech_too_short", "soundclone backup", "set-quota"):
        assert word in text


@pytest.mark.timeout(1500)
def test_comments_for_tests_are_not_in_the_site(site: Path) -> None:
    for path in site.rglob("*.html"):
        assert "<!-- test:" not in path.read_text("utf-8"), path.name
