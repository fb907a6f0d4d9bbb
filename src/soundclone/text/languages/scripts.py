"""Letters of the scripts that the languages are written in, by ISO 15924 code."""

from __future__ import annotations

import re

LETTERS = {
    "Hani": re.compile(
        "[\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    ),
    "Kana": re.compile("[\u3041-\u3096\u30a1-\u30fa\u30fc\u31f0-\u31ff]"),
    "Kore": re.compile("[\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7a3\ud7b0-\ud7fb]"),
    "Thai": re.compile("[\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46]"),
    "Hebr": re.compile("[\u05d0-\u05ea]"),
    "Grek": re.compile("[\u0370-\u03ff\u1f00-\u1fff]"),
    "Taml": re.compile("[\u0b83-\u0bb9]"),
    "Deva": re.compile("[\u0904-\u0939\u0958-\u0961\u0972-\u097f]"),
    "Cyrl": re.compile("[\u0400-\u052f]"),
    "Arab": re.compile("[\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff\u0750-\u077f]"),
    "Latn": re.compile("[A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff]"),
}
"""Pattern of one letter. Ideographs (Hani) and kana are apart, although Japanese mixes them."""

_PARTS = {"Hans": ("Hani",), "Hant": ("Hani",), "Jpan": ("Hani", "Kana")}

SCRIPTS = frozenset(LETTERS) - {"Hani", "Kana"} | frozenset(_PARTS)
"""Codes that a language's file may name as its script."""


def script_of(character: str) -> str:
    """Return the key of LETTERS that a letter belongs to, or "" for any other character."""
    return next((script for script, letter in LETTERS.items() if letter.match(character)), "")


def parts(script: str) -> tuple[str, ...]:
    """Return the keys of LETTERS that a language's script consists of: Jpan is Hani and Kana."""
    return _PARTS.get(script, (script,))
