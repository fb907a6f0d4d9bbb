"""What a telephone takes from a voice below 300 Hz, given back.

Rectifying a harmonic sound makes its fundamental heard again, as in Makhoul and Berouti,
"High-frequency regeneration in speech coding systems", ICASSP 1979, the other way up.
"""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

Samples = NDArray[np.float32]

_LOWEST, _HIGHEST = 80, 320  # Hz, of what is made


def with_fundamental(samples: Samples, rate: int) -> Samples:
    """Mono samples, shape (n,), with 80-320 Hz added, some 10 dB below the telephone's band."""
    rectified = np.abs(samples)
    return samples + _below(rectified, rate, _HIGHEST) - _below(rectified, rate, _LOWEST)


def _below(samples: Samples, rate: int, hertz: int) -> Samples:
    narrow = soxr.resample(soxr.resample(samples, rate, 2 * hertz), 2 * hertz, rate)
    return np.asarray(np.pad(narrow, (0, max(0, len(samples) - len(narrow))))[: len(samples)])
