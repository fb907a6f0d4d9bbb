"""Which words of a text are which of those that were heard, and so when each was said.

Global alignment of two sequences by dynamic programming (Needleman and Wunsch, 1970), at the cost
of edits of letters (Levenshtein, 1966).
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise

from ..text.g2p import read
from ..text.languages import LANGUAGES
from ..text.normalisation import plain_digits
from ..text.words import Word, word_spans
from .recognition import Heard

_NUMBER = "[0-9]+(?:[.,:/'’٫٬ \u00a0-]?[0-9]+)*"
_TOKEN = re.compile(rf"{_NUMBER}|[^\W\d_]+")
_UNSAID = re.compile(r"\W+$")  # the punctuation at the end of a word
_WITHIN = frozenset("'’\u200c\u200d")  # a word
_LIKE = 0.5  # edits over letters, up to which two words can be the same one
_NUMERAL = (12, 2)  # letters that a number is said in: so many a digit, and so many more
_SWALLOWED = 0.1  # cost of each of them
_LONGEST = 3  # times the tokens of the text that are aligned, and _ROOM more
_ROOM = 60


@dataclass(frozen=True)
class Token:
    """A word; of a language without spaces a syllable, as it sounds."""

    letters: str  # folded: without case, marks and punctuation
    start: int  # in the text, in code points
    end: int

    @property
    def number(self) -> bool:
        return self.letters[0].isdigit()


@dataclass(frozen=True)
class Match:
    """Tokens of the text that were heard as tokens of the transcript: ranges of indices."""

    start: int
    end: int
    heard_start: int
    heard_end: int
    edits: float  # letters that differ


def tokens(text: str, language: str) -> tuple[Token, ...]:
    """What is compared of a text in a language of `LANGUAGES`, in order.

    Simplified and traditional ideographs, kanji and kana, and characters of one sound are the
    same. A number is one token, whichever its separators.
    """
    plain = "".join(
        # A letter that is none, so that words are not cut at their marks.
        "ː" if character in _WITHIN or unicodedata.category(character)[0] == "M" else character
        for character in plain_digits(text)
    )
    return tuple(token for match in _TOKEN.finditer(plain) for token in _of(text, match, language))


def _of(text: str, match: re.Match[str], language: str) -> Iterator[Token]:
    start, end = match.span()
    if match[0][0] in "0123456789":
        yield Token(re.sub("[^0-9]", "", match[0]), start, end)
    elif not LANGUAGES[language].spaces:
        yield from _syllables(text[start:end], start, language)
    elif word := _folded(text[start:end]):
        yield Token(word, start, end)


def _syllables(text: str, offset: int, language: str) -> Iterator[Token]:

    pieces = read(text, language).pieces
    for index, piece in enumerate(pieces):
        end = pieces[index + 1].offset if index + 1 < len(pieces) else len(text)
        # Kana, or what espeak-ng is told: phonemes with tones, and | between syllables.
        parts = piece.text if language == "Japanese" else re.sub("[0-9]", "", piece.text).split("|")
        sounds = list(filter(None, map(_folded, parts)))
        length = end - piece.offset
        for number, sound in enumerate(sounds):
            first = piece.offset + number * length // len(sounds)
            last = piece.offset + (number + 1) * length // len(sounds)
            yield Token(sound, offset + first, offset + max(first + 1, last))


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if character.isalnum())


def align(text: Sequence[Token], heard: Sequence[Token], language: str) -> tuple[Match, ...]:
    """The cheapest alignment: what matches, in order.

    Two words can match one ("ice cream"), and a number the words that it may be said in, whatever
    they are. What has more than half its letters wrong matches nothing. Of an endless transcript
    the beginning is aligned.
    """
    heard = heard[: _LONGEST * len(text) + _ROOM]
    steps = _Steps(text, heard, merging=LANGUAGES[language].spaces)
    rows, columns = len(text) + 1, len(heard) + 1
    costs = [[0.0] * columns for _ in range(rows)]
    came: list[list[tuple[int, int, float]]] = [[(0, 0, 0.0)] * columns for _ in range(rows)]
    for i in range(rows):
        for j in range(columns):
            if not i and not j:
                continue
            costs[i][j], came[i][j] = min(
                (costs[i - a][j - b] + cost, (a, b, cost)) for a, b, cost in steps.into(i, j)
            )
    found = []
    i, j = rows - 1, columns - 1
    while i or j:
        a, b, cost = came[i][j]
        if a and b:
            found.append(Match(i - a, i, j - b, j, cost))
        i, j = i - a, j - b
    return tuple(reversed(found))


class _Steps:
    """The ways to a cell of the matrix: how many tokens of either side, and at what cost."""

    def __init__(self, text: Sequence[Token], heard: Sequence[Token], *, merging: bool) -> None:
        self._text, self._heard, self._merging = text, heard, merging
        self._edits: dict[tuple[str, str], int | None] = {}

    def into(self, i: int, j: int) -> Iterator[tuple[int, int, float]]:
        if i:
            yield 1, 0, len(self._text[i - 1].letters)
        if j:
            yield 0, 1, len(self._heard[j - 1].letters)
        if not i or not j:
            return
        word, other = self._text[i - 1], self._heard[j - 1]
        if word.number == other.number:
            yield from self._same(1, 1, word.letters, other.letters)
        elif word.number:
            yield from ((1, k, cost) for k, cost in _numeral(word, self._heard[:j]))
        else:
            yield from ((k, 1, cost) for k, cost in _numeral(other, self._text[:i]))
        if self._merging and not word.number and not other.number:
            if i > 1 and not self._text[i - 2].number:
                yield from self._same(2, 1, self._text[i - 2].letters + word.letters, other.letters)
            if j > 1 and not self._heard[j - 2].number:
                both = self._heard[j - 2].letters + other.letters
                yield from self._same(1, 2, word.letters, both)

    def _same(self, a: int, b: int, one: str, other: str) -> Iterator[tuple[int, int, float]]:
        if (one, other) not in self._edits:
            self._edits[one, other] = _edits(one, other)
        edits = self._edits[one, other]
        if edits is not None:
            yield a, b, edits


def _numeral(number: Token, words: Sequence[Token]) -> Iterator[tuple[int, float]]:
    """How many of the last words a number may be said in, and what that costs."""
    limit = _NUMERAL[0] * len(number.letters) + _NUMERAL[1]
    letters = 0
    for count, word in enumerate(reversed(words), 1):
        letters += len(word.letters)
        if word.number or letters > limit:
            return
        yield count, _SWALLOWED * letters


def _edits(one: str, other: str) -> int | None:
    """Letters to be put in, left out and replaced; None of more than _LIKE of them."""
    most = int(_LIKE * max(len(one), len(other)))
    if abs(len(one) - len(other)) > most:
        return None
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, another in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (letter != another))
        if min(row) > most:
            return None
    return row[-1] if row[-1] <= most else None


def timed(sentence: str, language: str, heard: Sequence[Heard], seconds: float) -> tuple[Word, ...]:
    """When each word of a sentence is said, by what a recogniser heard of it in `seconds`.

    The words are those that the built-in engine tells times of. Their times follow each other,
    within the audio; what was not recognised shares the time between its neighbours by length.
    """
    spans = _words(sentence, language)
    text = tokens(sentence, language)
    between = "" if not LANGUAGES[language].spaces else " "
    said = tokens(between.join(word.text for word in heard), language)
    clock = _Clock(heard, between, seconds)
    times: dict[int, tuple[float, float]] = {}  # by token of the text
    for match in align(text, said, language):
        start, _ = clock.time(said[match.heard_start])
        _, end = clock.time(said[match.heard_end - 1])
        matched = range(match.start, match.end)
        parts = _shared(start, end, [len(text[index].letters) for index in matched])
        times |= dict(zip(matched, parts, strict=True))
    known = [_known(text, times, offset, offset + length) for offset, length in spans]
    filled = _filled(known, [length for _, length in spans], seconds)
    return tuple(
        Word(sentence[offset : offset + length], start, end, offset, length)
        for (offset, length), (start, end) in zip(spans, filled, strict=True)
    )


def _words(sentence: str, language: str) -> tuple[tuple[int, int], ...]:
    """Offset and length of each word."""

    words = read(sentence, language).words if not LANGUAGES[language].spaces else None
    return tuple(word_spans(sentence)) if words is None else words


class _Clock:
    """When the tokens of heard words, joined, are heard."""

    def __init__(self, heard: Sequence[Heard], between: str, seconds: float) -> None:
        self._starts = [0, *accumulate(len(word.text) + len(between) for word in heard)]
        self._lengths = [len(_UNSAID.sub("", word.text)) or 1 for word in heard]
        self._times: list[tuple[float, float]] = []
        latest = 0.0
        for word in heard:
            start = min(max(word.start, latest), seconds)
            latest = min(max(word.end, start), seconds)
            self._times.append((start, latest))

    def time(self, token: Token) -> tuple[float, float]:
        """Start and end in seconds."""
        return self._at(token.start, token.start), self._at(token.end - 1, token.end)

    def _at(self, character: int, position: int) -> float:
        """Of a position, before or after the character whose word it is of."""
        index = bisect_right(self._starts, character) - 1
        start, end = self._times[index]
        share = (position - self._starts[index]) / self._lengths[index]
        return start + (end - start) * min(share, 1.0)


def _known(
    text: Sequence[Token], times: Mapping[int, tuple[float, float]], start: int, end: int
) -> tuple[float, float] | None:
    """The time of a word, from character `start` to `end`, by those of its tokens."""
    found = []
    for index, (first, last) in times.items():
        token = text[index]
        if token.start < end and start < token.end:
            pace = (last - first) / (token.end - token.start)
            found.append(first + pace * max(start - token.start, 0))
            found.append(last - pace * max(token.end - end, 0))
    return (min(found), max(found)) if found else None


def _shared(start: float, end: float, lengths: Sequence[int]) -> list[tuple[float, float]]:
    """The time, in parts as long as the lengths are."""
    total = sum(lengths)
    edges = [start + (end - start) * done / total for done in accumulate(lengths, initial=0)]
    return list(pairwise(edges))


def _filled(
    known: Sequence[tuple[float, float] | None], lengths: Sequence[int], seconds: float
) -> list[tuple[float, float]]:
    """Times for all, in order: those that are not known are between those that are."""
    found: list[tuple[float, float]] = []
    latest = 0.0
    for is_known, run in groupby(range(len(known)), lambda index: known[index] is not None):
        indices = list(run)
        if is_known:
            for start, end in filter(None, (known[index] for index in indices)):
                found.append((max(start, latest), max(end, start, latest)))
                latest = found[-1][1]
        else:
            following = known[indices[-1] + 1] if indices[-1] + 1 < len(known) else None
            end = max(following[0] if following else seconds, latest)
            found += _shared(latest, end, [lengths[index] for index in indices])
            latest = end
    return found
