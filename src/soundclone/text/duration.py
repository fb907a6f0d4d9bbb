"""Seconds of speech in a text, estimated before it is spoken.

A price counts what is written, and some writing is long when it is read out: one emoji can be a
name of thirty letters. So the seconds of speech that a character may cost are bounded.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import InvalidParameter
from . import languages
from .languages import Language
from .normalisation import normalise
from .script import Pause, Script, parse

SPEECH, SPEECH_A_CHARACTER = 20.0, 0.6  # seconds that any text may last, and each of its characters

# Seconds of a letter as the built-in engine reads it, by the last character of a range.
_LETTERS = (
    ("\u052f", 0.105),  # Latin, Greek, Cyrillic
    ("\u058f", 0.55),  # Armenian
    ("\u08ff", 0.17),  # Hebrew, Arabic: vowels are not written
    ("\u09ff", 0.17),  # Devanagari, Bengali
    ("\u0b7f", 1.0),
    ("\u0bff", 0.17),  # Tamil
    ("\u0dff", 1.0),
    ("\u0e7f", 0.15),  # Thai
    ("\u109f", 2.3),
    ("\u10ff", 0.12),  # Georgian
    ("\u11ff", 0.1),  # Hangul by letters
    ("\u1cff", 2.3),
    ("\u20cf", 0.13),  # Latin and Greek with marks
    ("\u2bff", 2.0),  # letters as symbols, Roman numerals
    ("\u2e7f", 2.3),
    ("\u303f", 0.4),
    ("\u312f", 0.25),  # kana
    ("\u31ff", 0.1),
    ("\u9fff", 0.42),  # ideographs
    ("\ua63f", 2.0),
    ("\uabff", 1.0),
    ("\ud7ff", 0.26),  # Hangul
    ("\ufaff", 0.42),
    ("\ufeff", 0.2),
    ("\U0010ffff", 2.5),  # letters that are read by their names
)
_SPELLED = 0.3  # of a letter in a word without vowels or without small letters
_DIGIT, _LONE_DIGIT = 0.58, 0.35  # of a number, and of a number with one digit
_NUMERAL = 2.0  # of Roman numerals and fractions that are one character
_SYMBOL = 1.0
_PUNCTUATION, _OTHER_PUNCTUATION = 0.1, 0.3
_USUAL = frozenset(".,;:!?'\"()-–—…«»“”‘’„、。，！？：；")
_GAP, _PARAGRAPH = 0.35, 0.7  # after a sentence
_VOWELS = re.compile("[aeiouyæøœəɐαεηιουωаеёиоуыэюяєіїў]", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+|[0-9]+|[^\w\s]|_")


@dataclass(frozen=True)
class Length:
    """Estimated seconds of a text at speed 1."""

    speech: float
    pauses: float


def measure(text: str, language: Language) -> Length:
    """Estimate the length of a text in a language.

    The text is normalised as synthesis normalises it. The work is linear in its length.
    """
    script = parse(text)
    speech = 0.0
    for sentence in script.sentences:
        speech += _seconds(normalise(sentence.text, language.name).text)
        speech += _PARAGRAPH if sentence.paragraph_end else _GAP
    return Length(speech, pauses_of(script))


def pauses_of(script: Script) -> float:
    """Return the seconds of all pause markers of a text."""
    return float(sum(piece.seconds for piece in script.pieces if isinstance(piece, Pause)))


def most_speech(characters: int) -> float:
    """Return the maximum seconds of speech, at speed 1, for a number of billed characters."""
    return SPEECH + SPEECH_A_CHARACTER * characters


def check(text: str, characters: int, language: Language) -> Length:
    """Estimate the length of a text.

    Raises:
        InvalidParameter: the speech is too long for the billed characters.
    """
    length = measure(text, language)
    most = most_speech(characters)
    if length.speech > most:
        raise InvalidParameter(
            f"the text would be about {length.speech:.0f} s of speech; {characters} characters may "
            f"have {most:.0f} s, which is {SPEECH:.0f} s and {SPEECH_A_CHARACTER:g} s for each "
            "character; use fewer emoji, symbols and digits for each word",
            param="contentText",
        )
    return length


def read_as(candidates: Sequence[Language]) -> Language:
    """Return the language to estimate a text with, of those that its letters allow."""
    english = languages.LANGUAGES["English"]
    return english if english in candidates else candidates[0]


def _seconds(said: str) -> float:
    total = 0.0
    letters = "".join(c for c in said if unicodedata.category(c)[0] != "M")
    for word in _WORD.findall(letters):
        first = word[0]
        if first.isdecimal():
            total += _LONE_DIGIT if len(word) == 1 else _DIGIT * len(word)
        elif not first.isalpha():
            total += sum(map(_sign, word))
        elif len(word) == 1 and first < "\u2e80":
            total += max(_SPELLED, _letter(first))
        elif _spelled(word):
            total += _SPELLED * len(word)
        else:
            total += sum(map(_letter, word))
    return total


def _sign(character: str) -> float:
    if character in _USUAL:
        return _PUNCTUATION
    kind = unicodedata.category(character)[0]
    return {"N": _NUMERAL, "S": _SYMBOL}.get(kind, _OTHER_PUNCTUATION)


def _spelled(word: str) -> bool:
    cased = word[0].lower() != word[0].upper()
    return cased and (word.isupper() or not _VOWELS.search(unicodedata.normalize("NFD", word)))


def _letter(character: str) -> float:
    for last, seconds in _LETTERS:
        if character <= last:
            return seconds
    return 0.0
