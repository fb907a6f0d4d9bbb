"""Give espeak-ng's F0 the intonation of people: the fall at the end of a phrase, and declination.

espeak-ng lets the last 0.3 s of a phrase fall two to five times as deep as people do, and phrases
of tone languages do not fall at all. `training/intonation.py` measures both in each language.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...text.languages.schema import Speech
from . import vocoder
from .vocoder import Array

# Seconds before the end of a phrase's voice, at the usual speed
_LEVEL = 0.65, 0.35  # between which F0 has the level from which it falls
_WHOLE = 0.15  # from which the whole share applies
_PAUSE = 0.1  # seconds of espeak-ng between two phrases, at the usual speed
_LEAST = 30  # voiced frames of a phrase
_SEMITONE = np.log(2) / 12
_WIDER = 1.0, 1.3  # limits of the factor that restores the width


def like_people(
    f0: Array, phrases: Sequence[tuple[float, float]], speech: Speech, speed: float = 1.0
) -> Array:
    """Return F0 with the falls of people and the same mean and width: Hz, (T,).

    Args:
        f0: Of the source, in Hz, 0 where unvoiced, (T,).
        phrases: Result of `phrases`.
        speech: `final_fall` and `declination` of the language.
        speed: Factor by which the source speaks faster than usual.
    """
    voiced = f0 > 0
    if not voiced.any() or (speech.final_fall == 1 and speech.declination == 0):
        return f0
    logs = np.log(np.where(voiced, f0, 1.0))
    mean, width = logs[voiced].mean(), logs[voiced].std()
    for start, end in phrases:
        first, last = round(start / vocoder.HOP), round(end / vocoder.HOP)
        at = first + np.flatnonzero(voiced[first:last])
        if len(at) >= _LEAST:
            seconds = (at - at[-1]) * vocoder.HOP * speed
            logs[at] = _fallen(logs[at], seconds, speech)
    now = logs[voiced]
    wider = np.clip(width / now.std().clip(1e-3), *_WIDER)
    return np.where(voiced, np.exp((logs - now.mean()) * wider + mean), 0.0)


def phrases(
    phones: Sequence[tuple[float, str]], seconds: float, speed: float = 1.0
) -> list[tuple[float, float]]:
    """Return start and end in seconds of the phrases between pauses.

    Args:
        phones: Start in seconds and symbol of each phone; "" is a pause.
        seconds: Length of the speech.
        speed: Factor by which the source speaks faster than usual.
    """
    found: list[tuple[float, float]] = []
    for (start, symbol), (end, _) in pairwise([*phones, (seconds, "")]):
        if not symbol:
            continue
        if found and start - found[-1][1] < _PAUSE / speed:
            found[-1] = found[-1][0], end
        else:
            found.append((start, end))
    return found


def _fallen(logs: Array, seconds: Array, speech: Speech) -> Array:
    """Change the fall of a phrase. `seconds` are negative, before its last voiced frame."""
    from_level, to_level = _LEVEL
    before: NDArray[np.bool_] = (seconds >= -from_level) & (seconds <= -to_level)
    if before.any():
        fall = np.minimum(logs - logs[before].mean(), 0)
        weight = ((seconds + to_level) / (to_level - _WHOLE)).clip(0, 1)
        logs = logs - (1 - speech.final_fall) * weight * fall
    # The middle of the phrase keeps its F0.
    return np.asarray(logs + speech.declination * _SEMITONE * (seconds - seconds.mean()))
