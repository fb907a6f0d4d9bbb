"""A text to be spoken: how it is counted, cleaned, and cut into sentences and pauses.

Everything here takes time linear in the length of the text, whatever the text.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from ..errors import InvalidParameter

LIMIT = 220  # characters of a sentence that an engine is asked to say at once
DENSE_LIMIT = 100  # the same where a character is an ideograph or a syllable
MAX_MARKED = 9_000  # characters of pause markers: a thousand of the longest
MAX_PAUSES = 3600  # seconds; pauses cost nothing, and a text could hold months of them


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
        """Where the character `text[index]` comes from in the original text, in code points;
        `origin(len(text))` is where the sentence ends there."""
        at = bisect_right(self.shifts, index, key=lambda shift: shift[0])
        return self.offset + index + (self.shifts[at - 1][1] if at else 0)


@dataclass(frozen=True)
class Pause:
    """Silence that the text asks for by `<#seconds#>`."""

    seconds: Decimal


Piece = Sentence | Pause


@dataclass(frozen=True)
class Script:
    """What is to be said and kept silent, in order."""

    pieces: tuple[Piece, ...]

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        return tuple(piece for piece in self.pieces if isinstance(piece, Sentence))


# Pause markers

# Opened, and closed unless another begins or the line ends before.
_MARKER = re.compile(r"<#(?:(?!<#|#>).)*(?:#>)?")
_SECONDS = re.compile(r"<#([0-9]{1,2}(?:\.[0-9]{1,2})?)#>")
_NUMBER = re.compile(r"<#\s*[-+]?\.?[0-9]")


def _markers(text: str) -> Iterator[tuple[int, int, Decimal]]:
    """(start, end, seconds) of every pause marker. Raises InvalidParameter at a malformed one."""
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
                "<#x#>, with x from 0.01 to 99.99 seconds and at most two decimals"
            )


def billable(text: str) -> int:
    """The number of Unicode code points, those of pause markers not counted.

    Raises InvalidParameter at a malformed marker.
    """
    return len(text) - sum(end - start for start, end, _ in _markers(text))


def check(text: str, limit: int) -> int:
    """`billable(text)`, of a text that can be spoken and has at most `limit` characters.

    Raises InvalidParameter when the text is empty, longer than `limit`, without any letter or
    digit, not valid Unicode, or has a malformed pause marker or too much pause.
    """
    if not text:
        raise InvalidParameter("the text is empty; it must have at least one letter or digit")
    if len(text) > limit + MAX_MARKED:
        raise InvalidParameter(
            f"the text has {len(text)} characters with its pause markers; at most "
            f"{limit + MAX_MARKED} are allowed, of which {limit} without them"
        )
    if broken := re.search("[\0\ud800-\udfff]", text):
        # Neither can be kept in a database or written to a file.
        what = "a NUL character" if broken[0] == "\0" else "half of a surrogate pair"
        raise InvalidParameter(
            f"the text has {what} at character {broken.start() + 1}; it must be valid Unicode text"
        )
    markers = list(_markers(text))
    count = len(text) - sum(end - start for start, end, _ in markers)
    if count > limit:
        raise InvalidParameter(f"the text has {count} characters; at most {limit} are allowed")
    pauses = sum((seconds for *_, seconds in markers), Decimal())
    if pauses > MAX_PAUSES:
        raise InvalidParameter(
            f"the pauses of the text last {pauses} s; at most {MAX_PAUSES} s are allowed"
        )
    if not any(map(_speakable, _without(text, markers))):
        raise InvalidParameter(
            "the text has nothing to speak; it must have at least one letter or digit"
        )
    return count


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
    """Whether there is an emoji in it, which is said by its name beside what else is said."""
    return bool(_PICTURE.search(text))


# Cleaning

_MARKS = 4  # the most that a letter has in living orthographies
_FULL_LINE = 40  # characters, from where on a line may have been broken for its length
_LINE_BREAKS = frozenset("\n\v\f\r\x85\u2028\u2029")
_JOINERS = "\u200c\u200d"
_SELECTOR = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# Letters and digits that are others in disguise: Latin and Arabic ligatures, half and full width,
# mathematical alphabets.
_DISGUISED = re.compile(
    "[\ufb00-\ufb06\ufb13-\ufb17\ufb1d-\ufdfb\ufe70-\ufefc\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
    "\uff66-\uff9f\U0001d400-\U0001d7ff]"
)


def clean(text: str) -> str:
    """What an engine receives of a text without pause markers.

    Line breaks of every kind become `\\n`, one for a run, or a space where a sentence evidently
    goes on in the next line; other white space and control characters become single spaces, and
    none is left at the ends. Format characters (zero-width, bidirectional, soft hyphens),
    variation selectors, private and unassigned characters are left out, but for the joiners
    inside words of Arabic and Indic scripts. Letters are composed (NFC), those of compatibility
    blocks replaced by the ordinary ones, and combining marks beyond the fourth on a letter left
    out.
    """
    return _clean(text)[0].strip()


def _clean(text: str) -> tuple[str, list[int]]:
    """The clean text, but for white space at its ends, and where each character comes from."""
    characters: list[str] = []
    origins: list[int] = []
    space, space_origin = "", 0
    line = 0  # where the line in hand begins in the text
    for start, end in _clusters(text):
        base = text[start]
        if base in _LINE_BREAKS or base.isspace() or unicodedata.category(base) == "Cc":
            if not space:
                space_origin = start
            space = "\n" if base in _LINE_BREAKS or space == "\n" else " "
            continue
        plain = _plain(text, start, end)
        if not plain:
            continue
        if space:
            if space == "\n":
                full = space_origin - line >= _FULL_LINE
                if full and _goes_on(characters[-1], plain[0]):
                    space = " "
                line = start
            characters.append(space)
            origins.append(space_origin)
            space = ""
        characters.extend(plain)
        origins.extend(start + min(index, end - start - 1) for index in range(len(plain)))
    if space:
        characters.append(space)
        origins.append(space_origin)
    return "".join(characters), origins


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """A character with the marks on it; close to the grapheme clusters of UAX #29."""
    start = 0
    for index in range(1, len(text) + 1):
        if index == len(text) or not _extends(text[index]):
            if start < index:
                yield start, index
            start = index


