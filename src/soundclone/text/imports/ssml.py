"""SSML as a script: blocks with their voices, languages and controls."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape, quoteattr

from ..boundaries import is_ended
from ..ipa import within
from ..languages import LANGUAGES
from ..script import Pause, Sentence, parse
from ..ssml import PLAIN, SCRIPT, Marked, Play, Span, Style, VoiceName, parse_play
from .document import Chapter, Document
from .parts import has_words

_VERSION = "v2"  # has the languages of all versions
_ROOT = re.compile(r"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<speak[\s/>]", re.DOTALL)
_MARKER = re.compile(r"<#([0-9]{1,2}(?:\.[0-9]{1,2})?)#>")


@dataclass(frozen=True)
class Passage:
    """A block of a script: a text, or a pause."""

    text: str = ""  # with pause markers, or an SSML document
    is_ssml: bool = False
    seconds: float | None = None  # of a pause
    voice: VoiceName | None = None  # None: the voice of the project
    style: Style = PLAIN  # of the whole text


def is_ssml(text: str) -> bool:
    """Return true if a text is an SSML document by its beginning."""
    return bool(_ROOT.match(text))


def read(text: str) -> Document:
    """Read an SSML document. Raises InvalidParameter with line and column."""
    play = parse_play(text, _VERSION, SCRIPT)
    lines = tuple(line.strip() for line in play.marked.text.split("\n") if has_words(line))
    language = LANGUAGES[play.marked.language].code if play.marked.language else ""
    return Document((Chapter("", lines),), language=language, ssml=text)


def passages(document: str, *, by_sentence: bool) -> Iterator[Passage]:
    """Yield the blocks of an SSML document: paragraphs, or sentences, and the pauses between them.

    Changes that cover a block are its controls. Changes within a block stay in its SSML.
    """
    play = parse_play(document, _VERSION, SCRIPT)
    start = 0
    for line in play.marked.text.splitlines(keepends=True):
        yield from _of_line(play, start, line, by_sentence)
        start += len(line)


def _of_line(play: Play, start: int, line: str, by_sentence: bool) -> Iterator[Passage]:
    first: Sentence | None = None
    end = 0  # of the block in hand
    ended = True
    waiting: list[float] = []  # pauses after the block in hand
    for piece in parse(line).pieces:
        if isinstance(piece, Pause):
            waiting.append(float(piece.seconds))
            continue
        if first is not None and by_sentence and ended:
            yield _passage(play, start + first.offset, start + end)
            first = None
        if first is None:
            yield from map(_pause, waiting)
            first = piece
        waiting = []
        end = piece.origin(len(piece.text))
        ended = is_ended(piece.text) and not piece.goes_on
    if first is not None:
        yield _passage(play, start + first.offset, start + end)
    yield from map(_pause, waiting)


def _pause(seconds: float) -> Passage:
    return Passage(seconds=seconds)


def _passage(play: Play, start: int, end: int) -> Passage:
    """Return the block of a range of the text."""
    text = play.marked.text[start:end]
    spans = [
        Span(max(span.start - start, 0), min(span.end, end) - start, span.style)
        for span in play.marked.spans
        if span.start < end and start < span.end
    ]
    parts = within(play.marked.transcriptions, start, end)
    voice = play.voice_at(start)
    style = PLAIN
    covered = sum(span.end - span.start for span in spans) == len(text)
    if covered and len({span.style for span in spans}) == 1:
        style, spans = spans[0].style, []
    elif covered and len({span.style.language for span in spans}) == 1:
        style = Style(language=spans[0].style.language)
        spans = [replace(span, style=replace(span.style, language=None)) for span in spans]
    if not spans and not parts:
        return Passage(text, voice=voice, style=style)
    document = markup(Marked(text, tuple(spans), None, parts))
    return Passage(document, is_ssml=True, voice=voice, style=style)


def markup(marked: Marked) -> str:
    """Return the SSML document of a text. `ssml.parse` reads it back."""
    parts: list[str] = []
    end = 0
    for span in marked.spans:
        parts.append(_sounds(marked, end, span.start))
        inner = _sounds(marked, span.start, span.end)
        parts.append(_styled(inner, span.style))
        end = span.end
    parts.append(_sounds(marked, end, len(marked.text)))
    return f"<speak>{''.join(parts)}</speak>"


def _styled(inner: str, style: Style) -> str:
    changes = [
        *([f'rate="{round(100 * style.speed, 2):g}%"'] if style.speed != 1 else []),
        *([f'pitch="{style.pitch:+d}st"'] if style.pitch else []),
        *([f'volume="{round(style.gain, 2):+g}dB"'] if style.gain else []),
    ]
    if changes:
        inner = f"<prosody {' '.join(changes)}>{inner}</prosody>"
    if style.language:
        inner = f'<lang xml:lang="{LANGUAGES[style.language].code}">{inner}</lang>'
    return inner


def _sounds(marked: Marked, start: int, end: int) -> str:
    """Return the markup of a range without changes of style."""
    text, parts, at = marked.text[start:end], within(marked.transcriptions, start, end), 0
    found: list[str] = []
    for part in parts:
        found.append(_plain(text[at : part.start]))
        word = escape(text[part.start : part.end])
        found.append(f'<phoneme alphabet="ipa" ph={quoteattr(part.ipa)}>{word}</phoneme>')
        at = part.end
    return "".join([*found, _plain(text[at:])])


def _plain(text: str) -> str:
    parts: Sequence[str] = _MARKER.split(text)
    return "".join(
        f'<break time="{part}s"/>' if index % 2 else escape(part)
        for index, part in enumerate(parts)
    )
