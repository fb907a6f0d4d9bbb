"""Index of the entries of dictionaries, for scripts with thousands of texts."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable

from .pronunciation import Entry, applies, matches

_START = 3  # characters of a word that the index has


class Lexicon:
    """Entries, and the readings of texts that they give."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._starts: dict[str, list[tuple[str, Entry]]] = {}
        for entry in entries:
            folded = _fold(entry.written)
            self._starts.setdefault(folded[:_START], []).append((folded, entry))
        self._lengths = {len(start) for start in self._starts}

    def __bool__(self) -> bool:
        return bool(self._starts)

    def reading(self, text: str, language: str | None = None) -> str:
        """Return a hash of the entries that match a text, empty if none does.

        Args:
            text: The text.
            language: Name of its language, which leaves out entries of others. None: unknown.
        """
        found = sorted(
            {
                (folded, entry.spoken, entry.language)
                for folded, entry in self._candidates(text)
                if (language is None or applies(entry, language)) and matches(text, entry)
            }
        )
        return hashlib.sha256(json.dumps(found).encode()).hexdigest()[:32] if found else ""

    def _candidates(self, text: str) -> Iterable[tuple[str, Entry]]:
        """Yield the entries whose words a text has, perhaps within other words."""
        if not self._starts:
            return
        folded = _fold(text)
        starts = {folded[at : at + length] for length in self._lengths for at in range(len(folded))}
        for start in starts & self._starts.keys():
            for word, entry in self._starts[start]:
                if word in folded:
                    yield word, entry


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
