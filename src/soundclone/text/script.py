"""A text to be spoken: its count of characters, its sentences and its pauses.

Everything here takes time linear in the length of the text.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from ..errors import InvalidParameter
from . import boundaries
from .cleaning import cleaned
from .ipa import Transcription
from .splitting import is_dense, split

LIMIT = 220  # characters of a sentence that an engine gets at once
DENSE_LIMIT = 100  # the same where a character is an ideograph or a syllable
MAX_MARKED = 9_000  # characters of pause markers: a thousand of the longest
MAX_PAUSES = 3600  # seconds of any text
PAUSES, PAUSES_A_CHARACTER = 120, 1  # seconds: pauses cost nothing, and go with what is billed


@dataclass(frozen=True)
class Sentence:
    """A sentence, or a part of one that was too long, as an engine receives it."""

    text: str  # clean, on one line, with at least one letter, digit or emoji
    offset: int  # of the first character in the original text, in code points
    paragraph_end: bool = False  # a line break comes between it and the next sentence
    shifts: tuple[tuple[int, int], ...] = ()
    # (index in text, distance): where `offset + index` misses the original by the distance
    goes_on: bool = False  # the next piece is of the same sentence, which was too long for one

    def origin(self, index: int) -> int:
        """Return the position of `text[index]` in the original text, in code points.

        `origin(len(text))` is the end of the sentence in the original text.
        """
        at = bisect_right(self.shifts, index, key=lambda shift: shift[0])
        return self.offset + index + (self.shifts[at - 1][1] if at else 0)

    def within(self, parts: Sequence[Transcription]) -> tuple[Transcription, ...]:
        """Return the parts of the original text that lie in the sentence, with places there."""
        if not parts:
            return ()
        places = [self.origin(index) for index in range(len(self.text) + 1)]
        first = bisect_left(parts, places[0], key=lambda part: part.start)
        found: list[Transcription] = []
        for part in parts[first:]:
            if part.end > places[-1]:
                break
            start, end = (bisect_left(places, place) for place in (part.start, part.end))
            if start < end:
                found.append(Transcription(start, end, part.ipa))
        return tuple(found)


@dataclass(frozen=True)
class Pause:
    """Silence of a pause marker, `<#seconds#>`."""

    seconds: Decimal


Piece = Sentence | Pause


@dataclass(frozen=True)
class Script:
    """Sentences and pauses of a text, in order."""

    pieces: tuple[Piece, ...]

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """The pieces that are spoken."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Sentence))


# Pause markers

# Opened, and closed unless another begins or the line ends before.
_MARKER = re.compile(r"<#(?:(?!<#|#>).)*(?:#>)?")
_SECONDS = re.compile(r"<#([0-9]{1,2}(?:\.[0-9]{1,2})?)#>")
_NUMBER = re.compile(r"<#\s*[-+]?\.?[0-9]")


def _markers(text: str) -> Iterator[tuple[int, int, Decimal]]:
    """Yield start, end and seconds of each pause marker.

    Raises:
        InvalidParameter: a marker is malformed.
    """
    for match in _MARKER.finditer(text):
        marker = match[0]
        valid = _SECONDS.fullmatch(marker)
        seconds = Decimal(valid[1]) if valid else Decimal()
        if seconds:
            yield match.start(), match.end(), seconds
        elif (marker.endswith("#>") and len(marker) > 3) or _NUMBER.match(marker):
            shown = marker if len(marker) <= 24 else marker[:20] + "…"
            raise InvalidParameter(
                f"pause marker {shown!r} at character {match.start() + 1} is malformed; it must be "
                "<#x#>, with x from 0.01 to 99.99 seconds and at most two decimals",
                param="contentText",
            )


def billable(text: str) -> int:
    """Return the number of Unicode code points, without those of pause markers.

    Raises:
        InvalidParameter: a marker is malformed.
    """
    return len(text) - sum(end - start for start, end, _ in _markers(text))


def check(text: str, limit: int) -> int:
    """Check that a text can be spoken, and return its billable characters.

    Raises:
        InvalidParameter: the text is empty, longer than `limit`, without any letter or digit, not
            valid Unicode, or has a malformed pause marker or too much pause.
    """
    if not text:
        raise InvalidParameter(
            "the text is empty; it must have at least one letter or digit", param="contentText"
        )
    if len(text) > limit + MAX_MARKED:
        raise InvalidParameter(
            f"the text has {len(text):,} characters with its pause markers; at most "
            f"{limit + MAX_MARKED:,} are allowed, of which {limit:,} without them",
            param="contentText",
        )
    if broken := re.search("[\0\ud800-\udfff]", text):
        # Neither can be kept in a database or written to a file.
        what = "a NUL character" if broken[0] == "\0" else "half of a surrogate pair"
        raise InvalidParameter(
            f"the text has {what} at character {broken.start() + 1}; it must be valid Unicode text",
            param="contentText",
        )
    markers = list(_markers(text))
    count = len(text) - sum(end - start for start, end, _ in markers)
    if count > limit:
        raise InvalidParameter(
            f"the text has {count:,} characters; at most {limit:,} are allowed", param="contentText"
        )
    pauses = sum((seconds for *_, seconds in markers), Decimal())
    most = most_pauses(count)
    if pauses > most:
        raise InvalidParameter(
            f"the pauses of the text last {pauses} s; {count} characters may have {most} s, which "
            f"is {PAUSES} s and {PAUSES_A_CHARACTER} s for each character, {MAX_PAUSES} s at most",
            param="contentText",
        )
    if not any(map(_speakable, _without(text, markers))):
        raise InvalidParameter(
            "the text has nothing to speak; it must have at least one letter or digit",
            param="contentText",
        )
    return count


