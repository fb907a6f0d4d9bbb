"""Bounds of the seconds that a sentence may last, from its letters."""

from __future__ import annotations

import re
import unicodedata

# Letters a second of the built-in engine's source, medians of the languages written so. What is
# in no row is read as letters of the Latin, Greek and Cyrillic scripts are.
_PACES = (
    ("\u0590", "\u08ff", 7.5),  # Hebrew, Arabic: vowels are not written
    ("\u0900", "\u0dff", 6.5),  # Devanagari to Sinhala
    ("\u0e00", "\u0fff", 8.0),  # Thai
    ("\u1100", "\u11ff", 9.0),  # Hangul by letters
    ("\u2e80", "\u303f", 3.5),
    ("\u3040", "\u30ff", 7.0),  # kana
    ("\u3100", "\u9fff", 3.5),  # ideographs
    ("\uac00", "\ud7ff", 4.5),  # Hangul
    ("\uf900", "\ufaff", 3.5),
    ("\U00020000", "\U0003ffff", 3.5),
)
_LETTERS = 11.5
_SPELLED = 0.9  # seconds of a spelled letter, a digit or the name of a symbol
_NAMED = 4.0  # of a pictograph or a letter that no language here has
_FASTEST, _SLOWEST = 4.0, 3.5  # times the pace
_SLACK = 2.0  # seconds


def duration_bounds(text: str, speed: float = 1.0) -> tuple[float, float]:
    """Return the least and the most seconds of a sentence, with any speaker and emotion."""
    least = most = 0.0
    for word in re.findall(r"\w+|[^\w\s]", text):
        spelled = _is_spelled(word)
        for character in word:
            category = unicodedata.category(character)
            if category[0] == "L":
                pace = _pace(character)
                least += 1 / pace if pace else 0.0
                named = _NAMED if not pace else _SPELLED
                most += named if spelled or not pace else _SLOWEST / pace
            elif category[0] != "M":
                most += _NAMED if category == "So" else _SPELLED
    return least / _FASTEST / speed, (most + _SLACK) / speed


def _is_spelled(word: str) -> bool:
    """Return true for words that may be spelled: BBC, www, and words of unusual length."""
    plain = unicodedata.normalize("NFD", word)
    vowels = re.search("[aeiouyæøœəɐαεηιουωаеёиоуыэюяєіїў]", plain, re.IGNORECASE)
    cased = plain[:1].lower() != plain[:1].upper()
    return (cased and (word.isupper() or not vowels)) or len(word) > 30


def _pace(character: str) -> float | None:
    """Return letters a second of the character's script, or None if no language uses the script."""
    for first, last, pace in _PACES:
        if first <= character <= last:
            return pace
    known = character < "\u0590" or "\u1d00" <= character < "\u2000"
    return _LETTERS if known else None
