"""Parts of a text that is sent while it is spoken, and the billed characters in each."""

from __future__ import annotations

from .script import Sentence, billable, chunks, parse


def delivered(text: str, opening: int) -> tuple[int, ...]:
    """For each group of `script.chunks`, the billed characters from the start of the text to the
    end of the group. White space and signs between two groups belong to the first of them; the
    last number is that of the whole text."""
    ends: list[int] = []
    left, start = billable(text), len(text)
    for group in reversed(chunks(parse(text), opening=opening)):
        ends.append(left)
        first = next((piece for piece in group if isinstance(piece, Sentence)), None)
        if first is not None:  # no sentence begins within a pause marker
            left -= billable(text[first.offset : start])
            start = first.offset
    return tuple(reversed(ends))
