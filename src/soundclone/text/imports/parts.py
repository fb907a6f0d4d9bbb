"""Texts of requests that speak a chapter: each within the limit of a request."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...errors import InvalidParameter
from ..boundaries import sentences
from ..script import billable
from ..splitting import split
from .document import Chapter

_MARKER = re.compile(r"<#[0-9.]+#>")  # of a pause

LIMIT = 10_000  # characters of a request
BEFORE, AFTER_TITLE, END = 0.5, 1.0, 2.0
"""Seconds of pause before a chapter, after its title and at its end."""


def parts(chapter: Chapter, *, title: bool = True, limit: int = LIMIT) -> tuple[str, ...]:
    """Return the texts that speak a chapter, of about equal length.

    A text ends with a paragraph. Only a paragraph that is longer than the limit is cut, between two
    sentences where that is possible. A chapter without any letter or digit has no texts.

    Args:
        chapter: The chapter.
        title: True to speak the title before the text.
        limit: Most characters of a text, without its pause markers.
    """
    pieces = [piece for each in chapter.paragraphs for piece in pieces_of(safe(each), limit)]
    if title and chapter.title:
        heading = list(pieces_of(safe(chapter.title), limit))
        pieces = [*heading[:-1], f"{heading[-1]}\n<#{AFTER_TITLE:g}#>", *pieces]
    pieces = [piece for piece in pieces if has_words(piece) or _MARKER.search(piece)]
    if not any(map(has_words, pieces)):
        return ()
    pieces[0] = f"<#{BEFORE:g}#>{pieces[0]}"
    texts = _joined(pieces, limit)
    return (*texts[:-1], f"{texts[-1]}\n<#{END:g}#>")


def _joined(pieces: list[str], limit: int) -> list[str]:
    """Join paragraphs to as few texts as the limit allows, of about equal length."""
    size = sum(billable(piece) + 2 for piece in pieces)
    # A line break is left after each paragraph, and one before the last pause.
    room = limit - 4
    target = size / -(-size // room)
    texts: list[str] = []
    text, length = "", 0
    for piece in pieces:
        more = billable(piece) + 2
        if text and (length + more > room or length + more / 2 > target):
            texts.append(text)
            text, length = "", 0
        text += ("\n\n" if text else "") + piece
        length += more
    return [*texts, text]


def pieces_of(paragraph: str, limit: int) -> Iterator[str]:
    """Yield a paragraph, or its parts if it is longer than a text may be."""
    room = limit // 2  # of a part with its pause markers
    if len(paragraph) <= limit - 100:
        yield paragraph
        return
    waiting = ""
    for start, end in sentences(paragraph):
        for a, b in split(paragraph, start, end, room):
            if waiting and len(waiting) + b - a + 1 > room:
                yield waiting
                waiting = ""
            waiting += (" " if waiting else "") + paragraph[a:b]
    if waiting:
        yield waiting


def safe(paragraph: str) -> str:
    """Return a paragraph whose signs make no malformed pause marker."""
    try:
        billable(paragraph)
    except InvalidParameter:
        return paragraph.replace("<#", "<")
    return paragraph


def has_words(text: str) -> bool:
    """Return true if a text has a letter or a digit outside its pause markers."""
    return any(map(str.isalnum, _MARKER.sub("", text)))
