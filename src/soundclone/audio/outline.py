"""Outlines of sounds, from which pages draw waveforms without loading the sound."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .samples import Samples

BARS = 64
"""Bars of a waveform."""


def outline(samples: Samples, bars: int = BARS) -> list[int]:
    """Return the loudness of `bars` equal parts of a sound, shape (n,), as 0-100 of the loudest."""
    edges = np.linspace(0, len(samples), bars + 1).astype(int)
    power = [
        float(np.mean(np.square(samples[start:end], dtype=np.float64))) if end > start else 0.0
        for start, end in pairwise(edges)
    ]
    most = max(power) or 1.0
    return [round(100 * (each / most) ** 0.5) for each in power]
