"""The International Phonetic Alphabet: which symbols a transcription may have, and its sounds.

A transcription is broad or narrow, of one or more words: "pɪˈkɑːn". Slashes or brackets around it
are ignored. Engines approximate what their voices lack.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

LONGEST = 100  # characters of a transcription

VOWELS = frozenset("iyɨʉɯuɪʏʊeøɘɵɤoəɛœɜɞʌɔæɐaɶɑɒɚɝᵻ")
CONSONANTS = frozenset(
    "pbtdʈɖcɟkɡqɢʔmɱnɳɲŋɴʙrʀⱱɾɽɸβfvθðszʃʒʂʐçʝxɣχʁħʕhɦɬɮʋɹɻjɰlɭʎʟɫɓɗʄɠʛʍwɥʜʢʡɕʑɺɧ"
)
MARKS = frozenset(
    "ːˑʰʱʷʲˠˤⁿˡʼ˞"
    "\u0303\u0306\u0308\u030a\u0318\u0319\u031a\u031c\u031d\u031e\u031f\u0320\u0324\u0325\u0329"
    "\u032a\u032c\u032f\u0330\u0334\u0339\u033a\u033b\u033c\u033d"
)
"""Length and diacritics, which belong to the letter before them."""
STRESS = frozenset("ˈˌ")
TONES = "˩˨˧˦˥"
"""Tone letters, from the lowest."""
SYLLABIC = "\u0329"
_TIES = "\u0361\u035c"
_SILENT = frozenset(".|‖‿")
_LIGATURES = {"ʦ": "ts", "ʣ": "dz", "ʧ": "tʃ", "ʤ": "dʒ", "ʨ": "tɕ", "ʥ": "dʑ", "g": "ɡ"}
# What people type in place of a symbol
_MEANT = {
    "'": "ˈ", "’": "ˈ", "ʹ": "ˈ", ",": "ˌ", ":": "ː", "ε": "ɛ", "ɩ": "ɪ", "ә": "ə", "∫": "ʃ",
    "γ": "ɣ", "φ": "ɸ", "ѳ": "θ", "ϑ": "θ", "?": "ʔ", "R": "ʀ", "N": "ŋ", "S": "ʃ", "Z": "ʒ",
    "T": "θ", "D": "ð", "@": "ə", "I": "ɪ", "U": "ʊ", "E": "ɛ", "O": "ɔ", "A": "ɑ", "V": "ʌ",
    "3": "ɜ", "{": "æ", '"': "ˈ", "%": "ˌ",
}  # fmt: skip


@dataclass(frozen=True)
class Transcription:
    """The sounds of a part of a text. Positions are code points."""

    start: int
    end: int
    ipa: str


def touched(parts: Sequence[Transcription], start: int, end: int) -> bool:
    """Return true if a range of a text overlaps one of the parts, which are in order."""
    at = bisect_right(parts, start, key=lambda part: part.end)
    return at < len(parts) and parts[at].start < end


def within(parts: Iterable[Transcription], start: int, end: int) -> tuple[Transcription, ...]:
    """Return the parts that lie in a range of a text, with positions in that range."""
    return tuple(
        replace(part, start=part.start - start, end=part.end - start)
        for part in parts
        if start <= part.start and part.end <= end
    )


def transcribed(text: str, parts: Sequence[Transcription]) -> str:
    """Return a text with the letters of the transcriptions, for estimates of its length."""
    found: list[str] = []
    end = 0
    for part in parts:
        found += text[end : part.start], letters(part.ipa)
        end = part.end
    return "".join([*found, text[end:]])


def sounds(ipa: str) -> tuple[str, ...]:
    """Return the sounds of a transcription without faults.

    Each is a letter with its marks (canonically decomposed), a sign of stress, a space between
    words, or a run of tone letters.
    """
    return tuple(_sounds(_plain(ipa)))


def fault(ipa: str) -> str | None:
    """Return what is wrong with a transcription, as the end of a sentence, or None."""
    if len(ipa) > LONGEST:
        return f"it has {len(ipa)} characters; at most {LONGEST} are allowed"
    plain = _plain(ipa)
    before = ""
    for symbol in plain:
        if symbol in MARKS:
            if before not in VOWELS | CONSONANTS | MARKS:
                return f"{_shown(symbol)} belongs to no letter; it must follow one"
        elif not (symbol in VOWELS | CONSONANTS | STRESS | _SILENT | {" "} or symbol in TONES):
            if meant := _MEANT.get(symbol):
                return f"{_shown(symbol)} is no symbol of the alphabet; write {meant}"
            return f"{_shown(symbol)} is no symbol of the alphabet; write IPA, such as pɪˈkɑːn"
        before = symbol
    if not any(symbol in VOWELS | CONSONANTS for symbol in plain):
        return "it has no sound; write the sounds of the word, such as pɪˈkɑːn"
    return None


def letters(ipa: str) -> str:
    """Return the letters of a transcription with the spaces between its words."""
    return "".join(
        symbol for symbol in _plain(ipa) if symbol in VOWELS | CONSONANTS or symbol == " "
    )


def _plain(ipa: str) -> str:
    """Return a transcription with one form of each symbol, without ties and brackets."""
    text = " ".join(unicodedata.normalize("NFD", ipa).replace("c\u0327", "ç").split())
    for left, right in ("//", "[]"):
        if len(text) > 1 and text[0] == left and text[-1] == right:
            text = text[1:-1].strip()
    joined = "".join(_LIGATURES.get(symbol, symbol) for symbol in text if symbol not in _TIES)
    return joined.replace("ʈʂ", "tʂ").replace("ɖʐ", "dʐ")


def _sounds(plain: str) -> Iterator[str]:
    sound = ""
    for symbol in plain:
        if symbol in MARKS or (symbol in TONES and sound[:1] in tuple(TONES)):
            sound += symbol
            continue
        if sound:
            yield sound
        sound = "" if symbol in _SILENT else symbol
    if sound:
        yield sound


def _shown(symbol: str) -> str:
    """Return a symbol for a message. A mark is shown on a circle."""
    code = f"U+{ord(symbol):04X}"
    if not symbol.isprintable():
        return code
    return f"'\u25cc{symbol}' ({code})" if unicodedata.combining(symbol) else f"{symbol!r} ({code})"
