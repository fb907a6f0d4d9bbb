"""Reader of SSML documents."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NoReturn
from xml.parsers import expat

from ...errors import InvalidParameter
from .. import script
from ..boundaries import is_ended
from ..ipa import Transcription
from . import values
from .marked import PLAIN, Marked, Play, Span, Style, VoiceName
from .values import Unfit


@dataclass(frozen=True)
class Limits:
    """Size of a document."""

    characters: int  # with the markup
    elements: int
    voices: bool = True  # `voice` may occur
    changes: int | None = None  # most changes of the voice


REQUEST = Limits(60_000, 5_000, changes=500)
"""A document for one speech task."""

BLOCK = replace(REQUEST, voices=False)
"""A document for a block of a project, which has one voice."""

SCRIPT = Limits(2_000_000, 100_000)
"""A document for a project."""

DEEPEST = 32  # elements within each other


def parse(document: str, version: str) -> Marked:
    """Read the SSML document of a block. `version` is the soundVersion, which limits the languages.

    Raises:
        InvalidParameter: The document is too long, is not well-formed XML, or has an element, an
            attribute or a value that is not supported.
    """
    return parse_play(document, version, BLOCK).marked


def parse_play(document: str, version: str, limits: Limits) -> Play:
    """Read an SSML document as `parse` does, within limits, which may allow `voice`."""
    if len(document) > limits.characters:
        raise InvalidParameter(
            f"the SSML document has {len(document):,} characters; at most {limits.characters:,} "
            "are allowed",
            param="contentText",
        )
    reader = _Reader(version, limits)
    return Play(reader.read(document), tuple(reader.voices))


def _signs(text: str) -> int:
    """Return the number of punctuation characters that a text begins with."""
    return len(text) - len(text.lstrip(".,;:!?…%)]}»”’。，、！？；："))


@dataclass
class _Element:
    """An element that is open."""

    name: str
    style: Style
    attributes: Mapping[str, str]
    text: list[str] | None = None  # characters so far, of an element that holds text only
    line: int = 0
    column: int = 0
    voice: VoiceName | None = None


class _Reader:
    """Handlers of the XML parser, and the text so far."""

    def __init__(self, version: str, limits: Limits) -> None:
        self._version = version
        self._limits = limits
        self.voices: list[tuple[int, VoiceName | None]] = []
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._hidden = {"speak"} if limits.voices else {"speak", "voice"}
        self._open: list[_Element] = []
        self._elements = 0
        self._parts: list[str] = []
        self._length = 0
        self._spans: list[Span] = []
        self._language: str | None = None
        self._transcribed: list[tuple[_Element, Transcription]] = []

    def read(self, document: str) -> Marked:
        try:
            self._parser.Parse(document.encode(errors="surrogatepass"), True)
        except expat.ExpatError as error:
            reason = expat.errors.messages[error.code]
            line, column = error.lineno, error.offset + 1
            raise InvalidParameter(
                f"SSML, line {line}, column {column}: {reason}; the text must be one well-formed "
                "<speak> element",
                param="contentText",
            ) from None
        marked = Marked(
            "".join(self._parts),
            tuple(self._spans),
            self._language,
            tuple(part for _, part in self._transcribed),
        )
        self._check_words(marked)
        return marked

    def _check_words(self, marked: Marked) -> None:
        """Refuse a transcription that no sentence holds as a whole."""
        if not self._transcribed:
            return
        edges = {edge for span in marked.spans for edge in (span.start, span.end)}
        sentences = script.parse(marked.text, edges=edges).sentences
        ends = {each.offset: each.origin(len(each.text)) for each in sentences}
        starts = sorted(ends)
        for element, part in self._transcribed:
            at = bisect_right(starts, part.start) - 1
            if at < 0 or ends[starts[at]] < part.end:
                self._refuse(
                    "<phoneme> holds more than a sentence; put one word or phrase in it", element
                )

    # Handlers

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > self._limits.elements:
            self._refuse(f"there are more than {self._limits.elements:,} elements")
        if len(self._open) >= DEEPEST:
            self._refuse(f"more than {DEEPEST} elements are within each other")
        if not self._open and name != "speak":
            self._refuse(f"<{name[:30]}> is the root; the root must be <speak>")
        if name == "voice" and not self._limits.voices:
            self._refuse(
                "<voice> is not supported here: a block has one voice; set modelId of the block, "
                "or import the document into a project"
            )
        handler = _ELEMENTS.get(name)
        if handler is None or (name == "speak" and self._open):
            known = ", ".join(sorted(_ELEMENTS.keys() - self._hidden))
            self._refuse(f"<{name[:30]}> is not supported here; use {known}")
        if self._open and self._open[-1].text is not None:
            self._refuse(f"<{self._open[-1].name}> holds text only, without <{name}>")
        allowed = _ATTRIBUTES[name]
        for attribute in attributes:
            known_elsewhere = name == "speak" and ":" in attribute
            if attribute not in allowed and not known_elsewhere:
                usable = ", ".join(allowed) or "none"
                self._refuse(
                    f"attribute {attribute[:30]!r} of <{name}> is not supported; it has {usable}"
                )
        style = self._open[-1].style if self._open else PLAIN
        line, column = self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1
        voice = self._open[-1].voice if self._open else None
        element = _Element(name, style, attributes, None, line, column, voice)
        self._open.append(element)
        try:
            handler(self, element)
        except Unfit as unfit:
            self._refuse(str(unfit))

    def _end(self, name: str) -> None:
        element = self._open.pop()
        if element.text is not None:
            written = " ".join("".join(element.text).split())
            start = self._length
            self._add(self._replaced(element, written), element.style, element.voice)
            if element.name == "phoneme":
                part = Transcription(start, self._length, element.attributes["ph"])
                self._transcribed.append((element, part))
        if name in ("p", "s", "voice"):
            self._end_block(name)

    def _characters(self, data: str) -> None:
        element = self._open[-1]
        if element.text is not None:
            element.text.append(data)
        elif element.name == "break":
            if data.strip():
                self._refuse("<break> holds no text")
        else:
            self._add(data, element.style, element.voice)

    def _doctype(self, *_: object) -> NoReturn:
        self._refuse("a document type declaration is not allowed")

    # The text

    def _add(self, data: str, style: Style, voice: VoiceName | None) -> None:
        """Append text, with one space for any white space."""
        last = self._parts[-1] if self._parts else "\n"
        data = re.sub(r"\s+", " ", data)
        if last.endswith((" ", "\n")):
            data = data.lstrip(" ")
        if not data:
            return
        if data.strip():
            self._speak_with(voice)
        start = self._length
        self._append(data)
        before = self._spans[-1] if self._spans else None
        if before and before.end == start:
            # A sign belongs to the word before it, whose style it takes.
            signs = len(data) if before.style == style else _signs(data)
            self._spans[-1] = replace(before, end=start + signs)
            start += signs
        if style != PLAIN and start < self._length:
            self._spans.append(Span(start, self._length, style))

    def _speak_with(self, voice: VoiceName | None) -> None:
        """Record the voice of the text that follows."""
        if voice == (self.voices[-1][1] if self.voices else None):
            return
        self.voices.append((self._length, voice))
        most = self._limits.changes
        if most is not None and len(self.voices) > most:
            self._refuse(
                f"the voice changes more than {most:,} times; send the rest in another request"
            )

    def _append(self, data: str) -> None:
        self._parts.append(data)
        self._length += len(data)

    def _end_block(self, name: str) -> None:
        """End a paragraph, or a sentence: a line break ends one that lacks its full stop."""
        last = "".join(self._parts[-2:]) or "\n"
        if name == "s" and is_ended(last):
            if not last.endswith((" ", "\n")):
                self._append(" ")
        elif not last.endswith("\n"):
            self._append("\n")

    # Elements

    def _speak(self, element: _Element) -> None:
        if tag := element.attributes.get("xml:lang"):
            self._language = values.language(tag, self._version)

    def _block(self, element: _Element) -> None:
        self._end_block(element.name)
        self._lang(element)

    def _lang(self, element: _Element) -> None:
        if tag := element.attributes.get("xml:lang"):
            element.style = replace(element.style, language=values.language(tag, self._version))
        elif element.name == "lang":
            self._refuse("<lang> lacks xml:lang, such as xml:lang='fr'")

    def _voice(self, element: _Element) -> None:
        element.voice = VoiceName(values.voice(element.attributes), element.line, element.column)
        self._block(element)

    def _break(self, element: _Element) -> None:
        seconds = values.pause(element.attributes)
        if round(seconds, 2):
            self._append(f"<#{seconds:.2f}#>")

    def _emphasis(self, element: _Element) -> None:
        element.style = values.emphasised(element.style, element.attributes)

    def _prosody(self, element: _Element) -> None:
        element.style = values.changed(element.style, element.attributes)

    def _replace(self, element: _Element) -> None:
        element.text = []
        values.check_replaced(element.name, element.attributes)

    def _phoneme(self, element: _Element) -> None:
        element.text = []
        values.check_phoneme(element.attributes)

    def _replaced(self, element: _Element, written: str) -> str:
        """Return the text to speak in place of the written text."""
        if element.name == "sub":
            return element.attributes["alias"]
        if element.name == "say-as":
            try:
                return values.said_as(written, element.attributes)
            except Unfit as unfit:
                self._refuse(str(unfit))
        try:
            values.check_sounded(written)
        except Unfit as unfit:
            self._refuse(str(unfit), element)
        return written

    def _refuse(self, reason: str, element: _Element | None = None) -> NoReturn:
        """Refuse the document at the place of the parser, or of an element."""
        line, column = self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1
        if element is not None:
            line, column = element.line, element.column
        raise InvalidParameter(
            f"SSML, line {line}, column {column}: {reason}", param="contentText"
        ) from None


_ELEMENTS: dict[str, Callable[[_Reader, _Element], None]] = {
    "speak": _Reader._speak,
    "p": _Reader._block,
    "s": _Reader._block,
    "lang": _Reader._lang,
    "break": _Reader._break,
    "emphasis": _Reader._emphasis,
    "prosody": _Reader._prosody,
    "say-as": _Reader._replace,
    "sub": _Reader._replace,
    "phoneme": _Reader._phoneme,
    "voice": _Reader._voice,
}
_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "speak": ("version", "xmlns", "xml:lang"),
    "p": ("xml:lang",),
    "s": ("xml:lang",),
    "lang": ("xml:lang",),
    "break": ("time", "strength"),
    "emphasis": ("level",),
    "prosody": ("rate", "pitch", "volume"),
    "say-as": ("interpret-as", "format", "detail"),
    "sub": ("alias",),
    "phoneme": ("alphabet", "ph"),
    "voice": ("name", "xml:lang"),
}