def _extends(character: str) -> bool:
    return character >= "\u0300" and (
        unicodedata.category(character)[0] == "M"
        or "\u1160" <= character <= "\u11ff"  # vowels and finals of Hangul
        or character in "\uff9e\uff9f"  # voicing of half-width kana
        or "\U0001f3fb" <= character <= "\U0001f3ff"  # skin tones
    )


def _plain(text: str, start: int, end: int) -> str:
    if end - start == 1 and text[start] < "\u0080":
        return text[start]
    if text[start] in _JOINERS:
        between = start and end == start + 1 < len(text)
        return text[start] if between and _joins(text[start - 1]) and _joins(text[end]) else ""
    form, marks = "", 0
    for character in text[start:end]:
        category = unicodedata.category(character)
        if category in ("Cf", "Cs", "Co", "Cn") or _SELECTOR.match(character):
            continue
        marks += category[0] == "M"
        if marks <= _MARKS or category[0] != "M":
            form += character
    if _DISGUISED.match(form):
        ordinary = unicodedata.normalize("NFKC", form)
        # One character of Arabic stands for a whole sentence.
        return ordinary if len(ordinary) <= 4 * len(form) else form
    return unicodedata.normalize("NFC", form)


def _joins(character: str) -> bool:
    return "\u0600" <= character < "\u0e00"


def _goes_on(before: str, after: str) -> bool:
    """Whether a line break between the two is only where a line was full."""
    return after.islower() and (before.isalnum() or before in ",;-–—")


# Sentences

