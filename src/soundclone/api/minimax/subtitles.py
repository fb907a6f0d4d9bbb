"""Subtitles in MiniMax's format: a JSON array of sentences with times in milliseconds."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from pydantic import BaseModel, ConfigDict

from ...text import script
from ...text.script import Sentence


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
        rows = [_sentence(text, *each) for each in _by_sentence(cues, text)]
    else:
        rows = [_row(cue.text, cue.start, cue.end, cue.offset, cue.length) for cue in cues]
    return json.dumps(rows, ensure_ascii=False).encode()


def _by_sentence(cues: Iterable[Cue], text: str) -> Iterator[tuple[Sentence, list[Cue]]]:
    """Yield each sentence that has words, with its words."""
    sentences = script.parse(text).sentences
    starts = [sentence.offset for sentence in sentences]

    def sentence_of(cue: Cue) -> int:
        return max(0, bisect_right(starts, cue.offset) - 1)

    for index, group in groupby(cues, key=sentence_of):
        yield sentences[index], list(group)


def _sentence(text: str, sentence: Sentence, words: Sequence[Cue]) -> dict[str, object]:
    start, end = sentence.offset, sentence.origin(len(sentence.text))
    row = _row(text[start:end], words[0].start, words[-1].end, start, end - start)
    row["timestamped_words"] = [
        {
            "word": cue.text,
            "word_begin": cue.offset,
            "word_end": cue.offset + cue.length,
            "time_begin": cue.start,
            "time_end": cue.end,
        }
        for cue in words
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
