"""Clauses of a text that arrives in pieces, which can be spoken before the rest is known."""

from __future__ import annotations

import re

from . import boundaries

_CLAUSE = re.compile(r"[,;:،؛](?=\s)|\s[—–-](?=\s)|[，、；：](?=.)")
_LONGEST = 200  # characters without the end of a clause, after which a text is cut between words
_PROBE = "A"  # a capital letter, which begins a sentence wherever one can begin


class ClauseBuffer:
    """Text that has arrived and has not been spoken.

    A sentence is complete when the white space after it has arrived. The first clause of a text may
    end at a comma too, so that its sound begins early.
    """

    def __init__(self, shortest: int = 20) -> None:
        """Create an empty buffer.

        Args:
            shortest: Least length in characters of a first clause that ends at a comma.
        """
        self._shortest = shortest
        self._waiting = ""
        self._begun = False

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, text: str) -> list[str]:
        """Append text, and return the clauses that are complete now, in order."""
        self._waiting += text
        found = []
        while end := self._end():
            found.append(self._waiting[:end])
            self._waiting = self._waiting[end:]
            self._begun = True
        return found

    def flush(self) -> list[str]:
        """Return the rest of the text, which is empty afterwards."""
        rest, self._waiting = self._waiting, ""
        return [rest] if rest.strip() else []

    def _end(self) -> int:
        """Return the index after the first complete clause, 0 if there is none."""
        text = self._waiting
        first = _first_sentence(text)
        clause = 0
        if not self._begun:
            for match in _CLAUSE.finditer(text):
                if match.end() >= self._shortest:
                    clause = match.end()
                    break
        ends = [each for each in (first, clause) if each]
        if ends:
            return _with_space(text, min(ends))
        if len(text) <= _LONGEST:
            return 0
        cut = max(text.rfind(space, 1, _LONGEST) for space in " \n")
        return _with_space(text, cut) if cut > 0 else _LONGEST


def _first_sentence(text: str) -> int:
    """Return the index after the first sentence that is certainly complete, 0 if none is."""
    kept = text.rstrip()
    if len(kept) == len(text):  # the last sentence may go on
        ranges = [each for each in boundaries.sentences(text) if each[1] < len(text)]
    else:
        ranges = [*boundaries.sentences(f"{kept} {_PROBE}")][:-1]
    for start, end in ranges:
        if any(character.isalnum() for character in text[start:end]):
            return end
    return 0


def _with_space(text: str, end: int) -> int:
    """Return the index after the white space that follows `end`."""
    while end < len(text) and text[end].isspace():
        end += 1
    return end
