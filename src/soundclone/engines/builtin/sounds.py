"""The inventory of speech sounds of all languages, and the sounds of a text in context.

espeak-ng's symbols fall apart into about 140 sounds: vowels, diphthongs, consonants, nasal vowels
and aspirated stops. Stress and length are kept beside each sound.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ...text.words import Word

_VOWELS = """i y ɪ ᵻ ʏ ɨ ʉ e ø ɘ ɵ ɛ œ ə ɚ ɜ ɝ ɞ æ a ɐ ɶ ʌ ɤ ɯ u ʊ o ɔ ɑ ɒ
eɪ ei aɪ ai ɑi ɔɪ oi aʊ au ɑu oʊ ou əʊ əl""".split()
_CONSONANTS = """p b t d ʈ ɖ c ɟ k ɡ q ɢ ʔ ɾ ɓ ɗ ɠ tʃ dʒ tɕ dʑ tʂ dʐ ts dz
ɸ β f v θ ð s z ʃ ʒ ʂ ʐ ɕ ʑ ɬ ɮ ç ʝ x ɣ χ ʁ ħ ʕ h ɦ
m ɱ n ɳ ɲ ŋ ɴ l ɫ ɭ ʎ ʟ ɹ r ɻ ɽ ʀ ʋ w ʍ ɥ ɰ j""".split()
_NASAL = {v + "~": v for v in "a ɑ ɐ æ ɛ e ɔ o œ i u ɪ ʊ ə".split()}
_ASPIRATED = {c + "ʰ": c for c in "p t k ts tɕ tʂ tʃ ʈ".split()}

PLAIN = _NASAL | _ASPIRATED
"""The plain sound of each nasal vowel and aspirated stop."""
SOUNDS = ("", *_VOWELS, *_CONSONANTS, *PLAIN)
"""The sounds. The first is a pause."""
PAUSE = 0
VOWELS = frozenset(k for k, sound in enumerate(SOUNDS) if PLAIN.get(sound, sound) in {*_VOWELS})
UNLIKELY = 0.03  # prior of sounds that are not in the labels
_INDEX = {sound: index for index, sound in enumerate(SOUNDS)}
_SYMBOL = re.compile("|".join(sorted([*_VOWELS, *_CONSONANTS], key=len, reverse=True)))
_RETROFLEX = {"s.": "ʂ", "z.": "ʐ"}  # as espeak-ng writes Chinese
_NOT_STRESSED, _PRIMARY, _SECONDARY = 0, 1, 2

# Kinds of punctuation after a word
NONE, COMMA, STOP, QUESTION, EXCLAMATION = range(5)
_KINDS = {
    **dict.fromkeys(",;:—–、，；：،؛", COMMA),
    **dict.fromkeys("।.。…", STOP),
    **dict.fromkeys("?？؟", QUESTION),
    **dict.fromkeys("!！", EXCLAMATION),
}

# Columns of the rows of `sequence`
SOUND, STRESS, LONG, PALATAL, FIRST, LAST, MARK, WORD = range(8)


@cache
def parse(symbol: str) -> tuple[tuple[int, int, int, int], ...]:
    """Return sound, stress, length and palatalisation for each sound of a symbol of espeak-ng.

    Empty for pauses, tones and language switches such as "(en)".
    """
    if symbol.startswith("("):
        return ()
    for written, ipa in _RETROFLEX.items():
        symbol = symbol.replace(written, ipa)
    stress = _PRIMARY if "ˈ" in symbol else _SECONDARY if "ˌ" in symbol else _NOT_STRESSED
    split = unicodedata.normalize("NFD", symbol).replace("c\u0327", "ç").replace("g", "ɡ")
    bare = "".join(c for c in split if unicodedata.category(c) in ("Ll", "Lo") or c == "ᵻ")

    def index(sound: str) -> int:
        if "\u0303" in split and sound + "~" in _INDEX:
            return _INDEX[sound + "~"]
        if "ʰ" in split and sound + "ʰ" in _INDEX:
            return _INDEX[sound + "ʰ"]
        return _INDEX[sound]

    return tuple(
        (index(match), stress, int("ː" in split), int("ʲ" in split))
        for match in _SYMBOL.findall(bare)
    )


def sequence(
    phones: Sequence[tuple[float, str]], words: Sequence[Word], text: str
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the N sounds of a text in context, without pauses, and their times.

    Args:
        phones: Start in seconds and symbol of each phone of espeak-ng.
        words: Words of the text with their times.
        text: The text.

    Returns:
        Rows (N, 8), and their start and end in seconds (N, 2). The columns of the rows are SOUND,
        STRESS, LONG, PALATAL, FIRST and LAST (of a word), MARK (punctuation after the word) and
        WORD (its index). The end of the last phone is infinite.
    """
    starts = [word.start for word in words]
    rows, times = [], []
    for k, (start, symbol) in enumerate(phones):
        found = parse(symbol)
        if not found:
            continue
        end = phones[k + 1][0] if k + 1 < len(phones) else np.inf
        word = max(int(np.searchsorted(starts, start + 1e-4, side="right")) - 1, 0)
        for j, (sound, stress, long, palatal) in enumerate(found):
            rows.append([sound, stress, long, palatal, 0, 0, NONE, word])
            share = (end - start) / len(found)
            times.append((start + j * share if j else start, start + (j + 1) * share))
    table = np.array(rows, np.int64).reshape(-1, 8)
    if not len(table):
        return table, np.zeros((0, 2))
    change = np.flatnonzero(np.diff(table[:, WORD]))
    table[0, FIRST] = table[-1, LAST] = 1
    table[change + 1, FIRST] = 1
    table[change, LAST] = 1
    last = table[-1, WORD]
    for number in np.unique(table[:, WORD]):
        if number >= len(words):
            continue
        end_of_word = words[number].offset + words[number].length
        next_word = words[number + 1].offset if number + 1 < len(words) else len(text)
        mark = max((_KINDS.get(c, NONE) for c in text[end_of_word:next_word]), default=NONE)
        if number == last and mark == NONE:
            mark = STOP
        table[table[:, WORD] == number, MARK] = mark
    return table, np.array(times)


