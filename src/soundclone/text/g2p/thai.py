"""Thai: find words and syllables, and the tone of each syllable.

Thai writes no spaces, and writes some vowels before their consonant. The tone follows from the
class of the consonant, the length of the vowel, the final sound and the mark (M. R. Haas, The
Thai System of Writing, 1956; R. B. Noss, Thai Reference Grammar, 1964). A sentence is cut where
the sum of costs is least. Words of `thai_words` are cheap, other possible syllables cost more,
and syllables with unwritten vowels cost most. espeak-ng's Thai has neither words nor tones, so
espeak-ng receives phonemes of its table for Shan, the nearest relative with tones.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from . import PHONEMES, Piece, Reading
from .thai_words import WORDS

_CONSONANT = "[ก-ฃคฅฆ-ฮ]"
_HIGH = frozenset("ขฃฉฐถผฝศษสห")
_MID = frozenset("กจฎฏดตบปอ")
_ONSETS = {
    "k": "ก", "k_h": "ขฃคฅฆ", "N": "ง", "tS;": "จ", "tS;h": "ฉชฌ", "s": "ซศษส", "j": "ญย",
    "d": "ฎด", "t": "ฏต", "t_h": "ฐฑฒถทธ", "n": "ณน", "b": "บ", "p": "ป", "p_h": "ผพภ",
    "f": "ฝฟ", "m": "ม", "*": "รฤ", "l": "ลฬฦ", "w": "ว", "h": "หฮ", "?": "อ",
}  # fmt: skip
_ONSET = {letter: sound for sound, letters in _ONSETS.items() for letter in letters}
_CODAS = {
    "k": "กขคฆ", "t": "จชซฌฎฏฐฑฒดตถทธศษส", "p": "บปพฟภ", "n": "นญณรลฬ", "m": "ม", "N": "ง",
    "j": "ย", "w": "ว",
}  # fmt: skip
_CODA = {letter: sound for sound, letters in _CODAS.items() for letter in letters}
_SONORANTS = frozenset("งญณนมยรลวฬ")

# Tones as Shan's table numbers their nearest: rising, low, mid, high, falling.
_RISING, _LOW, _MIDDLE, _HIGH_TONE, _FALLING = "12345"
_MARKED = {
    "mid": {"่": _LOW, "้": _FALLING, "๊": _HIGH_TONE, "๋": _RISING},
    "high": {"่": _LOW, "้": _FALLING, "๊": _HIGH_TONE, "๋": _RISING},
    "low": {"่": _FALLING, "้": _HIGH_TONE, "๊": _HIGH_TONE, "๋": _RISING},
}

# What a syllable may look like: C its onset, T its tone mark, F its final. Each with the vowel,
# where it may have a final, and how unlikely it is.
_O = (
    r"(?P<C>[กขคตปผพ][รล]|[กขค]ว|ทร|[สศซ]ร|จร(?=ิ)|ห[งญนมยรลว]|อย(?=[่้ัาู])|[บดฟ][รล]"
    rf"|{_CONSONANT})"
)
_T = "(?P<T>[่้๊๋]?)"
_F = r"(?P<F>[กขคฆจชซฌฎฏฐฑฒดตถทธศษสบปพฟภนญณรลฬมงยว](?![ะาำิีึืุู็่้๊๋ัๅ]))"
_F1 = _F.replace("ยว]", "]")  # neither ย nor ว
_FW = _F.replace("ยว]", "ว]")
_SILENT = rf"(?:{_CONSONANT}?{_CONSONANT}[ิุ]?์)?"
_SHAPES: tuple[tuple[str, str, int], ...] = (
    (rf"{_O}{_T}ะ", "a", 0),
    (rf"{_O}ั{_T}วะ", "u@-", 0),
    (rf"{_O}ั{_T}ว", "u@", 0),
    (rf"{_O}ั{_T}{_F}", "a", 0),
    (rf"{_O}{_T}า{_F}?", "a:", 0),
    (rf"{_O}{_T}ำ", "am", 0),
    (rf"{_O}ิ{_T}{_F}?", "i", 0),
    (rf"{_O}ี{_T}{_F}?", "i:", 0),
    (rf"{_O}ึ{_T}{_F}?", "W", 0),
    (rf"{_O}ื{_T}(?:อ|{_F})", "W:", 0),
    (rf"{_O}ุ{_T}{_F}?", "u", 0),
    (rf"{_O}ู{_T}{_F}?", "u:", 0),
    (rf"เ{_O}็{_T}{_F}", "e", 0),
    (rf"เ{_O}{_T}ะ", "e", 0),
    (rf"เ{_O}{_T}อะ", "@-", 0),
    (rf"เ{_O}{_T}าะ", "O", 0),
    (rf"เ{_O}{_T}า", "aw", 0),
    (rf"เ{_O}ิ{_T}{_F}", "@:", 0),
    (rf"เ{_O}{_T}ย", "@:j", 0),
    (rf"เ{_O}{_T}อ{_F}?", "@:", 0),
    (rf"เ{_O}ี{_T}ยะ", "i@-", 0),
    (rf"เ{_O}ี{_T}ย{_FW}?", "i@", 0),
    (rf"เ{_O}ื{_T}อ{_F}?", "W@", 0),
    (rf"เ{_O}{_T}{_FW}?", "e:", 0),
    (rf"แ{_O}็{_T}{_F}", "E", 0),
    (rf"แ{_O}{_T}ะ", "E", 0),
    (rf"แ{_O}{_T}{_FW}?", "E:", 0),
    (rf"โ{_O}{_T}ะ", "o", 0),
    (rf"โ{_O}{_T}{_F}?", "o:", 0),
    (rf"[ไใ]{_O}{_T}ย?", "aj", 0),
    (rf"{_O}รร(?={_CONSONANT}[ก-ฮ]|{_CONSONANT}?$|[^ก-ฮ])(?P<F>[กขคบพมนงดตถท])", "a", 1),
    (rf"{_O}รร", "an", 2),
    (rf"{_O}็{_T}อ{_F}", "O", 0),
    (rf"{_O}{_T}อ{_F}?", "O:", 0),
    (rf"{_O}{_T}ว{_F}", "u@", 1),
    (rf"{_O}{_T}ร(?![ก-ฮะ-ูเ-์])", "O:n", 3),
    (rf"{_O}{_T}{_F1}", "o", 3),
    (r"(?P<C>ฤ)(?P<F>[กดตทษสน](?![ะ-ู]))?", "W", 1),
    (rf"(?P<C>{_CONSONANT})(?P<T>)(?![ะ-ู็-๎])", "a", 9),
)
_COMPILED = tuple((re.compile(shape + _SILENT), vowel, cost) for shape, vowel, cost in _SHAPES)
_LEADING = re.compile(rf"(?P<pre>[เแโไใ]?)(?P<first>[กขคจฉตถปผฝพสศอบดช])(?P<rest>{_CONSONANT})")

_SYLLABLE_COST, _WORD_COST, _STRAY_COST = 12, 8, 60


@dataclass(frozen=True)
class _Part:
    """A word, or a syllable outside every word."""

    start: int
    end: int
    phonemes: str  # of syllables, with "|" between them
    known: bool


def read(text: str) -> Reading:
    """Return phonemes of Thai, numbers in words, and Latin words in English."""
    pieces: list[Piece] = []
    words: list[tuple[int, int]] = []
    for match in _RUN.finditer(text):
        start, run = match.start(), match[0]
        if match["thai"] and run in _ONSET:  # a letter of an abbreviation
            pieces.append(Piece(_syllable(run, "O:", "", ""), start, PHONEMES))
            words.append((start, 1))
        elif match["thai"]:
            for part in _joined(_parts(run)):
                if part.phonemes:
                    pieces.append(Piece(part.phonemes, start + part.start, PHONEMES))
                    words.append((start + part.start, part.end - part.start))
        elif match["number"]:
            told = "|".join(part.phonemes for part in _parts(spoken_number(run)))
            pieces.append(Piece(told, start, PHONEMES))
            words.append((start, len(run)))
        elif match["latin"]:
            pieces.append(Piece(unicodedata.normalize("NFKC", run), start, "en"))
            words.append((start, len(run)))
        elif match["repeat"] and pieces and pieces[-1].voice == PHONEMES:
            pieces.append(Piece(pieces[-1].text, match.end() - 1, PHONEMES))
            words.append((match.end() - 1, 1))
        elif match["space"]:  # Thai's only punctuation
            pieces.append(Piece(", ", start))
        elif match["other"] and any(unicodedata.category(c)[0] in "LN" for c in run):
            pieces.append(Piece(run, start))
            words.append((start, len(run)))
        else:
            pieces.append(Piece(run if run in ",.!?;…" else " ", start))
    return Reading(tuple(pieces), tuple(words))


_RUN = re.compile(
    r"(?P<thai>[ก-ฺเ-ๅ็-๎]+)|(?P<number>[0-9๐-๙]+(?:,[0-9๐-๙]{3})*(?:\.[0-9๐-๙]+)?)"
    r"|(?P<latin>[A-Za-zÀ-ɏ]+(?:['’-][A-Za-zÀ-ɏ]+)*)|\s*(?P<repeat>ๆ)|(?P<space>(?<=[ก-๎ๆ])\s+(?=[ก-๎]))"
    r"|(?P<other>(?:(?![A-Za-zÀ-ɏ])[^\W\d_])[^\sก-๙A-Za-z0-9]*)|.",
    re.DOTALL,
)


@lru_cache(256)
def _parts(run: str) -> tuple[_Part, ...]:
    """Return the cheapest path through a run of Thai letters."""
    # Of each place: the least cost, and the part that ends there.
    best: list[tuple[float, _Part | None]] = [(0, None)] + [(float("inf"), None)] * len(run)

    def offer(cost: float, part: _Part) -> None:
        if cost < best[part.end][0]:
            best[part.end] = (cost, part)

    words = _words()
    for start in range(len(run)):
        before = best[start][0]
        for length in range(1, min(_longest(), len(run) - start) + 1):
            word = run[start : start + length]
            if word in words:
                phonemes = _pronounced(word)
                offer(before + _WORD_COST, _Part(start, start + length, phonemes, True))
        for length, phonemes, cost in _syllables(run, start):
            part = _Part(start, start + length, phonemes, False)
            offer(before + _SYLLABLE_COST + cost, part)
        offer(before + _STRAY_COST, _Part(start, start + 1, "", False))
    back: list[_Part] = []
    at = len(run)
    while (last := best[at][1]) is not None:
        back.append(last)
        at = last.start
    return tuple(reversed(back))


def _joined(parts: tuple[_Part, ...]) -> Iterator[_Part]:
    """Join neighbouring syllables outside every word into one word."""
    loose: _Part | None = None
    for part in parts:
        if not part.known and loose:
            loose = _Part(loose.start, part.end, _row(loose.phonemes, part.phonemes), False)
        elif part.known:
            if loose:
                yield loose
            yield part
            loose = None
        else:
            loose = part
    if loose:
        yield loose


@cache
def _words() -> dict[str, str]:
    """Return the regular spelling of each word, or "" if the word has it already.

    Hyphens separate syllables that the rules would cut elsewhere.
    """
    return {word: said for word, _, said in (entry.partition("=") for entry in WORDS.split())}


@cache
def _longest() -> int:
    return max(map(len, _words()))


@lru_cache(4096)
def _pronounced(word: str) -> str:
    said = _words()[word] or word
    return "|".join(_spelled(syllable) for syllable in said.split("-"))


def _row(*syllables: str) -> str:
    return "|".join(filter(None, syllables))


def _spelled(letters: str) -> str:
    """Return phonemes of letters outside every word, from their syllables alone."""
    best: list[tuple[float, str]] = [(0, "")] + [(float("inf"), "")] * len(letters)
    for start in range(len(letters)):
        cost, before = best[start]
        for length, phonemes, more in (
            *_syllables(letters, start),
            (1, "", _STRAY_COST),
        ):
            total = cost + _SYLLABLE_COST + more
            if total < best[start + length][0]:
                best[start + length] = (total, _row(before, phonemes))
    return best[-1][1]


def _syllables(text: str, start: int) -> Iterator[tuple[int, str, int]]:
    """Yield length, phonemes and cost of each possible syllable at `start`.

    Two syllables count as one if the first has an unwritten vowel (ตลาด ta-làat).
    """
    for shape, vowel, cost in _COMPILED:
        if match := shape.match(text, start):
            groups = match.groupdict()
            said = _syllable(groups["C"], vowel, groups.get("T") or "", groups.get("F") or "")
            yield len(match[0]), said, cost
            if groups.get("F") and match.end() == match.end("F") and _may_lack_final(shape.pattern):
                # The final may as well begin the next syllable.
                said = _syllable(groups["C"], vowel, groups.get("T") or "", "")
                yield match.start("F") - start, said, cost + 1
    leading = _LEADING.match(text, start)
    if leading and leading["rest"] in _SONORANTS:
        first = leading["first"]
        carrier = {"high": "ห", "mid": "อ"}.get(_class(first), "")
        rest = leading["pre"] + leading["rest"] + text[leading.end() :]
        for shape, vowel, cost in _COMPILED[:-1]:
            if match := shape.match(rest):
                groups = match.groupdict()
                if not groups["C"].startswith(leading["rest"]) or "์" in match[0]:
                    continue
                said = _syllable(
                    carrier + groups["C"], vowel, groups.get("T") or "", groups.get("F") or ""
                )
                yield len(match[0]) + 1, _row(_syllable(first, "a", "", ""), said), cost + 8


def _may_lack_final(pattern: str) -> bool:
    return _F + "?" in pattern or _FW + "?" in pattern


def _class(onset: str) -> str:
    if onset[0] in _HIGH:
        return "high"
    return "mid" if onset[0] in _MID else "low"


def _syllable(onset: str, vowel: str, mark: str, final: str) -> str:
    """Return phonemes of a syllable from its letters. `vowel` may include a final sound."""
    kind = _class(onset)
    sounds = _cluster(onset[1:] if len(onset) > 1 and onset[0] in "หอ" else onset)
    short = vowel[-1] == "-" or vowel in ("a", "i", "W", "u", "e", "E", "o", "O")
    vowel = vowel.removesuffix("-")
    coda = _CODA.get(final, "")
    if vowel[-1] in "mjwn" and len(vowel) > 1:
        vowel, coda = vowel[:-1], vowel[-1]
    if mark:
        tone = _MARKED[kind][mark]
    elif coda in ("m", "n", "N", "j", "w") or (not coda and not short):
        tone = _RISING if kind == "high" else _MIDDLE
    elif kind != "low":
        tone = _LOW
    else:
        tone = _HIGH_TONE if short else _FALLING
    # A tone mark shortens most vowels of เ and แ before a nasal (เล่น, แบ่ง).
    if mark and coda in ("m", "n", "N") and vowel in ("e:", "E:"):
        vowel = vowel[:-1]
    return f"{sounds}{vowel}{tone}{coda}"


def _cluster(letters: str) -> str:
    if letters in ("ทร", "สร", "ศร", "ซร"):
        return "s"
    if letters == "จร":
        return "tS;"
    return "".join(_ONSET[letter] for letter in letters)


_DIGITS = "ศูนย์ หนึ่ง สอง สาม สี่ ห้า หก เจ็ด แปด เก้า".split()
_UNITS = ("", "สิบ", "ร้อย", "พัน", "หมื่น", "แสน")
_LONGEST_NUMBER = 18


def spoken_number(digits: str) -> str:
    """Return a number of Arabic or Thai digits in Thai words: "21" -> "ยี่สิบเอ็ด"."""
    plain = "".join(c if c == "." else str(int(c)) for c in digits if c != ",")
    whole, _, decimals = plain.partition(".")
    if len(whole) > _LONGEST_NUMBER or (len(whole) > 1 and whole[0] == "0"):
        said = "".join(_DIGITS[int(digit)] for digit in whole)
    else:
        said = _integer(int(whole))
    return said + ("จุด" + "".join(_DIGITS[int(digit)] for digit in decimals) if decimals else "")


def _integer(number: int) -> str:
    if number >= 10**6:
        rest = number % 10**6
        return _integer(number // 10**6) + "ล้าน" + (_integer(rest) if rest else "")
    said = ""
    for power in range(5, -1, -1):
        digit = number // 10**power % 10
        if power == 1 and digit:
            said += {1: "", 2: "ยี่"}.get(digit, _DIGITS[digit]) + "สิบ"
        elif power == 0 and digit == 1 and number > 10:
            said += "เอ็ด"
        elif digit:
            said += _DIGITS[digit] + _UNITS[power]
    return said or _DIGITS[0]
