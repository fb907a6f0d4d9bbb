"""SubRip and WebVTT: cues with their times."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from .document import Chapter, Cue, Document, one_line, refuse

MOST_CUES = 20_000
_TIME = r"(?:([0-9]{1,3}):)?([0-9]{1,2}):([0-9]{2})[.,]([0-9]{1,3})"
_TIMES = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?")
_TAG = re.compile(r"</?[^<>\n]{0,200}>|\{\\?[^{}\n]{0,200}\}")
_SPEAKER = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^<>\n]{1,100})>")
_SKIPPED = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s|$)")


def has_cues(text: str) -> bool:
    """Return true if a text begins as SubRip or WebVTT does."""
    head = text[:2000].lstrip()
    if head.startswith("WEBVTT"):
        return True
    lines = head.split("\n", 2)
    first = lines[1] if lines[0].strip().isdecimal() and len(lines) > 1 else lines[0]
    return bool(_TIMES.fullmatch(first))


def read(text: str) -> Document:
    """Read SubRip or WebVTT, without its styles. Cues are in the order of their times.

    Raises:
        InvalidParameter: A cue has no valid times, or there are too many cues.
    """
    is_vtt = text.lstrip().startswith("WEBVTT")
    cues = sorted(_cues(text, is_vtt), key=lambda cue: cue.start)
    return Document((Chapter("", tuple(cue.text for cue in cues)),), cues=tuple(cues))


def _cues(text: str, is_vtt: bool) -> Iterator[Cue]:
    count = 0
    for number, block in enumerate(re.split(r"\n[^\S\n]*\n\s*", text.strip()), 1):
        lines = block.split("\n")
        if is_vtt and ((number == 1 and lines[0].startswith("WEBVTT")) or _SKIPPED.match(block)):
            continue
        at = next((i for i, line in enumerate(lines[:2]) if "-->" in line), None)
        if at is None:
            if not is_vtt and not block.strip().isdecimal():
                raise refuse(f"cue {number} has no times such as 00:00:01,000 --> 00:00:02,500")
            continue
        times = _TIMES.fullmatch(lines[at])
        if times is None:
            raise refuse(f"cue {number} has no times such as 00:00:01,000 --> 00:00:02,500")
        start, end = _seconds(times.groups()[:4]), _seconds(times.groups()[4:])
        if end <= start:
            raise refuse(f"cue {number} ends at {end:g} s, which is not after its start")
        body = "\n".join(lines[at + 1 :])
        speaker = _SPEAKER.search(body) if is_vtt else None
        words = one_line(html.unescape(_TAG.sub("", body)))
        if not words:
            continue
        count += 1
        if count > MOST_CUES:
            raise refuse(f"it has more than {MOST_CUES:,} cues")
        yield Cue(start, end, words, html.unescape(speaker[1]).strip() if speaker else "")


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = parts
    whole = 3600 * int(hours or 0) + 60 * int(minutes or 0) + int(seconds or 0)
    return (1000 * whole + int((fraction or "0").ljust(3, "0"))) / 1000
