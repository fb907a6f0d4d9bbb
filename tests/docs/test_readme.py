"""The two READMEs say the same, and nothing that was not measured."""

from __future__ import annotations

import re

import pytest

from .pages import ROOT, read

_FIGURE = re.compile(
    r"(?<![\w.,])(?:\d+\.\d+|\.\d+|\d{1,3}(?:,\d{3})+|\d+(?= ?%)|\d+(?= (?:MB|s\b|秒)))"
)


def figures(name: str) -> list[str]:
    """Return the figures of the table, in their order."""
    rows = [line for line in (ROOT / name).read_text("utf-8").splitlines() if line.startswith("|")]
    start = next(at for at, row in enumerate(rows) if "docs/quality.md" in row)
    end = next(at for at, row in enumerate(rows) if "SQLite" in row and at > start)
    return _FIGURE.findall("\n".join(rows[start : end + 1]))


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_figures_are_those_that_were_measured(name: str) -> None:
    pages = [ROOT / "docs" / "quality.md", ROOT / "docs" / "performance.md"]
    measured = "\n".join(page.read_text("utf-8") for page in pages)
    found = figures(name)
    assert len(found) > 10
    for figure in found:
        ways = {
            figure,
            figure.rstrip("0"),
            f"0{figure}",
            f"{int(float(figure.replace(',', ''))) / 100}",
        }
        assert any(re.search(rf"(?<![\d.,]){re.escape(way)}(?!\d)", measured) for way in ways), (
            figure
        )


def test_both_have_the_same_figures_links_and_blocks() -> None:
    english, chinese = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh.md"))
    assert figures("README.md") == figures("README.zh.md")
    links = [
        {link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("README")}
        for text in (english, chinese)
    ]
    assert links[0] == links[1]
    shapes = [
        [
            (block.language, block.hidden, block.text.count("\n"))
            for block in read(ROOT / name).blocks
        ]
        for name in ("README.md", "README.zh.md")
    ]
    assert shapes[0] == shapes[1]
