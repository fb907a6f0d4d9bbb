"""Nynorsk by espeak-ng's Bokmål, words that differ respelled as Bokmål would write the sound."""

from __future__ import annotations

import re

from . import Reading, respelled

_WORD = re.compile(r"\w+")
_SOUNDS = {
    "og": "å", "ikkje": "ikje", "noko": "nåko", "nokon": "nåkån", "nokre": "nåkre",
    "velkomen": "vellkåmen", "velkomne": "vellkåmne", "kome": "kåme", "koma": "kåma",
    "kjem": "kjemm", "komen": "kåmen", "hjå": "jå", "også": "åsså", "sjølv": "sjøll",
    "sjølve": "sjølle", "gjera": "jera", "gjere": "jere", "gjer": "jer", "gjort": "jort",
    "gjekk": "jekk", "gjeld": "jell", "gjev": "jev", "gje": "je", "gjeva": "jeva",
    "hugse": "hukse", "hugsar": "huksar", "millom": "mellåm", "mellom": "mellåm", "opna": "åpna",
    "open": "åpen", "vatn": "vattn", "ven": "venn", "vener": "venner", "anten": "annten",
    "gong": "gång", "gonger": "gånger", "lov": "låv", "sekund": "sekunn", "hand": "hann",
    "land": "lann", "tidleg": "tileg", "dagleg": "daggleg", "godt": "gått", "god": "go",
    "ord": "or", "jord": "jor", "bord": "bor", "med": "me", "ved": "ve", "brød": "brø",
    "rød": "rø", "raud": "rau", "daud": "dau",
}  # fmt: skip


def read(text: str) -> Reading:
    """Respell the words of the list, and kkj and ggj, which are one sound each."""
    return respelled(text, _WORD, _respell)


def _respell(word: str) -> str:
    lower = word.lower()
    if lower in _SOUNDS:
        return _SOUNDS[lower]
    simple = lower.replace("kkj", "kj").replace("ggj", "gj")
    return simple if simple != lower else ""
