"""Emotions that a request can set, and the prosody of each, the same for every engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

_TILT_PIVOT = 1000.0  # Hz, where the gain of a tilt is 0 dB
_TILT_FLOOR = 125.0  # Hz, below which the gain stays the same


class Emotion(StrEnum):
    """Emotion of a sentence; the values are the names on the wire."""

    HAPPY = "happy"
    SAD = "sad"
    ANGRY = "angry"
    FEARFUL = "fearful"
    DISGUSTED = "disgusted"
    SURPRISED = "surprised"
    NEUTRAL = "neutral"


@dataclass(frozen=True)
class EmotionProfile:
    """Prosody of an emotion, as changes against neutral speech (Scherer, 2003)."""

    pitch: float = 0.0  # semitones
    range: float = 1.0  # factor on the deviation of F0 from its mean
    rate: float = 1.0  # factor on the speaking rate
    energy: float = 0.0  # dB
    tilt: float = 0.0  # dB per octave

    def tilt_gain(self, hertz: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the gain of the spectral tilt in dB at each frequency of `hertz`."""
        return np.asarray(self.tilt * np.log2(hertz.clip(_TILT_FLOOR) / _TILT_PIVOT))


PROFILES: Mapping[Emotion, EmotionProfile] = {
    Emotion.NEUTRAL: EmotionProfile(),
    Emotion.HAPPY: EmotionProfile(2.0, 1.35, 1.06, 1.5, 0.8),
    Emotion.SAD: EmotionProfile(-1.5, 0.65, 0.87, -2.5, -1.2),
    Emotion.ANGRY: EmotionProfile(1.0, 1.3, 1.08, 3.0, 1.5),
    Emotion.FEARFUL: EmotionProfile(3.0, 0.8, 1.14, -1.0, -0.3),
    Emotion.DISGUSTED: EmotionProfile(-1.0, 0.9, 0.9, 0.0, 0.5),
    Emotion.SURPRISED: EmotionProfile(3.0, 1.6, 1.03, 1.0, 0.5),
}
