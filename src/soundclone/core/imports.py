"""Blocks of projects from imported documents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import PurePath
from types import MappingProxyType

from ..errors import InvalidParameter, TooLarge
from ..text.boundaries import sentences
from ..text.imports import Chapter, Document, ssml
from ..text.imports.parts import AFTER_TITLE, END, has_words, pieces_of, safe
from ..text.imports.ssml import Passage
from ..text.languages import lookup
from .cast import voice_id_of
from .projects import LONGEST_NAME, LONGEST_TEXT, LONGEST_TITLE, BlockKind, Draft, Limits, Style
from .requests import SoundVersion

BETWEEN_PARAGRAPHS = 0.4
"""Seconds of pause between two paragraphs whose sentences are blocks."""

_SOFTEST = 0.01  # least volume of a block
_LONGEST_SENTENCE = 1_000  # characters of a block that is a sentence


class Unit(StrEnum):
    """Part of a document that becomes a block."""

    SENTENCE = "sentence"
    PARAGRAPH = "paragraph"


def drafts(
    document: Document, unit: Unit, limits: Limits, voices: Mapping[str, str] = MappingProxyType({})
) -> list[Draft]:
    """Return the blocks of a document: headings, texts, and pauses between them.

    Each cue of subtitles is a block.

    Args:
        document: The document.
        unit: Part of the document that becomes a block.
        limits: Limits of a project.
        voices: Names by the ids of the voices that SSML may name.

    Raises:
        InvalidParameter: The document names an unknown voice.
        TooLarge: A project cannot hold the document.
    """
    characters = sum(each.characters for each in document.chapters)
    if characters > limits.characters:
        raise TooLarge(
            f"the document has {characters:,} characters; at most {limits.characters:,} are "
            "allowed in a project"
        )
    if document.ssml:
        passages = ssml.passages(document.ssml, by_sentence=unit == Unit.SENTENCE)
        found = [each for passage in passages for each in _scripted(passage, voices)]
    elif document.cues:
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


def _scripted(passage: Passage, voices: Mapping[str, str]) -> Iterator[Draft]:
    """Yield the blocks of a passage: one, or several if a text without markup is too long."""
    if passage.seconds is not None:
        yield _pause(passage.seconds)
        return
    changes = passage.style
    style = Style(
        voice_id=voice_id_of(passage.voice, voices, "file") if passage.voice else None,
        language=changes.language,
        speed=None if changes.speed == 1 else round(changes.speed, 4),
        pitch=changes.pitch or None,
        volume=max(round(10 ** (changes.gain / 20), 3), _SOFTEST) if changes.gain else None,
    )
    if passage.is_ssml:
        yield Draft(text=passage.text, is_ssml=True, style=style)
    else:
        yield from (Draft(text=text, style=style) for text in _texts(passage.text))


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
