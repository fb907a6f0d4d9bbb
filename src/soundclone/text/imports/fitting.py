"""Times of dubbed cues: how much faster each is spoken, so that it fits between its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from .document import Cue

GAP = 0.08  # seconds of silence before the next cue
_CLOSE = 0.005  # seconds


@dataclass(frozen=True)
class Fit:
    """Place of the speech of a cue."""

    start: float  # seconds
    room: float  # seconds from the start that the speech may take
    speed: float  # factor
    missing: float  # seconds that do not fit, even at the highest speed; 0 if all fits


def rooms(cues: Sequence[Cue], end: float, overrun: float) -> list[float]:
    """Return the seconds that the speech of each cue may take.

    Speech may go on after its cue for at most `overrun` seconds, and ends before the next cue.

    Args:
        cues: Cues in the order of their starts.
        end: Seconds of the track.
        overrun: Seconds after the end of a cue.
    """
    found = []
    for cue, following in pairwise([*cues, None]):
        assert cue is not None
        limit = end if following is None else following.start - GAP
        # A cue that overlaps the next one keeps some room, so that nothing is spoken in no time.
        found.append(max(min(cue.end + overrun, limit) - cue.start, GAP))
    return found


def fit(cue: Cue, room: float, seconds: float, fastest: float) -> Fit:
    """Fit speech of `seconds` into its room, at a speed from 1 to `fastest`."""
    speed = min(max(seconds / room, 1.0), fastest)
    missing = seconds / speed - room
    return Fit(cue.start, room, speed, missing if missing > _CLOSE else 0.0)
