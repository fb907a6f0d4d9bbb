"""Read SSML (W3C, 1.1): text with pauses, languages, prosody and emphasis.

The elements are those that the large speech services share. An error gives line and column.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NoReturn
from xml.parsers import expat

from ..errors import InvalidParameter
from . import ipa, script
from .boundaries import is_ended
from .ipa import Transcription
from .languages import lookup

LONGEST = 60_000  # characters of a document, with its markup
MOST_ELEMENTS = 5_000
DEEPEST = 32  # elements within each other

_LONGEST_PAUSE = 99.99  # seconds, of one pause marker
_SLOWEST, _FASTEST = 0.5, 2.0
_MOST_SEMITONES = 12
_QUIETEST, _LOUDEST = -60.0, 12.0  # dB

_RATES = {"x-slow": 0.6, "slow": 0.8, "medium": 1.0, "fast": 1.25, "x-fast": 1.6, "default": 1.0}
_PITCHES = {"x-low": -6, "low": -3, "medium": 0, "high": 3, "x-high": 6, "default": 0}
_VOLUMES = {"silent": -60, "x-soft": -12, "soft": -6, "medium": 0, "loud": 4, "x-loud": 8}
_VOLUMES |= {"default": 0}
_BREAKS = {"none": 0.0, "x-weak": 0.1, "weak": 0.25, "medium": 0.5, "strong": 0.75, "x-strong": 1.2}
_SPELLED = {"characters", "spell-out", "verbatim", "digits", "telephone"}
_READ = {"cardinal", "number", "currency", "date", "duration", "fraction", "name", "ordinal"}
_READ |= {"time", "unit", "address"}
_DATE_ORDERS = ("dmy", "mdy", "ymd")
LONGEST_SCRIPT, MOST_SCRIPT_ELEMENTS = 2_000_000, 100_000  # of a document for a project


@dataclass(frozen=True)
class Style:
    """Changes to the speech of a part of a text."""

    language: str | None = None  # name of `languages.LANGUAGES`; None: the text's
    speed: float = 1.0  # factor, 0.5-2
    pitch: int = 0  # semitones, -12 to 12
    gain: float = 0.0  # dB, -60 to 12


PLAIN = Style()
_EMPHASIS = {
    "strong": Style(speed=0.88, pitch=1, gain=2.5),
    "moderate": Style(speed=0.94, pitch=1, gain=1.5),
    "reduced": Style(speed=1.06, gain=-2.0),
    "none": PLAIN,
}


@dataclass(frozen=True)
class Span:
    """A part of a text with a style. Positions are code points."""

    start: int
    end: int
    style: Style


@dataclass(frozen=True)
class Marked:
    """A text with pause markers, and the styles and sounds of its parts, which do not overlap."""

    text: str
    spans: tuple[Span, ...] = ()
    language: str | None = None  # name of the language of the whole document, if it has one
    transcriptions: tuple[Transcription, ...] = ()


def parse(document: str, version: str) -> Marked:
    """Read an SSML document. `version` is the soundVersion, which limits the languages.

    Raises:
        InvalidParameter: The document is too long, is not well-formed XML, or has an element, an
            attribute or a value that is not supported.
    """
    if len(document) > LONGEST:
        raise InvalidParameter(
            f"the SSML document has {len(document):,} characters; at most {LONGEST:,} are allowed",
            param="contentText",
        )
    return _Reader(version).read(document)


@dataclass(frozen=True)
class VoiceName:
    """Name of a voice, and the place of its element."""

    name: str
    line: int
    column: int


@dataclass(frozen=True)
class Play:
    """A text for several voices: each speaks from a position on. None: the usual voice."""

    marked: Marked
    voices: tuple[tuple[int, VoiceName | None], ...]

    def voice_at(self, position: int) -> VoiceName | None:
        """Return the voice of a character."""
        at = bisect_right(self.voices, position, key=lambda each: each[0]) - 1
        return self.voices[at][1] if at >= 0 else None


def parse_play(document: str, version: str) -> Play:
    """Read an SSML document in which `voice` may occur, as `parse` does."""
    if len(document) > LONGEST_SCRIPT:
        raise InvalidParameter(
            f"the SSML document has {len(document):,} characters; at most {LONGEST_SCRIPT:,} are "
            "allowed",
            param="contentText",
        )
    reader = _Reader(version, is_play=True)
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

    def __init__(self, version: str, *, is_play: bool = False) -> None:
        self._version = version
        self._is_play = is_play
        self.voices: list[tuple[int, VoiceName | None]] = []
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._hidden = {"speak"} if is_play else {"speak", "voice"}
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
        most = MOST_SCRIPT_ELEMENTS if self._is_play else MOST_ELEMENTS
        if self._elements > most:
            self._refuse(f"there are more than {most:,} elements")
        if len(self._open) >= DEEPEST:
            self._refuse(f"more than {DEEPEST} elements are within each other")
        if not self._open and name != "speak":
            self._refuse(f"<{name[:30]}> is the root; the root must be <speak>")
        if name == "voice" and not self._is_play:
            self._refuse(
                "<voice> is not supported here: a text has one voice; import the document into a "
                "project, whose blocks have several voices"
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
        handler(self, element)

    def _end(self, name: str) -> None:
        element = self._open.pop()
        if element.text is not None:
            written = " ".join("".join(element.text).split())
            start = self._length
            self._add(self._replaced(element, written), element.style)
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
            self._add(data, element.style)

    def _doctype(self, *_: object) -> NoReturn:
        self._refuse("a document type declaration is not allowed")

    # The text

    def _add(self, data: str, style: Style) -> None:
        """Append text, with one space for any white space."""
        last = self._parts[-1] if self._parts else "\n"
        data = re.sub(r"\s+", " ", data)
        if last.endswith((" ", "\n")):
            data = data.lstrip(" ")
        if not data:
            return
        if data.strip():
            voice = self._open[-1].voice if self._open else None
            if voice != (self.voices[-1][1] if self.voices else None):
                self.voices.append((self._length, voice))
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
            self._language = self._language_of(tag)

    def _block(self, element: _Element) -> None:
        self._end_block(element.name)
        self._lang(element)

    def _lang(self, element: _Element) -> None:
        if tag := element.attributes.get("xml:lang"):
            element.style = replace(element.style, language=self._language_of(tag))
        elif element.name == "lang":
            self._refuse("<lang> lacks xml:lang, such as xml:lang='fr'")

    def _voice(self, element: _Element) -> None:
        name = " ".join(element.attributes.get("name", "").split())
        if not name:
            self._refuse("<voice> lacks name: the name or the id of one of your voices")
        element.voice = VoiceName(name, element.line, element.column)
        self._block(element)

    def _break(self, element: _Element) -> None:
        seconds = _BREAKS["medium"]
        if strength := element.attributes.get("strength"):
            if strength not in _BREAKS:
                self._refuse(f"strength is {strength[:30]!r}; use {', '.join(_BREAKS)}")
            seconds = _BREAKS[strength]
        if time := element.attributes.get("time"):
            found = re.fullmatch(r"\+?([0-9]{1,7}(?:\.[0-9]{1,6})?)(ms|s)", time.strip())
            seconds = float(found[1]) / (1000 if found[2] == "ms" else 1) if found else math.inf
            if seconds > _LONGEST_PAUSE:
                self._refuse(
                    f"time is {time[:30]!r}; give seconds or milliseconds, such as 1.5s or 500ms, "
                    f"at most {_LONGEST_PAUSE} s"
                )
        if round(seconds, 2):
            self._append(f"<#{seconds:.2f}#>")

    def _emphasis(self, element: _Element) -> None:
        level = element.attributes.get("level", "moderate")
        if level not in _EMPHASIS:
            self._refuse(f"level is {level[:30]!r}; use {', '.join(_EMPHASIS)}")
        change = _EMPHASIS[level]
        self._change(element, change.speed, change.pitch, change.gain)

    def _prosody(self, element: _Element) -> None:
        given = element.attributes
        speed = self._rate(given["rate"]) if "rate" in given else 1.0
        pitch = self._semitones(given["pitch"]) if "pitch" in given else 0.0
        gain = self._decibels(given["volume"]) if "volume" in given else 0.0
        self._change(element, speed, pitch, gain)

    def _change(self, element: _Element, speed: float, pitch: float, gain: float) -> None:
        """Add a change to the style of the surrounding elements, within the limits."""
        style = element.style
        element.style = replace(
            style,
            speed=min(max(style.speed * speed, _SLOWEST), _FASTEST),
            pitch=round(min(max(style.pitch + pitch, -_MOST_SEMITONES), _MOST_SEMITONES)),
            gain=min(max(style.gain + gain, _QUIETEST), _LOUDEST),
        )

    def _rate(self, value: str) -> float:
        if value in _RATES:
            return _RATES[value]
        found = re.fullmatch(r"([+-]?)([0-9]{1,4}(?:\.[0-9]{1,4})?)(%?)", value.strip())
        rate = math.nan
        if found:
            rate = float(found[2]) / (100 if found[3] else 1)
            if found[1]:
                rate = 1 + rate if found[1] == "+" else 1 - rate
        if not _SLOWEST <= rate <= _FASTEST:
            self._refuse(
                f"rate is {value[:30]!r}; use {', '.join(_RATES)}, a factor or a percentage, from "
                f"{_SLOWEST} to {_FASTEST:g} times, such as 80% or +20%"
            )
        return rate

    def _semitones(self, value: str) -> float:
        if value in _PITCHES:
            return _PITCHES[value]
        found = re.fullmatch(r"([+-][0-9]{1,4}(?:\.[0-9]{1,4})?)(st|%)", value.strip())
        semitones = math.nan
        if found and found[2] == "st":
            semitones = float(found[1])
        elif found and float(found[1]) > -100:
            semitones = 12 * math.log2(1 + float(found[1]) / 100)
        if not abs(semitones) <= _MOST_SEMITONES:
            self._refuse(
                f"pitch is {value[:30]!r}; use {', '.join(_PITCHES)}, semitones or a percentage, "
                f"at most {_MOST_SEMITONES} semitones, such as +2st or -10%"
            )
        return semitones

    def _decibels(self, value: str) -> float:
        if value in _VOLUMES:
            return _VOLUMES[value]
        found = re.fullmatch(r"([+-][0-9]{1,3}(?:\.[0-9]{1,4})?)dB", value.strip())
        gain = float(found[1]) if found else math.nan
        if not _QUIETEST <= gain <= _LOUDEST:
            self._refuse(
                f"volume is {value[:30]!r}; use {', '.join(_VOLUMES)}, or decibels from "
                f"{_QUIETEST:g} to {_LOUDEST:g}, such as +6dB"
            )
        return gain

    def _replace(self, element: _Element) -> None:
        element.text = []
        needed = {"sub": "alias", "say-as": "interpret-as"}[element.name]
        if not element.attributes.get(needed, "").strip():
            self._refuse(f"<{element.name}> lacks {needed}")
        kind = element.attributes.get("interpret-as")
        if kind is not None and kind not in _SPELLED | _READ:
            known = ", ".join(sorted(_SPELLED | _READ))
            self._refuse(f"interpret-as is {kind[:30]!r}; use {known}")

    def _phoneme(self, element: _Element) -> None:
        element.text = []
        given = element.attributes
        alphabet = given.get("alphabet", "none")
        if alphabet != "ipa":
            self._refuse(
                f"alphabet is {alphabet[:30]!r}; it must be 'ipa', with ph in the International "
                "Phonetic Alphabet, such as ph='pɪˈkɑːn'"
            )
        if reason := ipa.fault(given.get("ph", "")):
            self._refuse(f"ph is {given.get('ph', '')[:60]!r}: {reason}")

    def _replaced(self, element: _Element, written: str) -> str:
        """Return the text to speak in place of the written text."""
        given = element.attributes
        if element.name == "sub":
            return given["alias"]
        if element.name == "phoneme":
            if not any(map(str.isalnum, written)) or len(written) > ipa.LONGEST or "<#" in written:
                self._refuse(
                    f"the text of <phoneme> is {written[:60]!r}; it must be the word as it is "
                    f"written, with at most {ipa.LONGEST} characters",
                    element,
                )
            return written
        kind = given["interpret-as"]
        if kind in _SPELLED:
            return ", ".join(character for character in written if character.isalnum())
        if kind == "date":
            return self._date(written, given.get("format"))
        return written

    def _date(self, written: str, order: str | None) -> str:
        """Return a date of three numbers in the form of ISO 8601, other dates unchanged."""
        numbers = re.fullmatch(r"([0-9]{1,4})[-/. ]([0-9]{1,2})[-/. ]([0-9]{1,4})", written)
        if order is None or numbers is None:
            return written
        if order not in _DATE_ORDERS:
            self._refuse(f"format is {order[:30]!r}; use {', '.join(_DATE_ORDERS)}")
        found = dict(zip(order, numbers.groups(), strict=True))
        return f"{found['y']:0>4}-{found['m']:0>2}-{found['d']:0>2}"

    def _language_of(self, tag: str) -> str:
        try:
            return lookup(tag, self._version).name
        except InvalidParameter as error:
            self._refuse(error.message)

    def _refuse(self, reason: str, element: _Element | None = None) -> NoReturn:
        """Refuse the document at the place of the parser, or of an element."""
        line, column = self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1
        if element is not None:
            line, column = element.line, element.column
        raise InvalidParameter(f"SSML, line {line}, column {column}: {reason}", param="contentText")


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
