"""Map IPA symbols of espeak-ng to phones of the US-English acoustic model.

The model has 39 phones and silence (ARPAbet). A foreign sound maps to its nearest neighbours, among
which the acoustics choose.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

STOPS = frozenset(("P", "T", "K", "B", "D", "G", "CH", "JH"))  # begin with a closure

_NEIGHBOURS = {
    # vowels, front to back
    "i": "IY", "y": "UW IY", "ɪ": "IH", "ᵻ": "IH", "ʏ": "IH UH", "ɨ": "IH", "ʉ": "UW",
    "e": "EY EH", "ø": "ER UH", "ɘ": "AH IH", "ɵ": "UH", "ɛ": "EH", "œ": "ER EH", "ə": "AH",
    "ɚ": "ER", "ɜ": "ER", "ɝ": "ER", "ɞ": "ER", "æ": "AE", "a": "AA AE AH", "ɐ": "AH",
    "ɶ": "AE", "ʌ": "AH", "ɤ": "AH UH", "ɯ": "UW UH", "u": "UW", "ʊ": "UH", "o": "OW AO",
    "ɔ": "AO", "ɑ": "AA", "ɒ": "AA AO",
    # diphthongs that the model has as one phone
    "eɪ": "EY", "ei": "EY", "aɪ": "AY", "ai": "AY", "ɑi": "AY", "ɔɪ": "OY", "oi": "OY",
    "aʊ": "AW", "au": "AW", "ɑu": "AW", "oʊ": "OW", "ou": "OW", "əʊ": "OW",
    # stops and affricates
    "p": "P", "b": "B", "t": "T", "d": "D", "ʈ": "T", "ɖ": "D", "c": "K CH", "ɟ": "JH G",
    "k": "K", "ɡ": "G", "g": "G", "q": "K", "ɢ": "G", "ʔ": "T SIL", "ɾ": "T D", "ɓ": "B",
    "ɗ": "D", "ɠ": "G", "tʃ": "CH", "dʒ": "JH", "tɕ": "CH", "dʑ": "JH", "tʂ": "CH",
    "dʐ": "JH", "ts": "T S", "dz": "D Z",
    # fricatives
    "ɸ": "F", "β": "V B", "f": "F", "v": "V", "θ": "TH", "ð": "DH", "s": "S", "z": "Z",
    "ʃ": "SH", "ʒ": "ZH", "ʂ": "SH", "ʐ": "ZH", "ɕ": "SH", "ʑ": "ZH", "ɬ": "L SH",
    "ɮ": "L ZH", "ç": "SH HH", "ʝ": "Y ZH", "x": "HH K", "ɣ": "G HH", "χ": "HH", "ʁ": "R HH",
    "ħ": "HH", "ʕ": "AA HH", "h": "HH", "ɦ": "HH",
    # nasals, liquids, glides
    "m": "M", "ɱ": "M", "n": "N", "ɳ": "N", "ɲ": "N Y", "ŋ": "NG", "ɴ": "NG", "l": "L",
    "ɫ": "L", "ɭ": "L", "ʎ": "L Y", "ʟ": "L", "ɹ": "R", "r": "R", "ɻ": "R", "ɽ": "R D",
    "ʀ": "R", "ʋ": "V W", "w": "W", "ʍ": "W HH", "ɥ": "Y W", "ɰ": "G W", "j": "Y",
}  # fmt: skip
_SYMBOL = re.compile("|".join(sorted(_NEIGHBOURS, key=len, reverse=True)))
_RETROFLEX = {"s.": "ʂ", "z.": "ʐ"}  # as espeak-ng writes Chinese


@cache
def neighbours(symbol: str) -> tuple[tuple[str, ...], ...]:
    """Return the phones for each sound of a symbol: "ˈaɪ" -> (("AY",),), "ts" -> (("T", "S"),).

    Empty for pauses, tones and language switches such as "(en)".
    """
    if symbol.startswith("("):
        return ()
    for written, ipa in _RETROFLEX.items():
        symbol = symbol.replace(written, ipa)
    bare = "".join(
        c
        for c in unicodedata.normalize("NFD", symbol).replace("c\u0327", "ç")
        if unicodedata.category(c) in ("Ll", "Lo") or c == "ᵻ"
    )
    return tuple(tuple(_NEIGHBOURS[match].split()) for match in _SYMBOL.findall(bare))
