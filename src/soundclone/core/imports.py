"""Blocks of projects from imported documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import PurePath

from ..errors import InvalidParameter, TooLarge
from ..text.boundaries import sentences
from ..text.imports import Chapter, Document
from ..text.imports.parts import AFTER_TITLE, END, has_words, pieces_of, safe
from ..text.languages import lookup
from .projects import LONGEST_NAME, LONGEST_TEXT, LONGEST_TITLE, BlockKind, Draft, Limits
from .requests import SoundVersion

BETWEEN_PARAGRAPHS = 0.4
"""Seconds of pause between two paragraphs whose sentences are blocks."""

_LONGEST_SENTENCE = 1_000  # characters of a block that is a sentence


class Unit(StrEnum):
    """Part of a document that becomes a block."""

    SENTENCE = "sentence"
    PARAGRAPH = "paragraph"


def drafts(document: Document, unit: Unit, limits: Limits) -> list[Draft]:
    """Return the blocks of a document: headings, texts, and pauses between them.

    Each cue of subtitles is a block.

    Raises:
        TooLarge: A project cannot hold the document.
    """
    characters = sum(each.characters for each in document.chapters)
    if characters > limits.characters:
        raise TooLarge(
            f"the document has {characters:,} characters; at most {limits.characters:,} are "
            "allowed in a project"
        )
    if document.cues:
        found = [Draft(text=text) for cue in document.cues for text in _texts(cue.text)]
    else:
        found = []
        for chapter in document.chapters:
            blocks = list(_blocks(chapter, unit))
            if found and blocks:
                found.append(_pause(END))
            found += blocks
    if len(found) > limits.blocks:
        raise TooLarge(
            f"the document would have {len(found):,} blocks; at most {limits.blocks:,} are allowed "
            "in a project; choose a block for each paragraph, or a shorter document"
        )
    return found


def name_of(document: Document, file_name: str) -> str:
    """Return the name of a project from the title of a document, or from the name of its file."""
    title = document.title or PurePath(file_name).stem
    return " ".join(re.sub(r"[\0-\x1f\x7f\ud800-\udfff]", " ", title).split())[:LONGEST_NAME]


def language_of(document: Document) -> str | None:
    """Return the language that a document names, None if the service does not speak it."""
    try:
        return lookup(document.language, SoundVersion.V2).name if document.language else None
    except InvalidParameter:
        return None


def _blocks(chapter: Chapter, unit: Unit) -> Iterator[Draft]:
    if title := chapter.title.strip():
        if len(title) <= LONGEST_TITLE and has_words(title):
            yield Draft(BlockKind.CHAPTER, safe(title))
        else:
            yield from map(_text, _texts(title))
        yield _pause(AFTER_TITLE)
    later = False
    for paragraph in chapter.paragraphs:
        texts = _sentences(paragraph) if unit == Unit.SENTENCE else _texts(paragraph)
        if texts and later and unit == Unit.SENTENCE:
            yield _pause(BETWEEN_PARAGRAPHS)
        later = later or bool(texts)
        yield from map(_text, texts)


def _sentences(paragraph: str) -> list[str]:
    """Return the sentences of a paragraph. Signs without words stay with their sentence."""
    found: list[str] = []
    plain = " ".join(safe(paragraph).split())
    for start, end in sentences(plain):
        text = plain[start:end].strip()
        if found and text and not has_words(text):
            found[-1] += f" {text}"
        elif text:
            found.append(text)
    return [
        piece for text in found if has_words(text) for piece in pieces_of(text, _LONGEST_SENTENCE)
    ]


def _texts(paragraph: str) -> list[str]:
    return [piece for piece in pieces_of(safe(paragraph), LONGEST_TEXT) if has_words(piece)]


def _text(text: str) -> Draft:
    return Draft(text=text)


def _pause(seconds: float) -> Draft:
    return Draft(BlockKind.PAUSE, seconds=seconds)
