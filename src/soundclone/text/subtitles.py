"""Subtitles of speech, as SubRip (.srt), as WebVTT and as JSON.

Two lines of at most 42 characters, at most 7 s, and time to read them: what the style guides of
broadcasters and of streaming services agree on.
"""

from __future__ import annotations

import json
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from itertools import pairwise

from .script import Sentence
from .splitting import is_dense, split
from .words import Word

LINE = 42  # characters that a viewer reads at a glance
DENSE_LINE = 18  # the same of ideographs, kana and Hangul
LONGEST = 7.0  # seconds that a cue is shown
_SHORTEST = 5 / 6
_BETWEEN = 1 / 12  # seconds in which nothing is shown, where a cue stays for its readers
_PACE, _DENSE_PACE = 17, 8  # characters that are read in a second
_OPENING = "「『（《〈【〔“‘([«"


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
    starts: tuple[int, ...] = field(default=(), compare=False)  # of words in `text`


def sentence_cues(spoken: Iterable[Spoken]) -> Iterator[Cue]:
    """Yield one or several cues for each sentence.

    No cue is longer than two lines. None lasts longer than LONGEST, unless a single word does.

    A long sentence is cut where `splitting.split` cuts it, at the times of its words. Without
    words, characters share the time equally.
    """
    for each in spoken:
        parts = _parts(each)
        times = [_time(each, start) for start, _ in parts[1:]]
        starts = [each.start, *times]
        ends = [*times, each.end]
        for (a, b), start, end in zip(parts, starts, ends, strict=True):
            yield _cue(each, a, b, start, end)


def _parts(spoken: Spoken) -> list[tuple[int, int]]:
    """Return ranges of the sentence that fit into two lines."""
    text, words = spoken.sentence.text, [word.offset for word in spoken.words]
    width = DENSE_LINE if is_dense(text) else LINE
    in_time = int(LONGEST * len(text) / max(spoken.end - spoken.start, 0.01))
    limit = max(width // 2, min(2 * width, in_time))
    while True:
        parts = list(split(text, 0, len(text), limit, words))
        if limit <= width or all(
            len(_lines(text[a:b], _within(words, a, b))) <= 2 for a, b in parts
        ):
            return parts
        limit -= width // 6


def _within(words: Sequence[int], start: int, end: int) -> tuple[int, ...]:
    return tuple(word - start for word in words if start < word < end)


def readable(cues: Iterable[Cue], until: float) -> Iterator[Cue]:
    """Lengthen cues into the silence after them until they can be read.

    Starts of cues do not change. No cue ends after `until` seconds.
    """
    for cue, following in pairwise([*cues, Cue(until + _BETWEEN, until, "", 0, 0)]):
        pace = _DENSE_PACE if is_dense(cue.text) else _PACE
        wanted = cue.start + min(max(len(cue.text) / pace, _SHORTEST), LONGEST)
        room = following.start - _BETWEEN
        yield replace(cue, end=max(cue.end, min(wanted, room)))


def word_cues(spoken: Iterable[Spoken]) -> Iterator[Cue]:
    """Yield a cue for each word. Without words, parts between white space count as words."""
    for each in spoken:
        for word in each.words:
            start = each.start + word.start
            yield _cue(each, word.offset, word.offset + word.length, start, each.start + word.end)
        if not each.words:
            for match in re.finditer(r"\S+", each.sentence.text):
                times = (_time(each, index) for index in match.span())
                yield _cue(each, *match.span(), *times)


def _time(spoken: Spoken, index: int) -> float:
    """Return the time at which the character `index` of the sentence is heard."""
    if spoken.words:
        at = bisect_left(spoken.words, index, key=lambda word: word.offset)
        seconds = spoken.words[at].start if at < len(spoken.words) else spoken.words[-1].end
    else:
        seconds = (spoken.end - spoken.start) * index / len(spoken.sentence.text)
    return min(spoken.start + seconds, spoken.end)


def _cue(spoken: Spoken, start: int, end: int, shown: float, hidden: float) -> Cue:
    sentence = spoken.sentence
    offset = sentence.origin(start)
    length = sentence.origin(end - 1) + 1 - offset
    starts = _within([word.offset for word in spoken.words], start, end)
    return Cue(shown, hidden, sentence.text[start:end], offset, length, starts)


def to_srt(cues: Iterable[Cue]) -> str:
    """Return SubRip text, to be written as UTF-8 without a byte order mark.

    Cues follow each other without overlap, each lasts a millisecond at least, and none is empty.
    Text is in logical order: players lay out right-to-left scripts themselves, told by a mark
    where a line of one begins with something else. Lines end with a
    line feed, as those of FFmpeg do: every player reads it, and so do programs that look for the
    blank line between two cues.
    """
    blocks = (
        f"{number}\n{_clock(start)} --> {_clock(end)}\n{_shown(cue)}\n"
        for number, (start, end, cue) in enumerate(_in_order(cues), 1)
    )
    return "\n".join(blocks)


def to_vtt(cues: Iterable[Cue]) -> str:
    """Return WebVTT (W3C), which browsers show over a video. The cues are those of `to_srt`."""
    blocks = (
        f"{_clock(start, '.')} --> {_clock(end, '.')}\n{escape(_shown(cue), quote=False)}\n"
        for start, end, cue in _in_order(cues)
    )
    return "\n".join(["WEBVTT\n", *blocks])


def to_json(cues: Iterable[Cue]) -> str:
    """Return a JSON array of `{"start", "end", "text", "offset", "length"}`.

    Times are milliseconds from the start of the audio. Offset and length are code points of the
    text of the request.
    """
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
    """Yield cues that have text, with their start and end in milliseconds."""
    before = 0
    for cue in cues:
        if cue.text.strip():
            start = max(round(cue.start * 1000), before)
            before = max(round(cue.end * 1000), start + 1)
            yield start, before, cue


def _clock(milliseconds: int, point: str = ",") -> str:
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{milliseconds:03}"


def _shown(cue: Cue) -> str:
    # An arrow is the one thing that text could break the format with, besides blank lines.
    text = " ".join(cue.text.split()).replace("-->", "→")
    lines = _lines(text, cue.starts if len(text) == len(cue.text) else ())
    letters = [unicodedata.bidirectional(character) for character in text if character.isalpha()]
    to_left = 2 * sum(letter in ("R", "AL") for letter in letters) > len(letters)
    return "\n".join(_directed(line) if to_left else line for line in lines)


def _lines(text: str, starts: Sequence[int] = ()) -> list[str]:
    """Split the text into lines of about equal length that fit the width of its script."""
    width = DENSE_LINE if is_dense(text) else LINE
    before_brackets = [at - (text[at - 1] in _OPENING) for at in starts if 0 < at < len(text)]
    return [text[a:b] for a, b in split(text, 0, len(text), width, before_brackets)]


def _directed(line: str) -> str:
    """Mark a line of a right-to-left text whose first letter is of a left-to-right script.

    A player would lay out the whole line by that letter (UAX #9, P2).
    """
    for character in line:
        direction = unicodedata.bidirectional(character)
        if direction in ("R", "AL"):
            return line
        if direction == "L":
            return "\u200f" + line
    return line
