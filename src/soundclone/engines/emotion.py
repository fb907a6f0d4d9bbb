"""How an emotion sounds, whichever engine speaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_TILT_FROM, _LOWEST = 1000.0, 125.0  # Hz: where a tilt turns, and below which it stays


@dataclass(frozen=True)
class Manner:
    """Changes against neutral speech (Scherer, 2003)."""

    pitch: float = 0.0  # semitones
    range: float = 1.0  # of the F0 around its mean
    rate: float = 1.0
    energy: float = 0.0  # dB
    tilt: float = 0.0  # dB an octave

    def tilted(self, hertz: NDArray[np.float64]) -> NDArray[np.float64]:
        """Gain of the tilt in dB at frequencies, of any shape."""
        return np.asarray(self.tilt * np.log2(hertz.clip(_LOWEST) / _TILT_FROM))


MANNERS = {
    "neutral": Manner(),
    "happy": Manner(2.0, 1.35, 1.06, 1.5, 0.8),
    "sad": Manner(-1.5, 0.65, 0.87, -2.5, -1.2),
    "angry": Manner(1.0, 1.3, 1.08, 3.0, 1.5),
    "fearful": Manner(3.0, 0.8, 1.14, -1.0, -0.3),
    "disgusted": Manner(-1.0, 0.9, 0.9, 0.0, 0.5),
    "surprised": Manner(3.0, 1.6, 1.03, 1.0, 0.5),
}
