"""Fades at the ends of a sound, which prevent clicks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def fade_ends(samples: NDArray[np.floating], ramp: NDArray[np.floating]) -> None:
    """Multiply the beginning of `samples` by `ramp` and the end by its reverse, in place.

    Args:
        samples: Shape (n,).
        ramp: Gains from 0 to 1, at most n of them.
    """
    size = len(ramp)
    samples[:size] *= ramp
    samples[len(samples) - size :] *= ramp[::-1]
