"""Times of the characters of a text, from the times of its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..fronts.streaming import TimedWord


@dataclass(frozen=True)
class Alignment:
    """Characters with their times in seconds. Each character begins where the one before ends."""

    characters: str
    starts: tuple[float, ...]
    ends: tuple[float, ...]

    def within(self, start: float, lasts: float | None) -> Alignment:
        """Return the alignment for audio that begins at `start` and lasts `lasts` seconds."""

        def moved(moment: float) -> float:
            moment = max(0.0, moment - start)
            return moment if lasts is None else min(moment, lasts)

        ends = [*map(moved, self.ends)]
        if lasts is not None:  # the silence at the end belongs to the last character
            ends[-1] = lasts
        return Alignment(self.characters, tuple(map(moved, self.starts)), tuple(ends))

    def seconds_view(self) -> dict[str, object]:
        """Return the alignment as the HTTP routes send it."""
        return {
            "characters": list(self.characters),
            "character_start_times_seconds": [round(each, 3) for each in self.starts],
            "character_end_times_seconds": [round(each, 3) for each in self.ends],
        }

    def milliseconds_view(self) -> dict[str, object]:
        """Return the alignment as the WebSockets send it."""
        starts = [round(1000 * each) for each in self.starts]
        ends = [round(1000 * each) for each in self.ends]
        return {
            "chars": list(self.characters),
            "charStartTimesMs": starts,
            "charDurationsMs": [end - start for start, end in zip(starts, ends, strict=True)],
        }


def align(
    text: str, words: Sequence[TimedWord], start: int, end: int, *, begin: float, until: float
) -> Alignment:
    """Return the times of `text[start:end]`.

    The characters of a word share the time of the word equally. Those between two words share the
    time between them.

    Args:
        text: The whole text.
        words: Words within the range, in order.
        start: Index of the first character.
        end: Index after the last character.
        begin: Time of the start of the range in seconds.
        until: Time of the end of the range in seconds.
    """
    edges: list[float] = [begin]
    position, now = start, begin
    for word in words:
        first, last = max(word.offset, position), min(word.offset + word.length, end)
        if last <= first:
            continue
        spoken_from = max(word.start, now)
        _share(edges, first - position, now, spoken_from)
        now = max(word.end, spoken_from)
        _share(edges, last - first, spoken_from, now)
        position = last
    _share(edges, end - position, now, max(until, now))
    return Alignment(text[start:end], tuple(edges[:-1]), tuple(edges[1:]))


def end_of_part(text: str, words: Sequence[TimedWord]) -> int:
    """Return the index after the last word of a part and the signs and spaces that follow it."""
    end = words[-1].offset + words[-1].length
    while end < len(text) and not text[end].isalnum():
        end += 1
    return end


def _share(edges: list[float], count: int, start: float, end: float) -> None:
    """Append the ends of `count` characters between two times."""
    if count:
        edges[-1] = start
        edges += [start + (end - start) * (index + 1) / count for index in range(count)]
