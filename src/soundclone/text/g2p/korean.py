"""Korean: respell Hangul as pronounced, by the Standard Pronunciation (표준 발음법, 1988).

A final consonant moves to the next syllable, assimilates to its initial or changes it: 독립 becomes
동닙. Each syllable keeps its position, so offsets in the text stay valid. Rules that depend on the
word (사이시옷, 신라 from 신+라) apply only where the spelling shows the word.
"""

from __future__ import annotations

import re
from itertools import pairwise

from . import Piece, Reading

_BASE = 0xAC00
_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
_RUN = re.compile("[가-힣]+")

_PAIRS = {  # finals of two letters: what stays, what moves
    "ㄳ": "ㄱㅅ", "ㄵ": "ㄴㅈ", "ㄶ": "ㄴㅎ", "ㄺ": "ㄹㄱ", "ㄻ": "ㄹㅁ", "ㄼ": "ㄹㅂ",
    "ㄽ": "ㄹㅅ", "ㄾ": "ㄹㅌ", "ㄿ": "ㄹㅍ", "ㅀ": "ㄹㅎ", "ㅄ": "ㅂㅅ",
}  # fmt: skip
_ALONE = dict(zip("ㄲㅋㅅㅆㅈㅊㅌㅎㅍ", "ㄱㄱㄷㄷㄷㄷㄷㄷㅂ", strict=True)) | {
    "ㄳ": "ㄱ", "ㄵ": "ㄴ", "ㄶ": "ㄴ", "ㄺ": "ㄱ", "ㄻ": "ㅁ", "ㄼ": "ㄹ", "ㄽ": "ㄹ", "ㄾ": "ㄹ",
    "ㄿ": "ㅂ", "ㅀ": "ㄹ", "ㅄ": "ㅂ",
}  # fmt: skip
_TENSE = dict(zip("ㄱㄷㅂㅅㅈ", "ㄲㄸㅃㅆㅉ", strict=True))
_ASPIRATED = dict(zip("ㄱㄷㅂㅈ", "ㅋㅌㅍㅊ", strict=True))
_NASAL = {"ㄱ": "ㅇ", "ㄷ": "ㄴ", "ㅂ": "ㅁ"}

# Compounds with a sound between their parts, and others that are not said by the rules.
_WORDS = {
    "꽃잎": "꼰닙", "나뭇잎": "나문닙", "깻잎": "깬닙", "색연필": "생년필", "한여름": "한녀름",
    "담요": "담뇨", "십육": "심뉵", "서울역": "서울력", "지하철역": "지하철력", "맛있": "마싣",
    "멋있": "머싣", "맛없": "마덥", "넓적": "넙쩍", "밟": "밥", "결단력": "결딴녁",
    "생산량": "생산냥", "의견란": "의견난", "판단력": "판단녁", "입원료": "이붠뇨",
    "할 일": "할 릴", "한국 여": "한국 녀", "뭐": "뭐", "의의": "의이", "희": "히", "문법": "문뻡",
    "헌법": "헌뻡", "사건": "사껀", "조건": "조껀", "인기": "인끼", "한자": "한짜", "평가": "평까",
    "물가": "물까", "글자": "글짜", "갈등": "갈뜽", "발전": "발쩐", "일정": "일쩡", "결정": "결쩡",
    "열심": "열씸", "실제": "실쩨", "출장": "출짱", "활동": "활똥", "발달": "발딸", "절대": "절때",
    "할게": "할께", "할수": "할쑤", "할 수": "할 쑤", "갈 수": "갈 쑤", "볼 수": "볼 쑤",
    "될 수": "될 쑤", "을 수": "을 쑤", "눈동자": "눈똥자", "밤길": "밤낄", "손바닥": "손빠닥",
    "안과": "안꽈", "내과": "내꽈", "여권": "여꿘", "성격": "성껵", "효과": "효과",
}  # fmt: skip
_KNOWN = re.compile("|".join(sorted(map(re.escape, _WORDS), key=len, reverse=True)))


_ONES = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉")
_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
_COUNTED = re.compile(
    r"(?<![0-9.,])([1-9][0-9]?)(?= ?(?:개(?!월|국)|명|시(?!속|즌)|살|마리|권|잔|번째|시간|달|병"
    r"|송이|켤레|그루|가지|사람|군데|벌|채))"
)


