"""Japanese: find words and their readings by the cheapest path through a dictionary.

The dictionary is mecab-ipadic, reduced by `training/japanese.py`. Each word and each pair of
neighbours has a cost, and the path has the least sum (T. Kudo, K. Yamamoto, Y. Matsumoto,
EMNLP 2004). A number takes the reading that its counter requires (一本 いっぽん, 二十日 はつか).
espeak-ng receives katakana as pronounced, with spaces between phrases.
"""

from __future__ import annotations

import io
import lzma
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from . import Piece, Reading
from .japanese_numbers import spoken_number, with_counter

_WORD, _ENDING, _SYMBOL, _NUMBER, _PREFIX, _SUFFIX, _NAME = range(7)  # as training/japanese.py
_LONGEST = 16  # characters of a word in the dictionary
# Contexts of IPADIC, and its costs of words that it does not have.
_EDGE, _NOUN, _NUMERAL = 0, 1285, 1295
_KATAKANA_COST, _OTHER_COST = 9461, 12000

_KATAKANA = {code: code + 0x60 for code in range(0x3041, 0x3097)} | str.maketrans(
    "ヮヵヶ", "ワカケ"
)
_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}  # IPADIC has no half-width characters
_RUN = re.compile(
    r"(?P<number>[0-9０-９]+(?:[,，][0-9０-９]{3})*(?:[.．][0-9０-９]+)?)"
    r"|(?P<latin>[A-Za-zÀ-ɏＡ-Ｚａ-ｚ]+(?:['’-][A-Za-zÀ-ɏ]+)*)"
    r"|(?P<katakana>[ァ-ヺー]+)"
)
_PAUSES = frozenset("、。，．！？…!?,.;；")
_KANJI_DIGITS = {c: str(n) for n, c in enumerate("〇一二三四五六七八九")} | {"零": "0", "両": "2"}
_KANJI_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10**4, "億": 10**8, "兆": 10**12}

# Where the cheapest reading of IPADIC is bookish, or depends on what follows.
_READINGS = {
    "日本": "ニホン", "私": "ワタシ", "明日": "アシタ", "昨日": "キノー", "一昨日": "オトトイ",
    "家": "イエ", "他": "ホカ", "昨夜": "ユーベ", "今日": "キョー", "後": "アト", "側": "ガワ",
    "良い": "ヨイ", "日": "ヒ", "行っ": "イッ", "行く": "イク", "身体": "カラダ",
    "市場": "シジョー", "額": "ガク", "辛い": "カライ", "開い": "アイ", "空い": "アイ",
    "柄": "ガラ", "梅雨": "ツユ",
}  # fmt: skip
_LIGHT_VERB = frozenset("する し さ せ すれ しろ せよ でき できる できれ".split())
_FALLING = frozenset("雨雪")
_NAN = re.compile(r"で|と|の|だ")


@dataclass(frozen=True)
class _Token:
    start: int
    surface: str
    kind: int
    said: str  # katakana; "" where it is not known, or is another script's


class _Dictionary:
    def __init__(self) -> None:
        data = lzma.decompress((Path(__file__).parent / "japanese.xz").read_bytes())
        with np.load(io.BytesIO(data)) as file:
            self._surfaces, self._surface_starts = _lines(file["surfaces"])
            self._readings, self._reading_starts = _lines(file["readings"])
            self.first = file["first"]
            self.context = file["context"]
            self.cost = file["cost"]
            self.kind = file["kind"]
            self.connections = file["connections"]

    def _surface(self, index: int) -> str:
        start, end = self._surface_starts[index : index + 2]
        return self._surfaces[start : end - 1]

    def reading(self, entry: int) -> str:
        start, end = self._reading_starts[entry : entry + 2]
        return self._readings[start : end - 1]

    def beginning(self, text: str, start: int) -> Iterator[tuple[int, range]]:
        """Yield length and entries of the dictionary words that begin at `start`."""
        low, count = 0, len(self._surface_starts) - 1
        for length in range(1, min(_LONGEST, len(text) - start) + 1):
            prefix = text[start : start + length]
            low = bisect_left(range(count), prefix, lo=low, key=self._surface)
            if low == count:
                return
            found = self._surface(low)
            if found == prefix:
                yield length, range(self.first[low], self.first[low + 1])
            elif not found.startswith(prefix):
                return


