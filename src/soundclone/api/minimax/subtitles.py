"""Subtitles in MiniMax's format: a JSON array of sentences with times in milliseconds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import groupby

from pydantic import BaseModel, ConfigDict

from ...text import script


class Cue(BaseModel):
    """Subtitle as the service stores it. Offsets are code points of the text."""

    model_config = ConfigDict(frozen=True)

    start: int  # milliseconds
    end: int
    text: str
    offset: int
    length: int


def titles(stored: bytes, text: str, *, words: bool) -> bytes:
    """Return the subtitles of a task.

    Args:
        stored: The task's subtitles as JSON: of sentences, or of words.
        text: The spoken text.
        words: True if the stored subtitles are words, which are grouped by sentences.
    """
    cues = [Cue.model_validate(each) for each in json.loads(stored)]
    if words:
        rows = [_sentence(text, group) for group in _by_sentence(cues, text)]
    else:
        rows = [_row(cue.text, cue.start, cue.end, cue.offset, cue.length) for cue in cues]
    return json.dumps(rows, ensure_ascii=False).encode()


def _by_sentence(cues: Iterable[Cue], text: str) -> list[list[Cue]]:
    starts = [sentence.offset for sentence in script.parse(text).sentences]
    groups: list[list[Cue]] = []
    index = 0

    def sentence_of(cue: Cue) -> int:
        nonlocal index
        while index + 1 < len(starts) and starts[index + 1] <= cue.offset:
            index += 1
        return index

    for _, group in groupby(cues, key=sentence_of):
        groups.append(list(group))
    return groups


def _sentence(text: str, group: Sequence[Cue]) -> dict[str, object]:
    first, last = group[0], group[-1]
    end = last.offset + last.length
    row = _row(text[first.offset : end], first.start, last.end, first.offset, end - first.offset)
    row["timestamped_words"] = [
        {
            "word": cue.text,
            "word_begin": cue.offset,
            "word_end": cue.offset + cue.length,
            "time_begin": cue.start,
            "time_end": cue.end,
        }
        for cue in group
    ]
    return row


def _row(text: str, start: int, end: int, offset: int, length: int) -> dict[str, object]:
    return {
        "text": text,
        "pronounce_text": text,
        "time_begin": start,
        "time_end": end,
        "text_begin": offset,
        "text_end": offset + length,
        "pronounce_text_begin": offset,
        "pronounce_text_end": offset + length,
        "timestamped_words": None,
    }
