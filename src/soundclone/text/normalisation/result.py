"""A normalised sentence, and where each part of it was written."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from ..ipa import Transcription


@dataclass(frozen=True)
class Change:
    """A verbalised part, as ranges in code points."""

    start: int  # in the normalised sentence
    end: int
    written_start: int
    written_end: int
    resumes: int  # where the written sentence continues, after a space that was read as well


@dataclass(frozen=True)
class Normalised:
    """A sentence with its numbers, symbols and abbreviations verbalised."""

    text: str
    changes: tuple[Change, ...] = ()  # in order, without overlaps
    transcriptions: tuple[Transcription, ...] = ()  # of parts of the text, in order

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Return the range of the written sentence that `text[start:end]` stands for.

        The range of `text` must not be empty. A part of a change counts as the whole change.
        """
        return self._place(start, first=True), self._place(end - 1, first=False) + 1

    def _place(self, index: int, *, first: bool) -> int:
        at = bisect_right(self.changes, index, key=lambda change: change.start) - 1
        if at < 0:
            return index
        change = self.changes[at]
        if index < change.end:
            return change.written_start if first else max(change.written_end - 1, 0)
        return index - change.end + change.resumes
