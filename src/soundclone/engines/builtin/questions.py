"""Questions that fall at their end: those that ask for a word, such as "Where is it?".

The source synthesiser lets every question rise. That is right for questions that expect yes or no.
"""

from __future__ import annotations

import re
from functools import cache

from ...text.languages import LANGUAGES

_QUESTION = re.compile(r"[^.!?？؟…]*[^.!?？؟…\d\s]\s*[?？؟]+")
_FULL_STOPS = str.maketrans("?？؟", "...")
_WORD = re.compile(r"\w+")


def with_falling_ends(text: str, language: str) -> str:
    """Write a full stop for the mark of each question that falls. Offsets stay the same."""
    words, openers = _words(language)

    def written(match: re.Match[str]) -> str:
        start = [found[0].lower() for found in _WORD.finditer(match[0])][:2]
        asks = start[:1] and (start[0] in words or (start[0] in openers and start[-1] in words))
        return match[0].translate(_FULL_STOPS) if asks else match[0]

    return _QUESTION.sub(written, text) if words else text


@cache
def _words(language: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the question words of a language, and words that may stand before them."""
    sentences = LANGUAGES[language].sentences
    return frozenset(sentences.question_words), frozenset(sentences.question_openers)
