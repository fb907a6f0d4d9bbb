"""A text as an SSML document marks it: pauses, styles, sounds and voices of its parts."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from ..ipa import Transcription


@dataclass(frozen=True)
class Style:
    """Changes to the speech of a part of a text."""

    language: str | None = None  # name of `languages.LANGUAGES`; None: the text's
    speed: float = 1.0  # factor, 0.5-2
    pitch: int = 0  # semitones, -12 to 12
    gain: float = 0.0  # dB, -60 to 12


PLAIN = Style()


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


@dataclass(frozen=True)
class VoiceName:
    """Name of a voice, and the place of its element."""

    name: str
    line: int
    column: int


@dataclass(frozen=True)
class Turn:
    """Beginning of the part of a text that one voice speaks."""

    start: int  # code points
    voice_id: str | None  # None: the usual voice


@dataclass(frozen=True)
class Play:
    """A text for several voices: each speaks from a position on. None: the usual voice."""

    marked: Marked
    voices: tuple[tuple[int, VoiceName | None], ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Names and ids of the voices."""
        return frozenset(voice.name for _, voice in self.voices if voice is not None)

    def voice_at(self, position: int) -> VoiceName | None:
        """Return the voice of a character."""
        at = bisect_right(self.voices, position, key=lambda each: each[0]) - 1
        return self.voices[at][1] if at >= 0 else None
