"""Grapheme-to-phoneme conversion: rewrite a sentence so that espeak-ng pronounces it well.

Most languages go to espeak-ng as written. The others have a front end here: a module with a
function `read(text) -> Reading`, which `speech.front_end` of the language's file names. It is
imported on first use.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import import_module

from ..languages.catalogue import LANGUAGES

PHONEMES = "phonemes"


@cache
def word_list(entries: str) -> dict[str, str]:
    """Return pronunciation by word, from `word=pronunciation` entries with spaces between.

    Of several entries of a word the first counts.
    """
    said: dict[str, str] = {}
    for entry in entries.split():
        word, _, sounds = entry.partition("=")
        said.setdefault(word, sounds)
    return said


@dataclass(frozen=True)
class Piece:
    """A part of espeak-ng's input, and the part of the sentence that it stands for.

    Without a voice, espeak-ng reads the text in the voice of the sentence. With the name of
    another voice, that voice turns the text into phonemes. With PHONEMES, the text is phoneme
    mnemonics already. In both cases it is one word, or several with spaces between them.
    """

    text: str
    offset: int  # in the sentence, in code points
    voice: str = ""


@dataclass(frozen=True)
class Reading:
    """The pieces in order, and the words of the sentence where spaces do not show them."""

    pieces: tuple[Piece, ...]
    words: tuple[tuple[int, int], ...] | None = None  # offset and length of each
    _starts: list[int] = field(init=False, repr=False, compare=False, default_factory=list)

    def __post_init__(self) -> None:
        start = 0
        for piece in self.pieces:
            self._starts.append(start)
            start += len(piece.text)

    @cached_property
    def text(self) -> str:
        """The pieces as one text."""
        return "".join(piece.text for piece in self.pieces)

    def origin(self, position: int, sentence: str) -> int:
        """Return the offset in the sentence of the character at `text[position]`."""
        at = max(bisect_right(self._starts, position) - 1, 0)
        piece = self.pieces[at]
        if sentence.startswith(piece.text, piece.offset):
            return piece.offset + position - self._starts[at]
        return piece.offset


def respelled(
    text: str, words: re.Pattern[str], respell: Callable[[str], str], voice: str = ""
) -> Reading:
    """Respell the words that a pattern finds. A respelling of "" leaves the word unchanged."""
    pieces: list[Piece] = []
    end = 0
    for match in words.finditer(text):
        if told := respell(match[0]):
            if end < match.start():
                pieces.append(Piece(text[end : match.start()], end))
            pieces.append(Piece(told, match.start(), voice))
            end = match.end()
    if end < len(text):
        pieces.append(Piece(text[end:], end))
    return Reading(tuple(pieces))


def read(text: str, language: str) -> Reading:
    """Return the pronunciation of a sentence. `language` is a name of `LANGUAGES`."""
    front_end = LANGUAGES[language].speech.front_end
    if not front_end:
        return Reading((Piece(text, 0),))
    module = import_module(f".{front_end}", __name__)
    reader: Callable[[str], Reading] = module.read
    return reader(text)