def most_pauses(characters: int) -> int:
    """Return the most seconds of pauses that billed characters may have."""
    return min(MAX_PAUSES, PAUSES + PAUSES_A_CHARACTER * characters)


def _without(text: str, markers: Sequence[tuple[int, int, Decimal]]) -> Iterator[str]:
    start = 0
    for at, end, _ in markers:
        yield text[start:at]
        start = end
    yield text[start:]


def _speakable(text: str) -> bool:
    # Modifier letters lengthen or repeat another: ー, ๆ, 々.
    categories = map(unicodedata.category, text)
    return any(category[0] in "LN" and category != "Lm" for category in categories)


_PICTURE = re.compile("[\U0001f300-\U0001f3fa\U0001f400-\U0001faff]")


def _shown(text: str) -> bool:
    """Return true if the text has an emoji, whose name is spoken."""
    return bool(_PICTURE.search(text))


# Sentences


def parse(
    text: str,
    limit: int = LIMIT,
    dense_limit: int = DENSE_LIMIT,
    edges: Collection[int] = (),
) -> Script:
    """Split a text into its sentences and pauses, in order.

    A sentence ends at the terminal punctuation of its script and at a line break. It does not end
    at abbreviations, initials, ordinals and decimals. A longer sentence than `limit` characters is
    split by `splitting.split`. Where most letters are ideographs, kana or Hangul, `dense_limit`
    applies. Parts without a letter, digit or emoji are left out. No sentence crosses the `edges`,
    which are positions in the text.

    Raises:
        InvalidParameter: a pause marker is malformed.
    """
    pieces: list[Piece] = []
    last: int | None = None  # the sentence before, in pieces
    paragraph = False
    start = 0
    cuts = [*_markers(text), *((edge, edge, Decimal()) for edge in {*edges, len(text)})]
    for at, end, seconds in sorted(cuts):
        if at < start:
            continue  # an edge within a pause marker
        plain, origins = cleaned(text[start:at])
        for left, right in boundaries.sentences(plain):
            if plain[left:right] == "\n":
                paragraph = True
                continue
            dense = is_dense(plain[left:right])
            parts = split(plain, left, right, dense_limit if dense else limit)
            spoken = [(a, b) for a, b in parts if _speakable(plain[a:b]) or _shown(plain[a:b])]
            for a, b in spoken:
                if last is not None and paragraph:
                    before = pieces[last]
                    assert isinstance(before, Sentence)
                    pieces[last] = replace(before, paragraph_end=True)
                paragraph, last = False, len(pieces)
                sentence = _sentence(plain, origins, a, b, start)
                cut = right == len(plain) and at in edges and not boundaries.is_ended(plain)
                pieces.append(replace(sentence, goes_on=cut or (a, b) != spoken[-1]))
        if seconds:
            pieces.append(Pause(seconds))
        start = end
    return Script(tuple(pieces))


def _sentence(plain: str, origins: list[int], start: int, end: int, before: int) -> Sentence:
    shifts: list[tuple[int, int]] = []
    distance = 0
    for index in range(start, end):
        now = origins[index] - origins[start] - (index - start)
        if now != distance:
            shifts.append((index - start, now))
            distance = now
    return Sentence(plain[start:end], before + origins[start], False, tuple(shifts))


# Chunks

_PACE = 15  # characters a second


def chunks(
    script: Script,
    target: int = 400,
    opening: int | None = None,
    cuts: Sequence[int] = (),
) -> tuple[tuple[Piece, ...], ...]:
    """Group the pieces into chunks, each of which is synthesised and stored as a whole.

    A chunk has sentences of at most `target` characters together, or one longer sentence, and the
    pauses that follow them. A pause counts as the characters of speech of its length. Pauses in a
    row may be in several chunks. `opening` is the target of the first chunk, which a listener waits
    for. It doubles from chunk to chunk until it is `target`. `cuts` are positions in the text, in
    order, on whose two sides sentences are in different chunks.
    """
    most = target if opening is None else min(opening, target)
    groups: list[tuple[Piece, ...]] = []
    group: list[Piece] = []
    size = 0
    part: int | None = None  # cuts before the last sentence
    for piece in script.pieces:
        must_part = False
        if isinstance(piece, Pause):
            length = round(piece.seconds * _PACE)
            may_part = bool(group) and isinstance(group[-1], Pause)
        else:
            length, may_part = len(piece.text), bool(group)
            before, part = part, bisect_right(cuts, piece.offset)
            must_part = before is not None and before != part
        if must_part or (may_part and size + length > most):
            groups.append(tuple(group))
            group, size, most = [], 0, min(2 * most, target)
        group.append(piece)
        size += length
    if group:
        groups.append(tuple(group))
    return tuple(groups)
