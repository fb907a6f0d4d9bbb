"""Norwegian: the few common words that espeak-ng's Bokmål reads letter for letter."""

from __future__ import annotations

import re

from . import Reading, respelled

_WORD = re.compile(r"\w+")
_SOUNDS = {"og": "å", "meg": "mei", "deg": "dei", "seg": "sei", "også": "åsså", "selv": "sell"}


def read(text: str) -> Reading:
    """Respell the words of the list."""
    return respelled(text, _WORD, lambda word: _SOUNDS.get(word.lower(), ""))
