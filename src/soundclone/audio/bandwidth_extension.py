"""Restoration of a voice's fundamental, which a telephone removes below 300 Hz.

Rectifying a harmonic sound restores its fundamental. Makhoul and Berouti, "High-frequency
regeneration in speech coding systems", ICASSP 1979, restore high frequencies in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import soxr

from .samples import Samples

_LOWEST, _HIGHEST = 80, 320  # Hz, band that is added


def restore_fundamental(blocks: Iterable[Samples], rate: int) -> Iterator[Samples]:
    """Yield blocks of mono samples with 80-320 Hz added, about 10 dB below the telephone band."""
    nothing = np.zeros(0, np.float32)
    bands = _LowPass(rate, _HIGHEST), _LowPass(rate, _LOWEST)
    waiting = [nothing, nothing, nothing]  # the sound, and its rectified part below each limit
    for block in blocks:
        parts = block, *(band.process(np.abs(block)) for band in bands)
        waiting = [np.concatenate(pair) for pair in zip(waiting, parts, strict=True)]
        ready = min(map(len, waiting))
        yield _sum(*(part[:ready] for part in waiting))
        waiting = [part[ready:] for part in waiting]
    rest = len(waiting[0])
    ends = [
        np.concatenate((part, band.flush())) for part, band in zip(waiting[1:], bands, strict=True)
    ]
    yield _sum(waiting[0], *(np.pad(end, (0, max(0, rest - len(end))))[:rest] for end in ends))


def _sum(samples: Samples, high: Samples, low: Samples) -> Samples:
    return samples + high - low


class _LowPass:
    """Low-pass filter at `hertz` for blocks of samples. Its output is delayed."""

    def __init__(self, rate: int, hertz: int) -> None:
        self._down = soxr.ResampleStream(rate, 2 * hertz, 1, dtype="float32")
        self._up = soxr.ResampleStream(2 * hertz, rate, 1, dtype="float32")

    def process(self, samples: Samples, *, last: bool = False) -> Samples:
        narrow = self._down.resample_chunk(samples, last=last)
        return np.asarray(self._up.resample_chunk(narrow, last=last), np.float32)

    def flush(self) -> Samples:
        return self.process(np.zeros(0, np.float32), last=True)
