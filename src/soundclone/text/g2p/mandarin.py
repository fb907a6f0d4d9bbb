"""Mandarin: readings of characters in their words, and tones in context.

pypinyin knows the readings of words. Rules here read single characters from their neighbours. 一
and 不 change their tone before the next syllable (Y. R. Chao, A Grammar of Spoken Chinese, 1968).
Syllables without a tone get the neutral tone. espeak-ng itself handles third tones in a row,
Latin words and digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from . import PHONEMES, Piece, Reading
from .mandarin_words import NEUTRAL, SINGLE, WORDS

_HANZI = re.compile("[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")

# A year, which is read digit by digit, or a percentage.
_NUMBER = re.compile("(?<![0-9])[0-9]{4}(?=年)|(?P<share>[0-9]+(?:\\.[0-9]+)?)[%％]")
_NAMES = "ling2 yi1 er4 san1 si4 wu3 liu4 qi1 ba1 jiu3".split()

_INITIALS = {
    "b": "p", "p": "ph", "m": "m", "f": "f", "d": "t", "t": "th", "n": "n", "l": "l", "g": "k",
    "k": "kh", "h": "X", "j": "tS;", "q": "tS;h", "x": "S;", "zh": "ts.", "ch": "ts.h", "sh": "s.",
    "r": "z.", "z": "ts", "c": "tsh", "s": "s", "w": "w", "y": "j", "": "",
}  # fmt: skip
# Glide, vowel, coda; the tone goes before the coda.
_FINALS = {
    "a": " A ", "ai": " ai ", "an": " a n", "ang": " A N", "ao": " Au ", "e": " o- ", "ei": " ei ",
    "en": " @ n", "eng": " @ N", "er": " @r ", "i": " i ", "ia": " iA ", "ian": " iE n",
    "iang": " iA N", "iao": "j Au ", "ie": " iE ", "in": " i n", "ing": " i N", "iong": "j ong ",
    "iu": " iou ", "o": " o ", "ong": " ong ", "ou": " ou ", "u": " u ", "ua": "w A ",
    "uai": " uai ", "uan": " ua n", "uang": "w A N", "ui": " uei ", "un": " u@ n", "uo": " uo ",
    "v": " y ", "ve": " yE ", "van": " y& n", "vn": " y@ n", "m": "m @ ", "n": " @ n", "ng": " @ N",
    "io": " io ",
}  # fmt: skip
_APICAL = {"zh": "i.", "ch": "i.", "sh": "i.", "r": "i.", "z": "i[", "c": "i[", "s": "i["}
_AFTER_Y = {"a": "ia", "an": "ian", "ang": "iang", "e": "ie", "ou": "iu", "o": "io",
            "u": "v", "uan": "van", "ue": "ve", "un": "vn"}  # fmt: skip
_TONES = {"1": "55", "2": "35", "3": "214", "4": "51", "5": "11"}
_SYLLABLE = re.compile(r"(zh|ch|sh|[bpmfdtnlgkhjqxrzcswy]?)([a-zê]+)([1-5])")

_DIGITS = frozenset("零〇一二三四五六七八九十百千万亿两")
_PRONOUNS = frozenset("我你您他她它们咱谁也就都还总必非可得")
_COUNTED = frozenset("一二两三四五六七八九十几这那每半")


def read(text: str) -> Reading:
    """Return phonemes of the characters, a word at a time, and the rest as written."""
    pieces: list[Piece] = []
    end = 0
    for match in _HANZI.finditer(text):
        if end < match.start():
            pieces += _numbers(text, end, match.start())
        start, end = match.span()
        for word, syllables in _words(match[0]):
            told = [phonemes(s, n == len(syllables) - 1) for n, s in enumerate(syllables)]
            if all(told):
                pieces.append(Piece("|".join(told) + "_|", start, PHONEMES))
            else:
                pieces.append(Piece(word, start))
            start += len(word)
    pieces += _numbers(text, end, len(text))
    return Reading(tuple(pieces))


def _numbers(text: str, start: int, end: int) -> Iterator[Piece]:
    """Yield pieces of text without characters: years and percentages in words, the rest as is."""
    for match in _NUMBER.finditer(text, start):
        if match.end() > end:
            break
        if start < match.start():
            yield Piece(text[start : match.start()], start)
        if match["share"]:
            told = [phonemes(s, s == "zhi1") for s in ("bai3", "fen1", "zhi1")]
            yield Piece("|".join(told) + "_|", match.start(), PHONEMES)
            yield Piece(match["share"], match.start())
        else:
            told = [phonemes(_NAMES[int(digit)]) + "_|" for digit in match[0]]
            yield Piece(" ".join(told), match.start(), PHONEMES)
        start = match.end()
    if start < end:
        yield Piece(text[start:end], start)


def phonemes(syllable: str, stressed: bool = True) -> str:
    """Return espeak-ng's mnemonics of a pinyin syllable with its tone: "hao3" -> "X'Au214".

    Return "" for any other text.
    """
    match = _SYLLABLE.fullmatch(syllable.replace("ü", "v").replace("ê", "e"))
    if not match:
        return ""
    initial, final, tone = match.groups()
    if initial in ("j", "q", "x", "y") and final[0] == "u":
        final = "v" + final[1:]
    if initial == "y":
        final = _AFTER_Y.get(final, final)
    if final not in _FINALS:
        return ""
    glide, vowel, coda = _FINALS[final].split(" ")
    if final == "i" and initial in _APICAL:
        vowel = _APICAL[initial]
    if tone == "5" and vowel == "o-":
        vowel = "@"
    stress = "'" if stressed else ""
    return f"{_INITIALS[initial]}{glide}{stress}{vowel}{_TONES[tone]}{coda}"


def _words(run: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the words of a run of characters with their syllables as pronounced."""
    words = _cut(run)
    syllables = [s for n in range(len(words)) for s in _syllables(words, n)]
    _spoken(run, syllables)
    start = 0
    for word in words:
        yield word, syllables[start : start + len(word)]
        start += len(word)