def label_prior(
    phones: Sequence[tuple[float, str]], frames: int, hop: float
) -> NDArray[np.float32]:
    """Return the prior of each sound in each frame, (T, sounds), from the labels of espeak-ng.

    Args:
        phones: Start in seconds and symbol of each phone.
        frames: Number of frames, T.
        hop: Seconds between frames.
    """
    prior = np.full((frames, len(SOUNDS)), UNLIKELY, np.float32)
    edges = [round(start / hop) for start, _ in phones] + [frames]
    prior[: edges[0], PAUSE] = 1
    for (_, symbol), first, last in zip(phones, edges, edges[1:], strict=False):
        found = [row[0] for row in parse(symbol)] or [PAUSE]
        cuts = np.linspace(first, last, len(found) + 1).round().astype(int)
        for sound, left, right in zip(found, cuts, cuts[1:], strict=False):
            prior[left:right, sound] = 1
    return prior


def nuclei(sounds: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return True for the first vowel of each run of vowels, the nucleus of a syllable: (N,)."""
    vowel = np.isin(sounds, list(VOWELS))
    return np.asarray(vowel & ~np.concatenate([[False], vowel[:-1]]))


def with_pauses(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Insert optional pauses at both ends and after every word.

    Returns the rows, (M, 8), and True for the pauses, (M,).
    """
    pause = np.zeros((1, 8), np.int64)
    parts, optional = [pause], [True]
    for row in rows:
        parts.append(row[None])
        optional.append(False)
        if row[LAST]:
            parts.append(pause.copy())
            parts[-1][0, MARK] = row[MARK]
            parts[-1][0, WORD] = row[WORD]
            optional.append(True)
    return np.concatenate(parts), np.array(optional)