def _lines(data: np.ndarray[Any, np.dtype[np.uint8]]) -> tuple[str, Any]:
    """Return a text and the offset of each line, with the end of the text as the last offset."""
    text = data.tobytes().decode()
    codes = np.frombuffer(text.encode("utf-32-le"), "<u4")
    ends = np.flatnonzero(codes == 10) + 1
    return text, np.concatenate([[0], ends, [len(text) + 1]]).astype(np.int32)


@cache
def _dictionary() -> _Dictionary:
    return _Dictionary()


def read(text: str) -> Reading:
    """Return katakana as pronounced, and Latin words in English. The words are phrases (文節)."""
    pieces: list[Piece] = []
    words: list[tuple[int, int]] = []
    for phrase in _phrases(_numbers(text, _tokens(text))):
        start, last = phrase[0].start, phrase[-1]
        end = last.start + len(last.surface)
        if phrase[0].kind == _SYMBOL:
            told = phrase[0].surface if phrase[0].surface in _PAUSES else " "
            pieces.append(Piece(told, start))
            continue
        for token in phrase:
            if latin := not token.said and _RUN.match(token.surface):
                word = unicodedata.normalize("NFKC", latin[0])
                pieces.append(Piece(word, token.start, "en"))
            else:
                pieces.append(Piece(token.said or token.surface, token.start))
        pieces.append(Piece(" ", end))
        words.append((start, end - start))
    return Reading(tuple(pieces), tuple(words))


def _tokens(text: str) -> Iterator[_Token]:
    dictionary = _dictionary()
    wide = text.translate(_WIDE)
    for start, length, context, entry in _cheapest(dictionary, text, wide):
        surface = text[start : start + length]
        kind = int(dictionary.kind[context])
        said = dictionary.reading(entry) if entry >= 0 else ""
        if entry < 0 and not _kana(surface):
            speakable = unicodedata.category(surface[0])[0] in "LN"
            yield _Token(start, surface, kind if speakable else _SYMBOL, "")
        elif kind == _SYMBOL and not (said and surface.isalpha()):
            yield _Token(start, surface, kind, "")
        else:
            said = _READINGS.get(surface) or said or surface
            yield _Token(start, surface, kind, said.translate(_KATAKANA))


def _kana(text: str) -> bool:
    return all("ぁ" <= c <= "ゖ" or "ァ" <= c <= "ー" for c in text)


def _cheapest(dictionary: _Dictionary, text: str, wide: str) -> Iterator[tuple[int, int, int, int]]:
    """Return start, length, context and entry of each word of the text.

    The entry is -1 for a word outside the dictionary.
    """
    # Of each way to each place: cost, context, start, entry, and the way before it.
    Way = tuple[int, int, int, int, Any]
    ways: list[list[Way]] = [[] for _ in range(len(text) + 1)]
    ways[0] = [(0, _EDGE, 0, -1, None)]
    connections, contexts, costs = dictionary.connections, dictionary.context, dictionary.cost

    def extend(start: int, length: int, context: int, cost: int, entry: int) -> None:
        best = min(
            ((way[0] + int(connections[way[1], context]), way) for way in ways[start]),
            key=lambda pair: pair[0],
        )
        ways[start + length].append((best[0] + cost, context, start, entry, best[1]))

    for start in range(len(text)):
        if not ways[start]:
            continue
        run = _RUN.match(text, start)
        if run and not run["katakana"]:
            context = _NUMERAL if run["number"] else _NOUN
            extend(start, len(run[0]), context, 0, -1)
            continue
        found = False
        for length, entries in dictionary.beginning(wide, start):
            for entry in entries:
                extend(start, length, int(contexts[entry]), int(costs[entry]), entry)
            found = True
        if run:
            extend(start, len(run[0]), _NOUN, _KATAKANA_COST, -1)
        elif not found:
            extend(start, 1, _NOUN, _OTHER_COST, -1)
    way: Way = min(
        ways[-1], key=lambda way: way[0] + int(connections[way[1], _EDGE]), default=ways[0][0]
    )
    end, back = len(text), []
    while way[4] is not None:
        back.append((way[2], end - way[2], way[1], way[3]))
        end, way = way[2], way[4]
    return reversed(back)


