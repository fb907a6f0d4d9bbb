"""Pronunciations that a request gives: words of its text, and what to speak in their place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import InvalidParameter
from ...text.pronunciation import word_pattern

MOST_ENTRIES = 500
LONGEST_ENTRY = 200  # characters
_MARKER = r"<#[^#<>]*#>"  # of a pause, which stays as it is
_PHONETIC = re.compile(r"\([^()]*\)")  # pinyin or another transcription: (chu3)(li3)


@dataclass(frozen=True)
class Pronounced:
    """Text to speak. `ignored` has the entries that only a phonetic engine could follow."""

    text: str
    ignored: tuple[str, ...] = ()


def apply(text: str, entries: Sequence[str]) -> Pronounced:
    """Replace words by their spoken forms.

    Longer words are replaced first, and a replacement is not replaced again. A word that begins or
    ends with a letter of an alphabet does not match within a longer word.

    Args:
        text: The text, with pause markers.
        entries: `written/spoken`, such as `omg/oh my god`. Entries whose spoken form is a
            transcription in parentheses are ignored.

    Raises:
        InvalidParameter: An entry has another form, or there are too many.
    """
    if len(entries) > MOST_ENTRIES:
        raise InvalidParameter(
            f"pronunciation_dict.tone has {len(entries)} entries; at most {MOST_ENTRIES} are taken",
            param="pronunciation_dict",
        )
    spoken: dict[str, str] = {}
    ignored: list[str] = []
    for entry in entries:
        written, slash, reading = (part.strip() for part in entry.partition("/"))
        if not (written and slash and reading) or len(entry) > LONGEST_ENTRY:
            raise InvalidParameter(
                f"pronunciation_dict.tone has {entry[:40]!r}; an entry must be written/spoken, of "
                f"at most {LONGEST_ENTRY} characters",
                param="pronunciation_dict",
            )
        if _PHONETIC.search(reading):
            ignored.append(entry)
        else:
            spoken[written] = reading
    if spoken:
        words = "|".join(map(word_pattern, sorted(spoken, key=len, reverse=True)))
        pattern = re.compile(f"({_MARKER})|{words}")
        text = pattern.sub(lambda match: match[1] or spoken[match[0]], text)
    return Pronounced(text, tuple(ignored))
