"""Cantonese: characters with the reading that their word gives them, by ToJyutping.

Its Jyutping is turned into phonemes by espeak-ng's own voice for it, but for the syllabic nasals
(唔 m4, 五 ng5), which that voice gives no tone. Latin words and digits are left to espeak-ng.
"""

from __future__ import annotations

import re

from . import PHONEMES, Piece, Reading

_HANZI = re.compile("[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_SYLLABIC = {"m": "m-", "hm": "hm-", "ng": "ng", "hng": "hng"}


def read(text: str) -> Reading:
    """Return Jyutping of each character, and the rest as written."""
    from ToJyutping import get_jyutping_list

    pieces: list[Piece] = []
    end = 0
    for match in _HANZI.finditer(text):
        if end < match.start():
            pieces.append(Piece(text[end : match.start()], end))
        start, end = match.span()
        readings = [said for _, said in get_jyutping_list(match[0])]
        if len(readings) != len(match[0]):
            readings = [None] * len(match[0])
        for character, said in zip(match[0], readings, strict=True):
            if said is None or " " in said:
                pieces.append(Piece(character, start))
            elif said[:-1] in _SYLLABIC:
                told = f"{_SYLLABIC[said[:-1]]}{said[-1]}_|"
                pieces.append(Piece(told, start, PHONEMES))
            else:
                pieces.append(Piece(said, start, "yue-latn-jyutping"))
            start += 1
    if end < len(text):
        pieces.append(Piece(text[end:], end))
    return Reading(tuple(pieces))
