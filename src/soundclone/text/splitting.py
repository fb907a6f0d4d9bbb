"""Parts of a sentence that is too long for an engine or for a line."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cache

from .boundaries import belongs_to_next
from .cleaning import JOINERS, extends
from .languages.catalogue import LANGUAGES


def is_dense(text: str) -> bool:
    """Return true if most letters are ideographs, kana or Hangul, which need less space."""
    letters = sum(map(str.isalpha, text))
    return 2 * sum("\u2e80" <= c <= "\ud7ff" or c >= "\U00020000" for c in text) > letters


_CLAUSE = re.compile(r"[,;:،؛]\s|[，、；：]|[.!?…]\s|\s[-–—]\s|—")
_SPACE = re.compile(r"\s")


@cache
def _conjunction() -> re.Pattern[str]:
    """Return a pattern of the space before a conjunction of any language."""
    words = {word for language in LANGUAGES.values() for word in language.sentences.conjunctions}
    return re.compile(rf"\s(?=(?:{'|'.join(map(re.escape, sorted(words)))})\s)")


def split(
    text: str, start: int, end: int, limit: int, words: Sequence[int] = ()
) -> Iterator[tuple[int, int]]:
    """Split `text[start:end]` into ranges of about equal length and at most `limit` characters.

    Each cut is at the best place there is: after a clause, before a conjunction, at a space,
    between words, or between two characters. Ranges have no white space at their ends. `words` are
    starts of words in `text`, ascending, for scripts that do not write spaces.
    """
    start, end = _strip(text, start, end)
    while end - start > limit:
        ideal = (end - start) // -(-(end - start) // limit)
        cut = _cut(text, start, start + max(ideal, 1), start + limit, words)
        yield _strip(text, start, cut)
        start, end = _strip(text, cut, end)
    if start < end:
        yield start, end


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _cut(text: str, start: int, ideal: int, limit: int, words: Sequence[int]) -> int:
    """Return the place for a cut after `start` and not after `limit`.

    Of the places of the best kind, the place closest to `ideal` is taken.
    """
    least = (start + ideal) // 2

    def after(pattern: re.Pattern[str]) -> Iterator[int]:
        return (match.end() for match in pattern.finditer(text, least, limit + 1))

    kinds: tuple[Callable[[], Iterator[int]], ...] = (
        lambda: (place for place in after(_CLAUSE) if not _abbreviated(text, place)),
        lambda: after(_conjunction()),
        lambda: (place for place in after(_SPACE) if not _bound(text, place)),
        lambda: after(_SPACE),
        lambda: iter(words[bisect_right(words, least) : bisect_right(words, limit)]),
        lambda: (index for index in range(start + 1, limit + 1) if _divides(text, index)),
    )
    for places in kinds:
        # A space after the limit is dropped with the white space.
        found = [place for place in places() if start < place <= limit + text[limit].isspace()]
        if found:
            return min(found, key=lambda place: abs(place - ideal))
    return limit


def _abbreviated(text: str, place: int) -> bool:
    """Return true if the clause continues after the full stop: "9:30 a.m. on Monday"."""
    return text[place - 2] == "." and (
        text[place : place + 1].islower() or belongs_to_next(text, place - 2)
    )


_DOTTED = re.compile(r"[^\W\d_]\.\s?[^\W\d_]\.")


def _bound(text: str, place: int) -> bool:
    """Return true if the words around the space before `place` belong on one line.

    Examples are "Prof. White" and "9:30 a.m.".
    """
    before = text[place - 2]
    if before.isdigit():
        return bool(_DOTTED.match(text, place))
    return before == "." and belongs_to_next(text, place - 2)


def _divides(text: str, index: int) -> bool:
    joined = text[index - 1] in JOINERS or text[index] in JOINERS
    return not joined and not extends(text[index])
