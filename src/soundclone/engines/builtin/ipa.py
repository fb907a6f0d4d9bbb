"""Convert espeak-ng's names of phonemes to IPA.

espeak-ng's tables of Chinese, Cantonese, Shan, Korean and a few other languages name phonemes by a
romanisation or in Kirshenbaum's ASCII. Its other tables use IPA. Tones are left out, because the
pitch of the audio carries them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_STRESS = "ˈˌ"

_MANDARIN = {
    "ph": "pʰ", "th": "tʰ", "kh": "kʰ", "tsh": "tsʰ", "tɕh": "tɕʰ", "ts.h": "tʂʰ", "ts.": "tʂ",
    "s.": "ʂ", "z.": "ʐ", "i.": "ɨ", "i̪": "ɨ", "o-": "ɤ", "onɡ": "ʊŋ", "χ": "x",
}  # fmt: skip
_CANTONESE = {
    "a": "ɐ", "aa": "aː", "aai": "aːi", "aau": "aːu", "anɡ": "ɐŋ", "aanɡ": "aːŋ", "ai": "ɐi",
    "au": "ɐu", "e": "ɛː", "enɡ": "ɛːŋ", "eu": "ɛːu", "i": "iː", "inɡ": "ɪŋ", "iu": "iːu",
    "nɡ": "ŋ̩", "o": "ɔː", "oi": "ɔːi", "onɡ": "ɔːŋ", "oe": "œː", "oenɡ": "œːŋ", "eo": "ɵ",
    "eoi": "ɵy", "u": "uː", "ui": "uːi", "unɡ": "ʊŋ", "yu": "yː", "c": "tsʰ", "z": "ts",
    "b": "p", "d": "t", "ɡ": "k",
}  # fmt: skip
_ASPIRATED = {"p": "pʰ", "t": "tʰ", "k": "kʰ"}  # at the beginning of a syllable
_NAMES = {
    "Arabic": {"s̪": "sˤ", "t̪": "tˤ", "a.": "ɑ", "i.": "ɪ", "u.": "ʊ", "χ": "x"},
    "Chinese": _MANDARIN,
    "Chinese,Yue": _CANTONESE,
    "Danish": {"?ɑ": "ʔɑ", "ε": "ɛ"},
    "French": {"a-": "a", "ə-": "ə"},
    "Hindi": {"c": "tʃ", "cʰ": "tʃʰ", "ɟ": "dʒ", "ɟʰ": "dʒʰ"},
    "Korean": {
        "q": "k", "ph": "pʰ", "th": "tʰ", "kh": "kʰ", "tɕh": "tɕʰ", "t-": "t͈", "p-": "p͈",
        "k-": "k͈", "q-": "k͈", "s-": "s͈", "tɕ-": "t͈ɕ", "d-": "t͈",
    },
    "Persian": {"q1": "ɢ"},
    "Thai": {"p_h": "pʰ", "t_h": "tʰ", "k_h": "kʰ"},
}  # fmt: skip


def standard(symbols: Iterable[str], language: str) -> Iterator[str]:
    """Yield the IPA of each symbol. Stress marks, pauses ("") and switches stay."""
    names = _NAMES.get(language, {})
    row = list(symbols)
    for symbol, after in zip(row, [*row[1:], ""], strict=True):
        stress = symbol[:1] if symbol[:1] in tuple(_STRESS) else ""
        bare = symbol[len(stress) :]
        if language == "Chinese,Yue" and bare in _ASPIRATED and after:
            yield stress + _ASPIRATED[bare]
        else:
            yield stress + names.get(bare, bare)
