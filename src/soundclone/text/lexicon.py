"""Entries of dictionaries that apply to the texts of a script."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from .pronunciation import Entry, applies, matches

Worded = tuple[str, str | None]
"""Text and the name of its language, which leaves out entries of others. None: unknown."""


class Lexicon:
    """Entries, and the readings of texts that they give."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = [(_fold(entry.written), entry) for entry in entries]

    def __bool__(self) -> bool:
        return bool(self._entries)

    def reading(self, text: str, language: str | None = None) -> str:
        """Return a hash of the entries that match a text, empty if none does."""
        return self.readings([(text, language)])[0]

    def readings(self, texts: Sequence[Worded]) -> list[str]:
        """Return the hashes of the entries that match texts, empty where none does.

        Each entry is looked for in all texts at once, which takes a tenth of the time.
        """
        found: list[set[tuple[str, ...]]] = [set() for _ in texts]
        for place, folded, entry in self._candidates([text for text, _ in texts]):
            text, language = texts[place]
            if (language is None or applies(entry, language)) and matches(text, entry):
                ipa = (entry.ipa,) if entry.ipa else ()
                found[place].add((folded, entry.spoken, entry.language, *ipa))
        return [
            hashlib.sha256(json.dumps(sorted(each)).encode()).hexdigest()[:32] if each else ""
            for each in found
        ]

    def _candidates(self, texts: Sequence[str]) -> Iterator[tuple[int, str, Entry]]:
        """Yield the places of texts that may have an entry's word, perhaps within other words."""
        folded = [_fold(text) for text in texts]
        whole = "\n".join(folded)
        ends = list(accumulate(len(text) + 1 for text in folded))
        for word, entry in self._entries:
            at = whole.find(word)
            while at >= 0:
                place = bisect_right(ends, at)
                yield place, word, entry
                at = whole.find(word, ends[place])


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
