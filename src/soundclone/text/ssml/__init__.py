"""Read SSML (W3C, 1.1): text with pauses, languages, voices, prosody and emphasis.

    marked    the text with its styles, sounds and voices
    values    values of attributes
    reader    the handlers of the XML parser

The elements are those that the large speech services share. An error gives line and column.
"""

from __future__ import annotations

from .marked import PLAIN, Marked, Play, Span, Style, Turn, VoiceName
from .reader import BLOCK, REQUEST, SCRIPT, Limits, parse, parse_play

__all__ = [
    "BLOCK",
    "PLAIN",
    "REQUEST",
    "SCRIPT",
    "Limits",
    "Marked",
    "Play",
    "Span",
    "Style",
    "Turn",
    "VoiceName",
    "parse",
    "parse_play",
]