_CLOSING = "\"'”’»›)\\]}」』）】》〉"
_END = re.compile(
    rf"(?P<line>\n)|(?P<full>[。！？｡؟۔।॥]+[.!?…。！？]*|(?<=[\u0370-\u03ff\u1f00-\u1fff]);)"
    rf"(?P<closing>[{_CLOSING}]*)|(?P<stop>[.!?…．‼⁇⁈⁉]+)(?P<closed>[{_CLOSING}]*(?: »(?!\S))?)"
)
_INITIALS = re.compile(r"(?:[^\W\d_]{1,2}\.)*[^\W\d_]|(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,3}")
_ORDINAL = re.compile(r"[0-9]{1,2}|[IVX]{1,5}")
# What a name follows. Others, such as "etc.", may well end a sentence.
_TITLES = """
    mr mrs ms dr prof st rev gen col capt lt sgt hon vs approx jan feb aug sept oct nov dec
    hr fr bzw ca evtl ggf inkl zzgl mme mlle mgr sra srta dra ud uds sig dott ing avv
    dhr mevr mw drs doç sn bkz ul św np tzn tj г ул им проф тов гр див напр вул डॉ
""".split()
# What a number follows; some are words as well.
_NUMBERED = "no nos nr núm pág art abs str vol fig pp tel kl blz рис стр".split()


def parse(text: str, limit: int = LIMIT, dense_limit: int = DENSE_LIMIT) -> Script:
    """The sentences and pauses of `text`, in order.

    A sentence ends at the terminal punctuation of its script and at a line break, not at
    abbreviations, initials, ordinals and decimals. One longer than `limit` characters
    (`dense_limit`, where most letters are ideographs, kana or Hangul) is split, at the best of:
    a clause, a conjunction, a space, any place between two characters that is not within a
    letter and its marks. What has no letter, digit or emoji is left out. Raises
    InvalidParameter at a malformed pause marker.
    """
    pieces: list[Piece] = []
    last: int | None = None  # the sentence before, in pieces
    paragraph = False
    start = 0
    for at, end, seconds in [*_markers(text), (len(text), len(text), Decimal())]:
        plain, origins = _clean(text[start:at])
        for left, right in _sentences(plain):
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
                pieces.append(replace(sentence, goes_on=(a, b) != spoken[-1]))
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


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    """Ranges of the sentences and of the line breaks."""
    start = 0
    for match in _END.finditer(text):
        if match["line"]:
            yield start, match.start()
            yield match.start(), match.end()
        elif _ends(text, match):
            yield start, match.end()
        else:
            continue
        start = match.end()
    yield start, len(text)


def _ends(text: str, match: re.Match[str]) -> bool:
    after = text[match.end() : match.end() + 1]
    if match["full"]:
        return not (match["closing"] and after.isalnum())
    if not after or after == "\n":
        return True
    if after != " ":
        if "\u0e00" <= after <= "\u0e7f" and match["stop"] == ".":
            return False  # Thai has full stops in abbreviations only
        # Scripts without capitals do not always put a space; "3.14" and "example.org" have none.
        return after.isalpha() and after.upper() == after.lower()
    following = text[match.end() + 1 : match.end() + 2]
    stop = match["stop"]
    if following.islower() and (match["closed"] or stop[-1] in ".…"):
        return False
    if stop != "." or match["closed"]:
        return True
    word = text[max(0, match.start() - 20) : match.start()].rpartition(" ")[2]
    word = word.lstrip("\"'([{«„“‘¿¡")
    if "\u0e00" <= word[-1:] <= "\u0e7f":
        return False
    return not (
        (_INITIALS.fullmatch(word) and word < "\u2e80")
        or _ORDINAL.fullmatch(word)
        or word.casefold() in _TITLES
        or (word.casefold() in _NUMBERED and following.isdigit())
    )


def is_dense(text: str) -> bool:
    """Whether most letters are ideographs, kana or Hangul, which say more in less space."""
    letters = sum(map(str.isalpha, text))
    return 2 * sum("\u2e80" <= c <= "\ud7ff" or c >= "\U00020000" for c in text) > letters


