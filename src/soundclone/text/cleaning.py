"""Clean a text for engines, with the original position of each character."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_MARKS = 4  # the most that a letter has in living orthographies
_FULL_LINE = 40  # characters, from where on a line may have been broken for its length
_LINE_BREAKS = frozenset("\n\v\f\r\x85\u2028\u2029")
JOINERS = "\u200c\u200d"
_SELECTOR = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# Letters and digits that are others in disguise: Latin and Arabic ligatures, half and full width,
# mathematical alphabets.
_DISGUISED = re.compile(
    "[\ufb00-\ufb06\ufb13-\ufb17\ufb1d-\ufdfb\ufe70-\ufefc\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
    "\uff66-\uff9f\U0001d400-\U0001d7ff]"
)


def clean(text: str) -> str:
    """Clean a text without pause markers for an engine.

    A run of line breaks of any kind becomes one line feed, or a space where a sentence evidently
    continues in the next line. Other white space and control characters become single spaces, and
    none is left at the ends. Format characters (zero-width, bidirectional, soft hyphens),
    variation selectors, private and unassigned characters are left out, but for the joiners
    inside words of Arabic and Indic scripts. Letters are composed (NFC). Letters of compatibility
    blocks become the ordinary ones. Combining marks beyond the fourth on a letter are left out.
    """
    return cleaned(text)[0].strip()


def cleaned(text: str) -> tuple[str, list[int]]:
    """Return the clean text, with white space at its ends, and the origin of each character."""
    characters: list[str] = []
    origins: list[int] = []
    space, space_origin = "", 0
    line = 0  # where the line in hand begins in the text
    for start, end in _clusters(text):
        base = text[start]
        if base in _LINE_BREAKS or base.isspace() or unicodedata.category(base) == "Cc":
            if not space:
                space_origin = start
            space = "\n" if base in _LINE_BREAKS or space == "\n" else " "
            continue
        plain = _plain(text, start, end)
        if not plain:
            continue
        if space:
            if space == "\n":
                full = space_origin - line >= _FULL_LINE
                if full and _goes_on(characters[-1], plain[0]):
                    space = " "
                line = start
            characters.append(space)
            origins.append(space_origin)
            space = ""
        characters.extend(plain)
        origins.extend(start + min(index, end - start - 1) for index in range(len(plain)))
    if space:
        characters.append(space)
        origins.append(space_origin)
    return "".join(characters), origins


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Yield ranges of characters with their marks, close to grapheme clusters (UAX #29)."""
    start = 0
    for index in range(1, len(text) + 1):
        if index == len(text) or not extends(text[index]):
            if start < index:
                yield start, index
            start = index


def extends(character: str) -> bool:
    """Tell whether a character belongs to the character before it, as a combining mark does."""
    return character >= "\u0300" and (
        unicodedata.category(character)[0] == "M"
        or "\u1160" <= character <= "\u11ff"  # vowels and finals of Hangul
        or character in "\uff9e\uff9f"  # voicing of half-width kana
        or "\U0001f3fb" <= character <= "\U0001f3ff"  # skin tones
    )


def _plain(text: str, start: int, end: int) -> str:
    if end - start == 1 and text[start] < "\u0080":
        return text[start]
    if text[start] in JOINERS:
        between = start and end == start + 1 < len(text)
        return text[start] if between and _joins(text[start - 1]) and _joins(text[end]) else ""
    form, marks = "", 0
    for character in text[start:end]:
        category = unicodedata.category(character)
        if category in ("Cf", "Cs", "Co", "Cn") or _SELECTOR.match(character):
            continue
        marks += category[0] == "M"
        if marks <= _MARKS or category[0] != "M":
            form += character
    if _DISGUISED.match(form):
        ordinary = unicodedata.normalize("NFKC", form)
        # One character of Arabic stands for a whole sentence.
        return ordinary if len(ordinary) <= 4 * len(form) else form
    return unicodedata.normalize("NFC", form)


def _joins(character: str) -> bool:
    return "\u0600" <= character < "\u0e00"


def _goes_on(before: str, after: str) -> bool:
    """Return true if a line break between the two characters only wraps a full line."""
    return after.islower() and (before.isalnum() or before in ",;-–—")