def read(text: str) -> Reading:
    """Respell every run of Hangul, syllable by syllable.

    Numbers before a counter become native Korean (세 개, 열두 시).
    """
    spelled = _KNOWN.sub(lambda match: _WORDS[match[0]], text)
    pieces: list[Piece] = []
    end = 0
    for match in re.finditer(rf"{_RUN.pattern}|{_COUNTED.pattern}", text):
        if end < match.start():
            pieces.append(Piece(text[end : match.start()], end))
        start, end = match.span()
        if match[1]:
            pieces.append(Piece(pronounced(_native(int(match[1]))) + " ", start))
        else:
            pieces.append(Piece(pronounced(spelled[start:end]), start))
    if end < len(text):
        pieces.append(Piece(text[end:], end))
    return Reading(tuple(pieces))


def _native(number: int) -> str:
    return "스무" if number == 20 else _TENS[number // 10] + _ONES[number % 10]


def pronounced(run: str) -> str:
    """Return a run of Hangul syllables as pronounced: "같이" -> "가치"."""
    row = [_letters(syllable) for syllable in run]
    for here, after in pairwise(row):
        _link(here, after)
    if row:
        row[-1][2] = _ALONE.get(row[-1][2], row[-1][2])
    for letters in row:
        if letters[1] == "ㅢ" and letters[0] != "ㅇ":
            letters[1] = "ㅣ"
        if letters[0] in "ㅈㅉㅊ" and letters[1] in "ㅑㅕㅛㅠ":
            letters[1] = dict(zip("ㅑㅕㅛㅠ", "ㅏㅓㅗㅜ", strict=True))[letters[1]]
    return "".join(_syllable(letters) for letters in row)


def _link(here: list[str], after: list[str]) -> None:
    """Apply the sound changes between the final of a syllable and the next initial, in place."""
    final, initial = here[2], after[0]
    first, second = tuple(_PAIRS.get(final, "")) or ("", final)
    if not final:
        return
    if initial == "ㅇ":
        if final == "ㅇ":
            return
        if second == "ㅎ":
            here[2], after[0] = ("", first) if first else ("", "ㅇ")
            return
        if after[1] == "ㅣ" and second in "ㄷㅌ":
            second = {"ㄷ": "ㅈ", "ㅌ": "ㅊ"}[second]
        elif first and second == "ㅅ":
            second = "ㅆ"
        here[2], after[0] = first, second
        return
    if second == "ㅎ":
        here[2] = first
        if initial in _ASPIRATED:
            after[0] = _ASPIRATED[initial]
        elif initial == "ㅅ":
            after[0] = "ㅆ"
        elif initial == "ㄴ":
            here[2] = first or "ㄴ"
            if first == "ㄹ":
                after[0] = "ㄹ"
        else:
            here[2] = first or "ㄷ"
        return
    if initial == "ㅎ":
        moved = _ALONE.get(second, second) if second not in _ASPIRATED else second
        if moved in _ASPIRATED:
            aspirated = _ASPIRATED[moved]
            if second == "ㄷ" and (
                after[1] == "ㅣ" or (after[1] == "ㅕ" and after[2] in ("", "ㅆ"))
            ):
                aspirated = "ㅊ"
            here[2], after[0] = first, aspirated
            return
    closed = _ALONE.get(final, final)
    if final == "ㄺ" and initial == "ㄱ":
        closed = "ㄹ"
    if initial in _TENSE and (closed in _NASAL or final in ("ㄺ", "ㄼ", "ㄾ", "ㄵ")):
        after[0] = _TENSE[initial]
    if closed in _NASAL and initial in "ㄴㅁ":
        closed = _NASAL[closed]
    elif initial == "ㄹ" and closed in "ㅁㅇㄱㄷㅂ":
        closed, after[0] = _NASAL.get(closed, closed), "ㄴ"
    elif (closed, initial) in (("ㄴ", "ㄹ"), ("ㄹ", "ㄴ")):
        closed, after[0] = "ㄹ", "ㄹ"
    here[2] = closed


def _letters(syllable: str) -> list[str]:
    code = ord(syllable) - _BASE
    return [_INITIALS[code // 588], _VOWELS[code % 588 // 28], _FINALS[code % 28]]


def _syllable(letters: list[str]) -> str:
    initial, vowel, final = letters
    return chr(
        _BASE + 588 * _INITIALS.index(initial) + 28 * _VOWELS.index(vowel) + _FINALS.index(final)
    )
