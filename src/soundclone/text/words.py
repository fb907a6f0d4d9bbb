"""Words of a sentence, with their places in the text and their times in the audio."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_CHARACTER = r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
_TOKEN = re.compile(rf"{_CHARACTER}|(?:(?!{_CHARACTER})\S)+")
_BREAK = re.compile(r"[—–…。，、！？；：،؛؟।॥]+")


@dataclass(frozen=True)
class Word:
    """A spoken word with its place in the audio and in the sentence."""

    text: str
    start: float  # seconds from the start of the sentence's audio
    end: float
    offset: int  # of the first character in the sentence, in code points
    length: int  # in code points


def word_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield offset and length of each word, without the punctuation around it.

    Each character of Chinese and Japanese counts as a word, because they write no spaces.
    """
    for match in _TOKEN.finditer(_BREAK.sub(lambda m: " " * len(m[0]), text)):
        start, end = match.span()
        while start < end and unicodedata.category(text[start])[0] in "PZC":
            start += 1
        while start < end and unicodedata.category(text[end - 1])[0] in "PZC":
            end -= 1
        if start < end:
            yield start, end - start
