"""Align a text with a transcript of its speech, and derive the times of its words.

The global alignment of the two token sequences uses dynamic programming (Needleman and Wunsch,
1970). The cost of a match is the edit distance of its letters (Levenshtein, 1966).
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
from .recognition import RecognizedWord

_NUMBER = "[0-9]+(?:[.,:/'’٫٬ \u00a0-]?[0-9]+)*"
_TOKEN = re.compile(rf"{_NUMBER}|[^\W\d_]+")
_FINAL_PUNCTUATION = re.compile(r"\W+$")
_WORD_INTERNAL = frozenset("'’\u200c\u200d")
_MOST_EDITS = 0.5  # of the letters; words with more edits do not match
_NUMERAL_LETTERS = (12, 2)  # longest spoken form of a number: per digit, and in addition
_NUMERAL_COST = 0.1  # of each letter of a spoken number
_LONGEST_TRANSCRIPT = (3, 60)  # tokens: per token of the text, and in addition


@dataclass(frozen=True)
class Token:
    """Unit of the alignment: a word, or a syllable in a language without spaces.

    A syllable is compared by its pronunciation.
    """

    letters: str  # without case, marks and punctuation
    start: int  # code points from the start of the text
    end: int

    @property
    def is_number(self) -> bool:
        """True for a number in digits."""
        return self.letters[0].isdigit()


@dataclass(frozen=True)
class Match:
    """Tokens of the text that match tokens of the transcript, as ranges of indices."""

    start: int
    end: int
    heard_start: int
    heard_end: int
    edits: float  # cost


def tokens(text: str, language: str) -> tuple[Token, ...]:
    """Return the tokens of a text in a language of `LANGUAGES`, in order.

    A number is one token, without its separators. Chinese and Japanese characters are compared by
    sound, so simplified and traditional characters, or kanji and kana, are equal.
    """
    plain = "".join(
        # "ː" stands for marks inside a word, because the pattern would split the word there.
        "ː"
        if character in _WORD_INTERNAL or unicodedata.category(character)[0] == "M"
        else character
        for character in plain_digits(text)
    )
    return tuple(
        token for match in _TOKEN.finditer(plain) for token in _tokens_of(text, match, language)
    )


def _tokens_of(text: str, match: re.Match[str], language: str) -> Iterator[Token]:
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
        # Kana for Japanese, else input of espeak-ng: phonemes with tones, and | between syllables.
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
    """Return the matches of the cheapest alignment, in order.

    Two words can match one ("ice cream"). A number matches any words of the length of its spoken
    form. A word matches nothing if more than half its letters differ. Only the beginning of a
    transcript that is far too long is aligned.
    """
    per_token, more = _LONGEST_TRANSCRIPT
    heard = heard[: per_token * len(text) + more]
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
    """Steps of the dynamic programming."""

    def __init__(self, text: Sequence[Token], heard: Sequence[Token], *, merging: bool) -> None:
        self._text, self._heard, self._merging = text, heard, merging
        self._edits: dict[tuple[str, str], int | None] = {}

    def into(self, i: int, j: int) -> Iterator[tuple[int, int, float]]:
        """Yield the steps into a cell: tokens of the text, tokens heard, and cost."""
        if i:
            yield 1, 0, len(self._text[i - 1].letters)
        if j:
            yield 0, 1, len(self._heard[j - 1].letters)
        if not i or not j:
            return
        word, other = self._text[i - 1], self._heard[j - 1]
        if word.is_number == other.is_number:
            yield from self._same(1, 1, word.letters, other.letters)
        elif word.is_number:
            yield from ((1, k, cost) for k, cost in _numeral(word, self._heard[:j]))
        else:
            yield from ((k, 1, cost) for k, cost in _numeral(other, self._text[:i]))
        if self._merging and not word.is_number and not other.is_number:
            if i > 1 and not self._text[i - 2].is_number:
                yield from self._same(2, 1, self._text[i - 2].letters + word.letters, other.letters)
            if j > 1 and not self._heard[j - 2].is_number:
                both = self._heard[j - 2].letters + other.letters
                yield from self._same(1, 2, word.letters, both)

    def _same(self, a: int, b: int, one: str, other: str) -> Iterator[tuple[int, int, float]]:
        if (one, other) not in self._edits:
            self._edits[one, other] = _edits(one, other)
        edits = self._edits[one, other]
        if edits is not None:
            yield a, b, edits


def _numeral(number: Token, words: Sequence[Token]) -> Iterator[tuple[int, float]]:
    """Yield how many of the last words may be the spoken form of a number, with the cost."""
    per_digit, more = _NUMERAL_LETTERS
    limit = per_digit * len(number.letters) + more
    letters = 0
    for count, word in enumerate(reversed(words), 1):
        letters += len(word.letters)
        if word.is_number or letters > limit:
            return
        yield count, _NUMERAL_COST * letters


def _edits(one: str, other: str) -> int | None:
    """Return the edit distance of two words; None if more than half the letters differ."""
    from rapidfuzz.distance import Levenshtein  # comes with the extra `asr`

    most = int(_MOST_EDITS * max(len(one), len(other)))
    distance = Levenshtein.distance(one, other, score_cutoff=most)
    return distance if distance <= most else None


def timed(
    sentence: str, language: str, heard: Sequence[RecognizedWord], seconds: float
) -> tuple[Word, ...]:
    """Return the words of a sentence with their times, derived from recognised words.

    The words are the same as those of the built-in engine. Their times ascend within the `seconds`
    of the audio. Words that were not recognised share the time between their neighbours in
    proportion to their length.
    """
    spans = _words(sentence, language)
    text = tokens(sentence, language)
    between = " " if LANGUAGES[language].spaces else ""
    spoken = tokens(between.join(word.text for word in heard), language)
    clock = _Clock(heard, between, seconds)
    times: dict[int, tuple[float, float]] = {}  # by token of the text
    for match in align(text, spoken, language):
        start, _ = clock.time(spoken[match.heard_start])
        _, end = clock.time(spoken[match.heard_end - 1])
        matched = range(match.start, match.end)
        parts = _divide(start, end, [len(text[index].letters) for index in matched])
        times |= dict(zip(matched, parts, strict=True))
    known = [_known(text, times, offset, offset + length) for offset, length in spans]
    filled = _fill_gaps(known, [length for _, length in spans], seconds)
    return tuple(
        Word(sentence[offset : offset + length], start, end, offset, length)
        for (offset, length), (start, end) in zip(spans, filled, strict=True)
    )


def _words(sentence: str, language: str) -> tuple[tuple[int, int], ...]:
    """Return the offset and length of each word."""
    words = None if LANGUAGES[language].spaces else read(sentence, language).words
    return tuple(word_spans(sentence)) if words is None else words


class _Clock:
    """Maps tokens of the joined recognised words to times."""

    def __init__(self, heard: Sequence[RecognizedWord], between: str, seconds: float) -> None:
        self._starts = [0, *accumulate(len(word.text) + len(between) for word in heard)]
        self._lengths = [len(_FINAL_PUNCTUATION.sub("", word.text)) or 1 for word in heard]
        self._times: list[tuple[float, float]] = []
        latest = 0.0
        for word in heard:
            start = min(max(word.start, latest), seconds)
            latest = min(max(word.end, start), seconds)
            self._times.append((start, latest))

    def time(self, token: Token) -> tuple[float, float]:
        """Return the start and the end of a token in seconds."""
        return self._at(token.start, token.start), self._at(token.end - 1, token.end)

    def _at(self, character: int, position: int) -> float:
        """Return the time of a position at either edge of `character`, interpolated in its word."""
        index = bisect_right(self._starts, character) - 1
        start, end = self._times[index]
        share = (position - self._starts[index]) / self._lengths[index]
        return start + (end - start) * min(share, 1.0)


def _known(
    text: Sequence[Token], times: Mapping[int, tuple[float, float]], start: int, end: int
) -> tuple[float, float] | None:
    """Return the time of the word from character `start` to `end`; None if no token has one."""
    found = []
    for index, (first, last) in times.items():
        token = text[index]
        if token.start < end and start < token.end:
            pace = (last - first) / (token.end - token.start)
            found.append(first + pace * max(start - token.start, 0))
            found.append(last - pace * max(token.end - end, 0))
    return (min(found), max(found)) if found else None


def _divide(start: float, end: float, lengths: Sequence[int]) -> list[tuple[float, float]]:
    """Divide the time from `start` to `end` in proportion to `lengths`."""
    total = sum(lengths)
    edges = [start + (end - start) * done / total for done in accumulate(lengths, initial=0)]
    return list(pairwise(edges))


def _fill_gaps(
    known: Sequence[tuple[float, float] | None], lengths: Sequence[int], seconds: float
) -> list[tuple[float, float]]:
    """Return ascending times for all words. Unknown ones lie between their known neighbours."""
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
            found += _divide(latest, end, [lengths[index] for index in indices])
            latest = end
    return found
