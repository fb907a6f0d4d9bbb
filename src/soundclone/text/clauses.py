"""Clauses of a text that arrives in pieces, which can be spoken before the rest is known."""

from __future__ import annotations

import re

from . import boundaries

_CLAUSE = re.compile(
    r"[,;:،؛·](?=\s)|\s[—–-](?=\s)|[，、；：](?=.)"
    r"|(?<=[\u0e00-\u0e7f])(?=\s[\u0e00-\u0e7f])"  # Thai has spaces between clauses alone
)
_BETWEEN = re.compile(r"(?<=.)(?:(?<!\d)\s|\s(?!\d))")  # words, but not the digits of "10 000"
_LONGEST = 200  # weight without the end of a sentence, after which a text is cut elsewhere
_DENSE = "\u2e80"  # first character of the scripts that write a syllable or a word with each
_DENSITY = 3  # letters of an alphabet that take as long to speak as one of these
_PROBE = "A"  # a capital letter, which begins a sentence wherever one can begin


class ClauseBuffer:
    """Text that has arrived and has not been spoken.

    A sentence is complete when the white space after it has arrived. While the listener would
    otherwise wait, a clause may end at a comma too.
    """

    def __init__(self, shortest: int = 20) -> None:
        """Create an empty buffer.

        Args:
            shortest: Least weight of a clause that ends at a comma, see `weight`.
        """
        self._shortest = shortest
        self._waiting = ""

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, text: str, *, early: bool) -> list[str]:
        """Append text, and return the clauses that are complete now, in order.

        Args:
            text: The text.
            early: True if the listener waits, so that the first clause may end at a comma.
        """
        self._waiting += text
        found: list[str] = []
        while end := self._end(early and not found):
            found.append(self._waiting[:end])
            self._waiting = self._waiting[end:]
        return found

    def flush(self) -> str:
        """Return the rest of the text, which is empty afterwards."""
        rest, self._waiting = self._waiting, ""
        return rest

    def _end(self, early: bool) -> int:
        """Return the index after the first complete clause, 0 if there is none."""
        text = self._waiting
        sentence = _first_sentence(text)
        clause = self._first_clause(text) if early else 0
        if ends := [each for each in (sentence, clause) if each]:
            return _with_space(text, min(ends))
        if weight(text) <= _LONGEST:
            return 0
        longest = _LONGEST if text[0] < _DENSE else _LONGEST // _DENSITY
        for pattern in (_CLAUSE, _BETWEEN):
            if cuts := [each.end() for each in pattern.finditer(text[:longest])]:
                return _with_space(text, cuts[-1])
        return min(longest, len(text))

    def _first_clause(self, text: str) -> int:
        """Return the index after the first clause that is long enough, 0 if there is none."""
        for match in _CLAUSE.finditer(text):
            if weight(text[: match.end()]) >= self._shortest:
                return match.end()
        return 0


def weight(text: str) -> int:
    """Return the length of a text in letters of an alphabet that take as long to speak."""
    return len(text) + (_DENSITY - 1) * sum(each >= _DENSE for each in text)


def _first_sentence(text: str) -> int:
    """Return the index after the first sentence that is certainly complete, 0 if none is."""
    kept = text.rstrip()
    whole = len(kept) < len(text)  # or else the last sentence may go on
    seen = f"{kept} {_PROBE}" if whole else text
    for start, end in boundaries.sentences(seen):
        if end == len(seen):
            break
        if any(character.isalnum() for character in text[start:end]):
            return end
    return 0


def _with_space(text: str, end: int) -> int:
    """Return the index after the white space that follows `end`."""
    while end < len(text) and text[end].isspace():
        end += 1
    return end
