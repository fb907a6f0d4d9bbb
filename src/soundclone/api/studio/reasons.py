"""Translate messages of errors and warnings.

The service writes messages in English. A file such as `locale/zh.reasons.json` maps the English
template of a message, with `{}` for each value, to its translation, with `{0}` for the first value.
Values are translated too, if they have a translation. Other messages stay in English.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LOCALE = Path(__file__).parent / "locale"
LONGEST = 4000  # characters; longer messages are not translated
_DEPTH = 3  # levels of messages within messages


@dataclass(frozen=True)
class Sentence:
    """A sentence and its language."""

    text: str
    language: str


@dataclass(frozen=True)
class Template:
    """A translation, and the text before, between and after the values of the English message."""

    parts: tuple[str, ...]
    translation: str

    def values(self, message: str) -> list[str] | None:
        """Return the values in `message`, or None if the template does not match."""
        first, *others = self.parts
        if not others:
            return [] if message == first else None
        if not message.startswith(first):
            return None
        found, at = [], len(first)
        for part in others[:-1]:
            end = message.find(part, at + 1)
            if end < 0:
                return None
            found.append(message[at:end])
            at = end + len(part)
        end = len(message) - len(others[-1])
        if end < at or not message.endswith(others[-1]):
            return None
        return [*found, message[at:end]]


@cache
def templates(language: str) -> tuple[Template, ...]:
    """Return the translations into a language, the most specific templates first."""
    path = LOCALE / f"{language}.reasons.json"
    if not path.exists():
        return ()
    known: dict[str, str] = json.loads(path.read_text("utf-8"))
    found = (Template(tuple(source.split("{}")), target) for source, target in known.items())
    return tuple(sorted(found, key=lambda each: -sum(map(len, each.parts))))


def translated(language: str, message: str, depth: int = _DEPTH) -> str | None:
    """Return `message` in a language, or None if it has no translation."""
    if len(message) > LONGEST or not depth:
        return None
    for template in templates(language):
        values = template.values(message)
        if values is not None:
            inner = (translated(language, each, depth - 1) or each for each in values)
            return template.translation.format(*inner)
    return None


def sentence(language: str, message: str) -> Sentence:
    """Return `message` in a language if possible, with a capital letter and a full stop."""
    if language != "en" and (text := translated(language, message)) is not None:
        return Sentence(f"{text}。" if text[-1] not in "。！？" else text, language)
    first = message.partition(" ")[0].rstrip(":;,")
    # Names of fields, such as fileUrl, keep their small letter.
    if first.isascii() and first.isalpha() and first.islower():
        message = message[0].upper() + message[1:]
    if message and not message.endswith((".", "!", "?")):
        message += "."
    return Sentence(message, "en")