# Parts of sentences

_CLAUSE = re.compile(r"[,;:،؛]\s|[，、；：]|[.!?…]\s|\s[-–—]\s|—")
_SPACE = re.compile(r"\s")
_CONJUNCTION = re.compile(
    r"\s(?=(?:and|but|or|because|which|while|that|und|aber|oder|weil|dass|et|mais|ou|car|que|pero|"
    r"porque|mas|ma|perché|che|en|maar|of|omdat|och|men|og|eller|ja|mutta|ale|lebo|protože|bo|lub|"
    r"dar|sau|ve|ama|veya|dan|tetapi|atau|at|ngunit|và|nhưng|hoặc|και|αλλά|или|но|и|что|потому|"
    r"та|але|або|що|ili|jer|in|ampak|és|de|vagy|i|però|और|लेकिन|या|மற்றும்|و|أو|ולכן|או|یا|اما)\s)"
)


def split(
    text: str, start: int, end: int, limit: int, words: Sequence[int] = ()
) -> Iterator[tuple[int, int]]:
    """Ranges of at most `limit` characters that `text[start:end]` is best split into, of about
    equal length and without white space at their ends.

    `words` are starts of words in `text`, ascending, for scripts that do not write spaces.
    """
    start, end = _strip(text, start, end)
    while end - start > limit:
        ideal = (end - start) // -(-(end - start) // limit)
        cut = _cut(text, start, start + max(ideal, 1), start + limit, words)
        yield _strip(text, start, cut)
        start, end = _strip(text, cut, end)
    if start < end:
        yield start, end


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _cut(text: str, start: int, ideal: int, limit: int, words: Sequence[int]) -> int:
    """The best place for a cut after `start` and not after `limit`: of the best kind that there
    is, the one closest to `ideal`."""
    least = (start + ideal) // 2
    kinds: tuple[Callable[[], Iterator[int]], ...] = (
        lambda: (match.end() for match in _CLAUSE.finditer(text, least, limit + 1)),
        lambda: (match.end() for match in _CONJUNCTION.finditer(text, least, limit + 1)),
        lambda: (match.end() for match in _SPACE.finditer(text, least, limit + 1)),
        lambda: iter(words[bisect_right(words, least) : bisect_right(words, limit)]),
        lambda: (index for index in range(start + 1, limit + 1) if _divides(text, index)),
    )
    for places in kinds:
        # A space after the limit is dropped with the white space.
        found = [place for place in places() if start < place <= limit + text[limit].isspace()]
        if found:
            return min(found, key=lambda place: abs(place - ideal))
    return limit


def _divides(text: str, index: int) -> bool:
    joined = text[index - 1] in _JOINERS or text[index] in _JOINERS
    return not joined and not _extends(text[index])


# Chunks

_PACE = 15  # characters a second


def chunks(
    script: Script, target: int = 400, opening: int | None = None
) -> tuple[tuple[Piece, ...], ...]:
    """The pieces in groups, for work that is kept a group at a time.

    A group has sentences of at most `target` characters together, or one that is longer, and the
    pauses that follow them. A pause counts as what could be said in its time; where several
    follow each other, they may be in several groups. `opening` is the target of the first group,
    for which somebody waits; it doubles from group to group until it is `target`.
    """
    most = target if opening is None else min(opening, target)
    groups: list[tuple[Piece, ...]] = []
    group: list[Piece] = []
    size = 0
    for piece in script.pieces:
        if isinstance(piece, Pause):
            length = round(piece.seconds * _PACE)
            may_part = bool(group) and isinstance(group[-1], Pause)
        else:
            length, may_part = len(piece.text), bool(group)
        if may_part and size + length > most:
            groups.append(tuple(group))
            group, size, most = [], 0, min(2 * most, target)
        group.append(piece)
        size += length
    if group:
        groups.append(tuple(group))
    return tuple(groups)
