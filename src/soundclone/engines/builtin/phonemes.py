"""Turn IPA into the phoneme mnemonics of espeak-ng's voices.

`phonemes.json` has the mnemonics of each language by their IPA. `training/phonemes.py` writes it. A
sound that a language lacks is replaced by its nearest neighbours there, as a speaker of that
language would do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations, groupby
from pathlib import Path

from ...text import ipa

_LONG, _NASAL, _PALATAL, _LABIAL, _RHOTIC = "ː", "\u0303", "ʲ", "ʷ", "˞"
_STRESS = {"ˈ": "'", "ˌ": ","}
_MOST_AT_ONCE = 4  # sounds that one mnemonic may stand for: "aɪɚ"

# Neighbours of each sound, the nearest first. Several letters are several sounds, "" is none.
_NEAREST = {
    # vowels
    "i": "ɪ", "y": "ʏ ʉ u i", "ɨ": "ᵻ ɪ ɯ i", "ʉ": "u y", "ɯ": "ɨ u", "u": "ʊ o",
    "ɪ": "i e", "ʏ": "y ɪ i", "ʊ": "u o", "e": "ɛ", "ø": "œ ɜ ə e", "ɘ": "ə e",
    "ɵ": "ø ʊ u", "ɤ": "ʌ ə o", "o": "ɔ", "ə": "ɐ ʌ ɘ ɜ a ɛ e", "ɛ": "e æ",
    "œ": "ø ɜ ɛ e", "ɜ": "œ ə ɛ e", "ɞ": "ɜ ʌ ə", "ʌ": "ɐ a ɑ ə", "ɔ": "o ɒ ɑ a",
    "æ": "a ɛ e", "ɐ": "a ʌ ə ɑ", "a": "ɑ ɐ æ", "ɶ": "œ a", "ɑ": "a ɒ ɐ", "ɒ": "ɑ ɔ o a",
    "ɚ": "əɹ ər", "ɝ": "ɜɹ ər", "ᵻ": "ɪ ə i",
    # stops
    "p": "b", "b": "p", "t": "d", "d": "t", "ʈ": "t", "ɖ": "d", "c": "k", "ɟ": "ɡ", "k": "ɡ",
    "ɡ": "k", "q": "k", "ɢ": "ɡ", "ʔ": "", "ɓ": "b", "ɗ": "d", "ʄ": "ɟ", "ɠ": "ɡ", "ʛ": "ɡ",
    "ʡ": "ʔ",
    # nasals
    "m": "n", "ɱ": "m", "n": "m", "ɳ": "n", "ɲ": "nj n", "ŋ": "n", "ɴ": "ŋ",
    # fricatives
    "ɸ": "f", "β": "v b", "f": "p", "v": "ʋ w f b", "θ": "s", "ð": "d z", "s": "ʃ",
    "z": "s", "ʃ": "ʂ ɕ s", "ʒ": "ʐ ʑ ʃ", "ʂ": "ʃ", "ʐ": "ʒ", "ç": "ɕ ʃ", "ʝ": "j", "x": "χ h",
    "ɣ": "ɡ k", "χ": "x h", "ʁ": "ʀ r", "ħ": "h", "ʕ": "ʔ", "h": "x ħ", "ɦ": "h", "ɬ": "l",
    "ɮ": "l", "ʜ": "ħ", "ʢ": "ʕ", "ɕ": "ʃ s", "ʑ": "ʒ z s", "ɧ": "ʃ",
    # trills, taps, approximants
    "ʙ": "b", "r": "ɾ ɹ ʁ l", "ʀ": "ʁ r", "ⱱ": "v", "ɾ": "r d", "ɽ": "ɾ", "ʋ": "v w",
    "ɹ": "r ɾ", "ɻ": "ɹ", "j": "i", "ɰ": "w", "l": "r", "ɭ": "l", "ʎ": "lj l", "ʟ": "l", "ɫ": "l",
    "w": "u v", "ʍ": "w", "ɥ": "j", "ɺ": "ɾ",
}  # fmt: skip
_ALIKE = {"əʊ": "oʊ", "oʊ": "əʊ", "ɪə": "iə", "eə": "ɛɹ", "ʊə": "ʊɹ"}  # diphthongs of two accents

# Mnemonic of each tone of the languages that have tones, by its levels from 1 to 5
_TONES = {
    "Chinese": {"55": "55", "35": "35", "214": "214", "21": "21", "51": "51", "33": "11"},
    "Chinese,Yue": {"55": "1", "25": "2", "33": "3", "21": "4", "23": "5", "22": "6"},
    "Thai": {"24": "1", "21": "2", "33": "3", "45": "4", "51": "5"},
    "Vietnamese": {"33": "1", "21": "2", "35": "3", "313": "4", "325": "5", "11": "6"},
}

Table = Mapping[str, str]


def mnemonics(transcription: str, language: str) -> str:
    """Return a transcription without faults as mnemonics of the voice of a language.

    Words have spaces between them. A word with one syllable is stressed, unless the language has
    tones. Tone letters count in languages with tones only.
    """
    words: list[list[str]] = [[]]
    for sound in ipa.sounds(transcription):
        if sound == " ":
            words.append([])
        else:
            words[-1].append(sound)
    return " ".join(_word(word, language) for word in words if word)


def _word(sounds: Sequence[str], language: str) -> str:
    table, tones = _table(language), _TONES.get(language, {})
    syllables = sum(is_nucleus for is_nucleus, _ in groupby(sounds, _is_nucleus))
    stress = "'" if syllables == 1 and not tones and not ipa.STRESS & {*sounds} else ""
    found: list[str] = []
    nucleus: int | None = None  # index in `found` of the last vowel
    at = 0
    while at < len(sounds):
        sound = sounds[at]
        if sound in ipa.STRESS:
            stress, at = _STRESS[sound], at + 1
            continue
        if sound[0] in ipa.TONES:
            if tones and nucleus is not None:
                found[nucleus] += tones[_nearest_tone(sound, tones)]
                nucleus = None
            at += 1
            continue
        length, told = _longest(sounds, at, table)
        if any(map(_is_nucleus, sounds[at : at + length])):
            # espeak-ng finds the vowel that a mark before consonants belongs to.
            told = (stress + told[0], *told[1:])
            stress, nucleus = "", len(found) + len(told) - 1
        found += told
        at += length
    return "|".join(found)


def _is_nucleus(sound: str) -> bool:
    return sound[0] in ipa.VOWELS or ipa.SYLLABIC in sound


def _longest(sounds: Sequence[str], at: int, table: Table) -> tuple[int, tuple[str, ...]]:
    """Return how many sounds the next mnemonics stand for, and the mnemonics."""
    for length in range(_MOST_AT_ONCE, 1, -1):
        row = "".join(sounds[at : at + length])
        if told := table.get(row) or table.get(_ALIKE.get(row, "")):
            return min(length, len(sounds) - at), (told,)
    return 1, tuple(_one(sounds[at], table, frozenset()))


def _one(sound: str, table: Table, tried: frozenset[str]) -> Iterator[str]:
    """Yield the mnemonics of one sound, or of its neighbours."""
    letter, marks = sound[0], sound[1:].replace("ʼ", "ʰ")
    for kept in _subsets(marks):
        if told := table.get(letter + kept):
            break
    else:
        told = table.get(letter + _LONG)
        kept = ""
    if told is None:
        yield from _neighbours(letter, marks, table, tried | {letter})
        return
    lost = {*marks} - {*kept}
    if ipa.SYLLABIC in lost:
        yield from _one("ə", table, tried)
    yield told
    if _PALATAL in lost:
        yield from _one("j", table, tried)
    if _LABIAL in lost:
        yield from _one("w", table, tried)
    if _NASAL in lost and letter in ipa.VOWELS:
        yield from _one("n", table, tried)
    if _RHOTIC in lost:
        yield from _one("ɹ", table, tried)


def _neighbours(letter: str, marks: str, table: Table, tried: frozenset[str]) -> Iterator[str]:
    """Yield the mnemonics of the nearest sounds that the table has."""
    usable = [each for each in _NEAREST[letter].split() if not tried & {*each}]
    known = [each for each in usable if all(c in table or c + _LONG in table for c in each)]
    for each in (known or usable)[:1]:
        for part in each[:-1]:
            yield from _one(part, table, tried)
        yield from _one(each[-1] + marks, table, tried)


def _subsets(marks: str) -> Iterator[str]:
    """Yield the marks, then fewer of them, in their order."""
    for count in range(len(marks[:4]), -1, -1):
        yield from ("".join(kept) for kept in combinations(marks[:4], count))


def _nearest_tone(letters: str, tones: Mapping[str, str]) -> str:
    """Return the levels of the tone that is most like a run of tone letters."""
    levels = [1 + ipa.TONES.index(letter) for letter in letters]

    def shape(row: Sequence[int]) -> tuple[float, float, float]:
        middle = row[len(row) // 2] if len(row) > 2 else (row[0] + row[-1]) / 2
        return row[0], middle, row[-1]

    def distance(tone: str) -> float:
        pairs = zip(shape(levels), shape([*map(int, tone)]), strict=True)
        return sum((a - b) ** 2 for a, b in pairs)

    return min(tones, key=distance)


@cache
def _tables() -> Mapping[str, Mapping[str, str | None]]:
    found: dict[str, dict[str, str | None]] = json.loads(
        Path(__file__).with_suffix(".json").read_text("utf-8")
    )
    return found


@cache
def _table(language: str) -> Table:
    """Return the mnemonics of a language by their IPA."""
    both = _tables()[""] | _tables()[language]  # type: ignore[operator]
    return {symbol: told for symbol, told in both.items() if told is not None}
