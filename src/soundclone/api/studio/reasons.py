"""Messages of errors and warnings as sentences in the language of the page.

Errors carry English sentences with values in them. For another language, a file such as
`locale/zh.reasons.json` maps the English template of a sentence, with `{}` for each value, to its
translation, where `{0}` stands for the first value. Values that have a translation are translated,
too. A message without a translation is shown in English.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LOCALE = Path(__file__).parent / "locale"
LONGEST = 4000  # characters of a message that is looked up
_DEPTH = 3  # of sentences within sentences


@dataclass(frozen=True)
class Sentence:
    """A sentence and its language."""

    text: str
    language: str


@dataclass(frozen=True)
class Template:
    """A translation and the literal parts of the English sentence between its values."""

    parts: tuple[str, ...]
    translation: str

    def values(self, message: str) -> list[str] | None:
        """The values that make the template `message`; None if no values do."""
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
    """Every translation into a language, those with the longest literal parts first."""
    path = LOCALE / f"{language}.reasons.json"
    if not path.exists():
        return ()
    known: dict[str, str] = json.loads(path.read_text("utf-8"))
    found = (Template(tuple(source.split("{}")), target) for source, target in known.items())
    return tuple(sorted(found, key=lambda each: -sum(map(len, each.parts))))


def translated(language: str, message: str, depth: int = _DEPTH) -> str | None:
    """`message` in a language; None if it has no translation."""
    if len(message) > LONGEST or not depth:
        return None
    for template in templates(language):
        values = template.values(message)
        if values is not None:
            inner = (translated(language, each, depth - 1) or each for each in values)
            return template.translation.format(*inner)
    return None


def sentence(language: str, message: str) -> Sentence:
    """`message` as a sentence with a capital letter and a full stop."""
    if language != "en" and (text := translated(language, message)) is not None:
        return Sentence(f"{text}。" if text[-1] not in "。！？" else text, language)
    first = message.partition(" ")[0].rstrip(":;,")
    # Field names such as fileUrl stay as a form has them.
    if first.isascii() and first.isalpha() and first.islower():
        message = message[0].upper() + message[1:]
    if message and not message.endswith((".", "!", "?")):
        message += "."
    return Sentence(message, "en")
