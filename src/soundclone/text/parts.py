"""Parts of a text that is sent while it is spoken, and the billed characters in each."""

from __future__ import annotations

from .script import Sentence, billable, chunks, parse


def delivered(text: str, opening: int) -> tuple[int, ...]:
    """Return the billed characters up to the end of each chunk of `script.chunks`.

    White space and signs between two chunks belong to the first of them. The last number is that
    of the whole text.
    """
    ends: list[int] = []
    left, start = billable(text), len(text)
    for group in reversed(chunks(parse(text), opening=opening)):
        ends.append(left)
        first = next((piece for piece in group if isinstance(piece, Sentence)), None)
        if first is not None:  # no sentence begins within a pause marker
            left -= billable(text[first.offset : start])
            start = first.offset
    return tuple(reversed(ends))
