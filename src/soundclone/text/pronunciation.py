"""Dictionary of pronunciations: words as they are written, and how they are spoken."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache

from .ipa import Transcription, touched
from .languages import readers, script_of
from .normalisation import Change, Normalised

LONGEST = 100  # characters of a word, and of its spoken form
MOST_ENTRIES = 1_000


@dataclass(frozen=True)
class Entry:
    """A word or phrase, and its spoken form or its sounds."""

    written: str
    spoken: str = ""  # empty: `ipa` has the sounds
    language: str = ""  # name of `languages.LANGUAGES`; empty: all languages
    match_case: bool = False
    ipa: str = ""  # for engines that speak it; others speak the word as it is written

    def to_json(self) -> dict[str, str | bool]:
        """Return the entry as the database keeps it, readable to earlier releases."""
        data = asdict(self)
        if not self.ipa:
            del data["ipa"]
        return data


def word_pattern(word: str) -> str:
    """Return a regular expression for a word.

    A word that begins or ends with a letter of an alphabet does not match within a longer word.
    Scripts without spaces between words, and Korean, which adds particles, have no such limit.
    """
    before = r"(?<!\w)" if _is_alphabetic(word[0]) else ""
    after = r"(?!\w)" if _is_alphabetic(word[-1]) else ""
    return before + re.escape(word) + after


def occurring(text: str, entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the entries that may matter for a text."""
    folded = unicodedata.normalize("NFC", text).casefold()
    return tuple(entry for entry in entries if entry.written.casefold() in folded)


def applies(entry: Entry, language: str) -> bool:
    """Return true if an entry is for a sentence in a language, or for foreign words within it.

    Args:
        entry: The entry.
        language: Name of the sentence's language. Empty: unknown.
    """
    if entry.language in ("", language):
        return True
    return entry.language == readers().get(script_of(entry.written[0]))


def apply(
    text: str, entries: Sequence[Entry], transcriptions: Sequence[Transcription] = ()
) -> Normalised:
    """Replace words of a text by their spoken forms, or transcribe them.

    The parts of the text with `transcriptions` stay as they are. Of two entries that match at one
    place, the longer applies, then the one of a language, then the one that matches the case, then
    the later. A replacement is not replaced again.
    """
    if not entries:
        return Normalised(text, transcriptions=tuple(transcriptions))
    parts: list[str] = []
    changes: list[Change] = []
    found: list[Transcription] = []
    end = length = 0
    for left, right, entry in _replacements(text, entries, transcriptions):
        spoken = entry.spoken or text[left:right]
        parts += text[end:left], spoken
        start = length + left - end
        length, end = start + len(spoken), right
        if entry.spoken:
            changes.append(Change(start, length, left, end, end))
        else:
            found.append(Transcription(start, length, entry.ipa))
    parts.append(text[end:])
    return Normalised("".join(parts), tuple(changes), tuple(found))


def _replacements(
    text: str, entries: Sequence[Entry], transcriptions: Sequence[Transcription]
) -> list[tuple[int, int, Entry]]:
    """Return the parts of a text that entries or transcriptions apply to, in order."""
    found = [(each.start, each.end, Entry("", ipa=each.ipa)) for each in transcriptions]
    pattern, ordered = _compiled(tuple(entries))
    for match in pattern.finditer(text):
        start, end = match.span()
        if _is_whole(match) and not touched(transcriptions, start, end):
            assert match.lastindex is not None
            found.append((start, end, ordered[match.lastindex - 1]))
    return sorted(found, key=lambda each: each[0])


def matches(text: str, entry: Entry) -> bool:
    """Return true if a text has the word of an entry."""
    return any(map(_is_whole, _compiled_one(entry).finditer(text)))


def _is_whole(match: re.Match[str]) -> bool:
    """Return false before a vowel sign or an accent, which makes it another word."""
    return unicodedata.category(match.string[match.end() : match.end() + 1] or " ")[0] != "M"


@lru_cache(maxsize=4 * MOST_ENTRIES)
def _compiled_one(entry: Entry) -> re.Pattern[str]:
    return re.compile(_expression(entry))


@lru_cache(maxsize=32)
def _compiled(entries: tuple[Entry, ...]) -> tuple[re.Pattern[str], tuple[Entry, ...]]:
    """Return a pattern with a group for each entry, and the entries in the order of the groups."""
    ranks = {
        (len(e.written), bool(e.language), e.match_case, number): e
        for number, e in enumerate(entries)
    }
    ordered = tuple(ranks[rank] for rank in sorted(ranks, reverse=True))
    return re.compile("|".join(f"({_expression(e)})" for e in ordered)), ordered


def _expression(entry: Entry) -> str:
    pattern = word_pattern(entry.written)
    return pattern if entry.match_case else f"(?i:{pattern})"


def _is_alphabetic(character: str) -> bool:
    """Return true if words of the character's script are separated by spaces."""
    return character.isalnum() and (character < "\u0e00" or "\u1e00" <= character < "\u2000")
