"""Text normalisation: turn a sentence as written into the words that a speaker reads aloud.

    reader         finds what has to be verbalised in a sentence, with all rules of a language
    numbers        numbers, telephone numbers, fractions and arithmetic signs
    dates          dates, years and times of day
    quantities     units of measurement and amounts of money
    symbols        abbreviations, addresses, emoji and bullets
    cldr           data and plural rules of the Unicode CLDR
    result         the normalised sentence, with the way back to the written one

Numbers stay digits, without thousands separators, because every engine reads those of its
languages. Only forms that engines read wrongly become words. The CLDR has the words of units,
currencies, months and emoji; the language's file in `text.languages` has the others.
Normalisation takes time linear in the length of the sentence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from ..ipa import Transcription, touched
from ..languages import LANGUAGES
from .reader import reader
from .result import Change, Normalised

__all__ = ["Change", "Normalised", "normalise", "plain_digits"]

_DIGIT = re.compile("(?![0-9])[\\d\u2460-\u2468\u2776-\u277e\u2780-\u2788]")


def normalise(text: str, language: str, transcriptions: Sequence[Transcription] = ()) -> Normalised:
    """Verbalise a sentence without line breaks in a language of `LANGUAGES`.

    The parts with `transcriptions` stay as they are written.
    """
    rules = reader(LANGUAGES[language])
    text = plain_digits(text)
    parts: list[str] = []
    changes: list[Change] = []
    end = length = 0
    for match in rules.pattern.finditer(text):
        words = rules.verbalise(match)
        if words is None or touched(transcriptions, *match.span()):
            continue
        words = _spaced(text, match.start(), match.end(), words)
        if words == match[0]:
            continue
        parts += text[end : match.start()], words
        start = length + match.start() - end
        length, end = start + len(words), match.end()
        left = match.start() + len(match[0]) - len(match[0].lstrip())
        changes.append(Change(start, length, left, left + len(match[0].strip()), end))
    parts.append(text[end:])
    return Normalised("".join(parts), tuple(changes), _moved(transcriptions, changes))


def _moved(
    transcriptions: Sequence[Transcription], changes: Sequence[Change]
) -> tuple[Transcription, ...]:
    """Return transcriptions of a written sentence at their places in the normalised one."""
    found: list[Transcription] = []
    at = distance = 0
    for part in transcriptions:
        while at < len(changes) and changes[at].resumes <= part.start:
            distance = changes[at].end - changes[at].resumes
            at += 1
        found.append(replace(part, start=part.start + distance, end=part.end + distance))
    return tuple(found)


def plain_digits(text: str) -> str:
    """Replace digits of every script, and circled digits, by 0 to 9. The length stays the same."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.digit(c)) if _DIGIT.match(c) else c for c in text)


def _spaced(text: str, start: int, end: int, words: str) -> str:
    """Add spaces to the words for `text[start:end]` where they would join their neighbours."""
    if words and start and _alphanumeric(text[start - 1]) and _alphanumeric(words[0]):
        words = " " + words
    if words and end < len(text) and _alphanumeric(text[end]) and _alphanumeric(words[-1]):
        words += " "
    return words


def _alphanumeric(character: str) -> bool:
    return character.isalnum() and character < "\u2e80"