@cache
def _own_words() -> dict[str, list[str]]:
    pairs = (entry.split("=") for entry in WORDS.split())
    return {word: re.findall(r"[a-zü]+[1-5]", said) for word, said in pairs}


@cache
def _singles() -> dict[str, str]:
    return dict(entry.split("=") for entry in SINGLE.split())


@cache
def _neutral() -> frozenset[str]:
    return frozenset(NEUTRAL.split())


def _cut(run: str) -> list[str]:
    from pypinyin.seg.mmseg import seg

    own: set[str] = {*_own_words(), *_neutral()}
    words: list[str] = []
    start = 0
    rest = ""
    while start < len(run):
        word = next((w for n in (5, 4, 3, 2) if (w := run[start : start + n]) in own), "")
        if word:
            words += [*seg.cut(rest), word]
            rest, start = "", start + len(word)
        else:
            rest, start = rest + run[start], start + 1
    return [*words, *seg.cut(rest)]


def _syllables(words: list[str], index: int) -> list[str]:
    from pypinyin import Style, lazy_pinyin

    word = words[index]
    if word in _own_words():
        return list(_own_words()[word])
    if len(word) == 1 and (said := _alone(words, index)):
        return [said]
    row: list[str] = lazy_pinyin(
        word,
        style=Style.TONE3,
        neutral_tone_with_five=True,
        errors="ignore",
    )
    if len(row) != len(word):
        return ["?"] * len(word)
    if word in _neutral():
        row[-1] = row[-1][:-1] + "5"
    return row


def _alone(words: list[str], index: int) -> str:
    """Return the reading of a one-character word, if its neighbours determine it."""
    word = words[index]
    before = words[index - 1] if index else ""
    after = words[index + 1] if index + 1 < len(words) else ""
    if word == "得" and (not before or before[-1] in _PRONOUNS):
        return "de2" if after[:1] in tuple("了到出过") else "dei3" if after else "de2"
    if word == "地":
        doubled = index > 1 and before == words[index - 2]
        return "de5" if after and (len(before) > 1 or doubled) else "di4"
    if word == "长" and after[:1] in tuple("得了出高胖满成着到"):
        return "zhang3"
    if word == "还" and after[:1] in tuple("给书钱清债款"):
        return "huan2"
    if word == "只" and before[-1:] in _COUNTED:
        return "zhi1"
    if word == "行" and (before[-1:] in _COUNTED or before in ("同", "本", "改", "干")):
        return "hang2"
    if word == "了" and before.endswith("不") and len(words) > 2:
        return "liao3"
    if word == "发" and before[-1:] in tuple("头理白黑长短"):
        return "fa4"
    return _singles().get(word, "")


def _spoken(run: str, syllables: list[str]) -> None:
    """Change the tones of 一 and 不 to suit the next syllable, in place."""
    for n, character in enumerate(run):
        if character not in "一不" or not re.fullmatch("yi[124]|bu[24]", syllables[n]):
            continue
        before, after = run[n - 1 : n] if n else "", run[n + 1 : n + 2]
        tone = syllables[n + 1][-1] if after else ""
        if character == "不":
            between = bool(before) and before == after
            syllables[n] = "bu5" if between else "bu2" if tone == "4" else "bu4"
            continue
        counts = before in ("第", "初", *_DIGITS) or after in _DIGITS - frozenset("百千万亿")
        if not after or counts or after in tuple("月号日楼班等"):
            syllables[n] = "yi1"
        elif before and before == after:
            syllables[n] = "yi5"
        else:
            syllables[n] = "yi2" if tone in "45" else "yi4"
