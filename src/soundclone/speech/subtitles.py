"""Subtitles: what was said and when, as SubRip (.srt) and as JSON."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .script import Sentence, is_dense, split

if TYPE_CHECKING:
    from .engine import Word

LINE = 42  # characters that a viewer reads at a glance
DENSE_LINE = 18  # the same of ideographs, kana and Hangul


@dataclass(frozen=True)
class Spoken:
    """A sentence and when it is heard in the finished audio."""

    sentence: Sentence
    start: float  # seconds
    end: float
    words: tuple[Word, ...] = ()  # their times count from `start`


@dataclass(frozen=True)
class Cue:
    """A text and when it is shown."""

    start: float  # seconds
    end: float
    text: str  # one line
    offset: int  # of the first character in the original text, in code points
    length: int  # in the original text, in code points


def sentence_cues(spoken: Iterable[Spoken]) -> Iterator[Cue]:
    """A cue for each sentence, or several, none longer than two lines.

    A long sentence is cut where `script.split` would cut it, with the times of its words; without
    words, time is shared out by characters.
    """
    for each in spoken:
        text = each.sentence.text
        limit = 2 * (DENSE_LINE if is_dense(text) else LINE)
        parts = list(split(text, 0, len(text), limit, [word.offset for word in each.words]))
        times = [_time(each, start) for start, _ in parts[1:]]
        starts = [each.start, *times]
        ends = [*times, each.end]
        for (a, b), start, end in zip(parts, starts, ends, strict=True):
            yield _cue(each, a, b, start, end)


def word_cues(spoken: Iterable[Spoken]) -> Iterator[Cue]:
    """A cue for each word. Of a sentence without words they are what white space separates."""
    for each in spoken:
        for word in each.words:
            start = each.start + word.start
            yield _cue(each, word.offset, word.offset + word.length, start, each.start + word.end)
        if not each.words:
            for match in re.finditer(r"\S+", each.sentence.text):
                times = (_time(each, index) for index in match.span())
                yield _cue(each, *match.span(), *times)


def _time(spoken: Spoken, index: int) -> float:
    """When the character `index` of the sentence is heard."""
    if spoken.words:
        at = bisect_left(spoken.words, index, key=lambda word: word.offset)
        seconds = spoken.words[at].start if at < len(spoken.words) else spoken.words[-1].end
    else:
        seconds = (spoken.end - spoken.start) * index / len(spoken.sentence.text)
    return min(spoken.start + seconds, spoken.end)


def _cue(spoken: Spoken, start: int, end: int, shown: float, hidden: float) -> Cue:
    sentence = spoken.sentence
    offset = sentence.origin(start)
    return Cue(
        shown, hidden, sentence.text[start:end], offset, sentence.origin(end - 1) + 1 - offset
    )


def to_srt(cues: Iterable[Cue]) -> str:
    """SubRip text, to be written as UTF-8 without a byte order mark.

    Cues follow each other without overlap, each lasts a millisecond at least, and none is empty.
    Text is in logical order: players lay out right-to-left scripts themselves. Lines end with a
    line feed, as those of FFmpeg do: every player reads it, and so do programs that look for the
    blank line between two cues.
    """
    blocks = (
        f"{number}\n{_clock(start)} --> {_clock(end)}\n{_lines(cue.text)}\n"
        for number, (start, end, cue) in enumerate(_in_order(cues), 1)
    )
    return "\n".join(blocks)


def to_json(cues: Iterable[Cue]) -> str:
    """A JSON array of `{"start", "end", "text", "offset", "length"}`: milliseconds from the start
    of the audio, and code points of the text that was sent."""
    return json.dumps(
        [
            {
                "start": start,
                "end": end,
                "text": cue.text,
                "offset": cue.offset,
                "length": cue.length,
            }
            for start, end, cue in _in_order(cues)
        ],
        ensure_ascii=False,
    )


def _in_order(cues: Iterable[Cue]) -> Iterator[tuple[int, int, Cue]]:
    """Cues that have text, with their start and end in milliseconds."""
    before = 0
    for cue in cues:
        if cue.text.strip():
            start = max(round(cue.start * 1000), before)
            before = max(round(cue.end * 1000), start + 1)
            yield start, before, cue


def _clock(milliseconds: int) -> str:
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02},{milliseconds:03}"


def _lines(text: str) -> str:
    # An arrow is the one thing that text could break the format with, besides blank lines.
    text = " ".join(text.split()).replace("-->", "→")
    if len(text) <= (DENSE_LINE if is_dense(text) else LINE):
        return text
    spaces = [match.start() for match in re.finditer(" ", text)]
    if not spaces:
        return text
    middle = min(spaces, key=lambda space: abs(space - len(text) / 2))
    return f"{text[:middle]}\n{text[middle + 1 :]}"