def _numbers(text: str, tokens: Iterator[_Token]) -> Iterator[_Token]:
    """Join each number with its counter, and read the two together."""
    row = list(tokens)
    index = 0
    while index < len(row):
        token = row[index]
        end = index
        while end < len(row) and row[end].kind == _NUMBER and row[end].surface != "数":
            end += 1
        digits = _digits("".join(t.surface for t in row[index:end]))
        if end > index and digits:
            after = text[row[end].start :] if end < len(row) else ""
            dated = index > 0 and row[index - 1].surface.endswith("月")
            if re.match(r":[0-9]{2}", after):
                counter, said = "", with_counter(digits, "時")[1]
            elif re.search(r"[0-9]:$", text[: token.start][-2:]):
                counter, said = "", with_counter(digits, "分")[1]
            else:
                counter, said = with_counter(digits, after, dated)
            if re.search(r"[0-9][-‐]$", text[: token.start][-2:]):  # of a telephone number
                said = "".join(map(spoken_number, digits))
            surface = "".join(t.surface for t in row[index:end]) + counter
            yield _Token(token.start, surface, _NUMBER, said or spoken_number(digits))
            reached = token.start + len(surface)
            while end < len(row) and row[end].start < reached:
                end += 1
            index = end
            continue
        if token.surface == "何" and index + 1 < len(row) and row[index + 1].kind != _ENDING:
            counter, said = with_counter("", text[row[index + 1].start :])
            if counter == row[index + 1].surface:
                yield _Token(token.start, "何" + counter, _WORD, said)
                index += 2
                continue
        yield _in_context(token, row, index)
        index += 1


def _in_context(token: _Token, row: list[_Token], index: int) -> _Token:
    """Return the token with the reading that its neighbours require."""
    before = row[index - 1].surface if index else ""
    after = row[index + 1].surface if index + 1 < len(row) else ""
    if token.surface == "何" and _NAN.match(after):
        return replace(token, said="ナン")
    if token.surface in ("降り", "降る", "降っ") and {t.surface for t in row[:index]} & _FALLING:
        return replace(token, said="フ" + token.said[1:])
    if token.surface == "う" and token.kind == _ENDING:
        return replace(token, said="ー")
    if token.surface == "方" and before in ("この", "その", "あの", "どの"):
        return replace(token, said="カタ")
    return token


def _digits(numeral: str) -> str:
    """Return a numeral in ASCII digits with at most one decimal point, or "" for other text."""
    plain = unicodedata.normalize("NFKC", numeral).replace(",", "")
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", plain):
        return plain
    if len(plain) > 40:
        return ""
    total = part = 0
    row = ""  # digits without units: 二〇二四
    for match in re.finditer(r"[0-9]+|.", plain):
        digit = _KANJI_DIGITS.get(match[0], match[0])
        unit = _KANJI_UNITS.get(match[0])
        if digit.isascii() and digit.isdigit():
            row += digit
        elif unit is None:
            return ""
        elif unit < 10**4:
            part += int(row or 1) * unit
            row = ""
        else:
            total += (part + int(row or 0) or 1) * unit
            part, row = 0, ""
    return row if row and not (total or part) else str(total + part + int(row or 0))


def _phrases(tokens: Iterator[_Token]) -> Iterator[list[_Token]]:
    """Group each word with the particles and endings after it. Symbols stand alone."""
    phrase: list[_Token] = []
    for token in tokens:
        leans = token.kind in (_ENDING, _SUFFIX) or token.surface in _LIGHT_VERB
        after_prefix = bool(phrase) and phrase[-1].kind == _PREFIX
        if phrase and (token.kind == _SYMBOL or not (leans or after_prefix)):
            yield phrase
            phrase = []
        if token.kind == _SYMBOL:
            yield [token]
        else:
            phrase.append(token)
    if phrase:
        yield phrase
