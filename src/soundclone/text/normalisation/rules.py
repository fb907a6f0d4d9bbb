"""Rules of normalisation, and what their patterns share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

NUMBER = r"[0-9]{1,15}(?:[.,'’٫٬][0-9]{1,15}|[ \u00a0][0-9]{3}(?![0-9])){0,6}"
START = r"(?<![.,])(?<![^\W\u0e00-\u0e7f\u2e80-\U000323af])"
"""Not after a letter or a digit, apart from those of scripts that write no spaces."""
BULLETS = "™®•‣◦▪▫●○■□◆◇★☆➤➢►▶▸✦❖─━│┃═║"

Verbalise = Callable[[re.Match[str]], str | None]


@dataclass(frozen=True)
class Rule:
    """A written form and the function that verbalises a match of it.

    The function returns None for a match that is to stay as it is. Names of groups in patterns
    must be unique among all rules, because the reader joins the patterns into one.
    """

    name: str
    pattern: str
    verbalise: Verbalise


def any_of(words: Iterable[str]) -> str:
    """Return a pattern of the words, the longest first. No word at all matches nothing."""
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True))) or "(?!)"


def before(match: re.Match[str]) -> str:
    """Return the last character before a match and at most one space, or ""."""
    return match.string[: match.start()][-2:].rstrip()[-1:]


def after(match: re.Match[str]) -> str:
    """Return the first character after a match and at most one space, or ""."""
    return match.string[match.end() : match.end() + 2].lstrip()[:1]


def word_before(match: re.Match[str]) -> str:
    """Return the word before a match, in small letters."""
    return match.string[: match.start()][-20:].rstrip().rpartition(" ")[2].lower()
