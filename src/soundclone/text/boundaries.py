"""Find ends of sentences: terminal punctuation that ends no abbreviation and no number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Literal

from .languages.catalogue import LANGUAGES

_CLOSING = "\"'”’»›)\\]}」』）】》〉"
_END = re.compile(
    rf"(?P<line>\n)|(?P<full>[。！？｡؟۔।॥]+[.!?…。！？]*|(?<=[\u0370-\u03ff\u1f00-\u1fff]);)"
    rf"(?P<closing>[{_CLOSING}]*)|(?P<stop>[.!?…．‼⁇⁈⁉]+)(?P<closed>[{_CLOSING}]*(?: »(?!\S))?)"
)
_INITIALS = re.compile(r"(?:[^\W\d_]{1,2}\.-?)*[^\W\d_]|(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,3}")
_ORDINAL = re.compile(r"[0-9]{1,2}|[IVX]{1,5}")
_OPENING = "\"'([{«„“‘‚‹¿¡*_「『（【《〈"
_BETWEEN = re.compile(r"[\s—–]")  # words
_LONGEST = 20  # characters of a word that may be an abbreviation


@cache
def _abbreviations(kind: Literal["titles", "numbered", "cited"]) -> frozenset[str]:
    """Return the abbreviations of all languages: a text's language may not be known yet."""
    return frozenset(
        word for language in LANGUAGES.values() for word in getattr(language.sentences, kind)
    )


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Yield ranges of the sentences and of the line breaks of a clean text."""
    start = 0
    for match in _END.finditer(text):
        if match["line"]:
            yield start, match.start()
            yield match.start(), match.end()
        elif _ends(text, match):
            yield start, match.end()
        else:
            continue
        start = match.end()
    yield start, len(text)


def is_ended(text: str) -> bool:
    """Return true if a clean text ends with terminal punctuation, and perhaps closing signs."""
    stripped = text.rstrip()
    return any(match.end() == len(stripped) for match in _END.finditer(stripped))


def _ends(text: str, match: re.Match[str]) -> bool:
    after = text[match.end() : match.end() + 1]
    if match["full"]:
        return not (match["closing"] and after.isalnum())
    if not after or after == "\n":
        return True
    if after != " ":
        if "\u0e00" <= after <= "\u0e7f" and match["stop"] == ".":
            return False  # Thai has full stops in abbreviations only
        # Scripts without capitals do not always put a space; "3.14" and "example.org" have none.
        return after.isalpha() and after.upper() == after.lower()
    following = text[match.end() + 1 : match.end() + 2]
    stop = match["stop"]
    if following.islower() and (match["closed"] or stop[-1] in ".…"):
        return False
    if stop != "." or match["closed"]:
        return True
    return not belongs_to_next(text, match.start())


def belongs_to_next(text: str, stop: int) -> bool:
    """Return true if a sentence continues after the full stop at `stop`, before a space.

    Such a full stop ends an abbreviation, an initial or a number.
    """
    word = _BETWEEN.split(text[max(0, stop - _LONGEST) : stop])[-1].lstrip(_OPENING)
    following = text[stop + 2 : stop + 3]
    if "\u0e00" <= word[-1:] <= "\u0e7f":
        return True
    folded = word.casefold()
    return bool(
        (_INITIALS.fullmatch(word) and word < "\u2e80")
        or _ORDINAL.fullmatch(word)
        or folded in _abbreviations("titles")
        or (folded in _abbreviations("numbered") and following.isdigit())
        or (folded in _abbreviations("cited") and (following.isdigit() or following in tuple("([")))
    )
