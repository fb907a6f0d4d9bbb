"""Pages of the documentation: their blocks, and what hidden comments say of these.

A comment `<!-- test: … -->` in a page is for the tests and not for readers; the site is built
without it.

    <!-- test: skip because REASON -->    the next block is not run
    <!-- test: slow -->                   the page is one of the slow tests
    <!-- test: replace OLD by NEW -->     in all blocks of the page; $NAMES in NEW are variables
    <!-- test: sh                         run in this place: what a reader has done before, or
    cp examples/recording.mp3 me.mp3      a look at what came out
    -->                                   (`python` likewise)
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"( *)(`{3,})([\w-]*)")
_COMMENT = re.compile(r"<!-- test: (\w+)[ \n]?(.*?)\s*-->", re.DOTALL)
_SKIP = re.compile(r"because (.+)", re.DOTALL)
_REPLACE = re.compile(r"(.+) by (.+)", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block, or a hidden one."""

    line: int  # of its first line of text, from 1
    language: str
    text: str
    hidden: bool = False
    skipped: str | None = None  # why it is not run


@dataclass
class Page:
    path: Path
    blocks: list[Block] = field(default_factory=list)
    replacements: list[tuple[str, str]] = field(default_factory=list)
    slow: bool = False

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))


def pages() -> list[Page]:
    """Every page that is written, not generated."""
    generated = ROOT / "docs" / "reference"
    found = [path for path in (ROOT / "docs").rglob("*.md") if generated not in path.parents]
    return [read(path) for path in [*sorted(ROOT.glob("*.md")), *sorted(found)]]


def read(path: Path) -> Page:
    """The page in that file. Raises ValueError for a comment that means nothing."""
    page = Page(path)
    lines = path.read_text("utf-8").splitlines()
    skipped: str | None = None
    at = 0
    while at < len(lines):
        if fence := _FENCE.fullmatch(lines[at]):
            end = lines.index(fence[1] + fence[2], at + 1)
            text = textwrap.dedent("\n".join(lines[at + 1 : end]) + "\n")
            if not fence[3]:
                skipped = skipped or "it does not say what it is"
            page.blocks.append(Block(at + 2, fence[3], text, skipped=skipped))
            skipped = None
        elif lines[at].lstrip().startswith("<!-- test:"):
            end = next(i for i in range(at, len(lines)) if lines[i].endswith("-->"))
            comment = textwrap.dedent("\n".join(lines[at : end + 1]))
            skipped = _obey(page, comment, at + 2) or skipped
        else:
            end = at
        at = end + 1
    return page


def _obey(page: Page, comment: str, line: int) -> str | None:
    """Note what a comment says; why the next block is not run, if it says that."""
    match = _COMMENT.fullmatch(comment)
    verb, rest = match.groups() if match else ("", "")
    if verb == "slow" and not rest:
        page.slow = True
    elif verb == "replace" and (pair := _REPLACE.fullmatch(rest)):
        page.replacements.append((pair[1], pair[2]))
    elif verb in ("sh", "python"):
        page.blocks.append(Block(line, verb, rest + "\n", hidden=True))
    elif verb == "skip" and (reason := _SKIP.fullmatch(rest)):
        return " ".join(reason[1].split())
    else:
        raise ValueError(f"{page.name}:{line - 1}: {comment.splitlines()[0]} means nothing")
    return None
