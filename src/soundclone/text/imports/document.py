"""Structure of an imported document: chapters of paragraphs, and cues with times."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...errors import InvalidParameter

MOST_CHARACTERS = 5_000_000  # of a document: ten long novels
MOST_CHAPTERS = 2_000


@dataclass(frozen=True)
class Chapter:
    """A chapter. The title is empty for text before the first heading."""

    title: str
    paragraphs: tuple[str, ...]

    @property
    def characters(self) -> int:
        """Characters of the paragraphs."""
        return sum(map(len, self.paragraphs))


@dataclass(frozen=True)
class Cue:
    """A subtitle: a text and when it is shown."""

    start: float  # seconds
    end: float
    text: str  # one line
    speaker: str = ""


@dataclass(frozen=True)
class Document:
    """A book or subtitles.

    Subtitles have one chapter, with a paragraph for each cue.
    """

    chapters: tuple[Chapter, ...]
    title: str = ""
    author: str = ""
    language: str = ""  # BCP 47
    cues: tuple[Cue, ...] = ()
    cover: bytes = b""  # JPEG or PNG
    ssml: str = ""  # the whole document, if it is SSML


@dataclass(frozen=True)
class Block:
    """A paragraph, or a heading of a level from 1."""

    text: str
    level: int = 0


def refuse(reason: str) -> InvalidParameter:
    """Return the error for a file that cannot be read."""
    return InvalidParameter(f"the file cannot be read: {reason}", param="file")


def one_line(text: str) -> str:
    """Return a text with single spaces for any white space."""
    return " ".join(text.split())


def paragraph(text: str) -> str:
    """Return a paragraph without spaces around its lines and without empty lines."""
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def checked(document: Document) -> Document:
    """Return a document without empty chapters.

    Raises:
        InvalidParameter: The document has no text, or too much of it.
    """
    chapters = tuple(each for each in document.chapters if each.title or each.paragraphs)
    if not any(each.paragraphs for each in chapters):
        raise refuse("it has no text")
    if len(chapters) > MOST_CHAPTERS:
        raise refuse(f"it has {len(chapters):,} chapters; at most {MOST_CHAPTERS:,} are allowed")
    characters = sum(each.characters for each in chapters)
    if characters > MOST_CHARACTERS:
        raise refuse(f"it has {characters:,} characters; at most {MOST_CHARACTERS:,} are allowed")
    return replace(document, chapters=chapters)


def by_headings(blocks: Sequence[Block]) -> tuple[str, tuple[Chapter, ...]]:
    """Return the title and the chapters of a document.

    Headings of the highest level begin chapters. A single heading of the highest level before all
    others is the title of the document.
    """
    levels = Counter(block.level for block in blocks if block.level)
    title, rest = "", list(blocks)
    top = min(levels, default=0)
    if len(levels) > 1 and levels[top] == 1 and rest[0].level == top:
        title = rest.pop(0).text
        top = min(level for level in levels if level != top)
    chapters: list[Chapter] = []
    heading: str = ""
    paragraphs: list[str] = []
    for block in rest:
        if block.level and block.level == top:
            if heading or paragraphs:
                chapters.append(Chapter(heading, tuple(paragraphs)))
            heading, paragraphs = one_line(block.text), []
        elif block.text:
            paragraphs.append(block.text)
    chapters.append(Chapter(heading, tuple(paragraphs)))
    return one_line(title), tuple(chapters)


def repeats(heading: str, title: str) -> bool:
    """Return true if a heading only repeats a part of the title, apart from signs and case."""
    bare = re.sub(r"[\W_]+", "", heading.casefold())
    return bool(bare) and bare in re.sub(r"[\W_]+", "", title.casefold())
