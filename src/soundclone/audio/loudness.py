"""Measurement of loudness, and a limiter of true peaks.

ITU-R BS.1770-4, "Algorithms to measure audio programme loudness and true-peak audio level".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from .samples import Samples

TARGET = -18.0  # LUFS, of synthesised speech
CEILING = -1.0  # dBTP


@dataclass(frozen=True)
class Standard:
    """Loudness that a kind of publication asks for, as a meter shows it for the whole file."""

    lufs: float
    ceiling: float  # dBTP


STANDARDS: Mapping[str, Standard] = {
    # Shops of audiobooks ask for -23 to -18 dB RMS and peaks below -3 dB.
    "audiobook": Standard(-20.0, -3.0),
    "podcast": Standard(-16.0, -1.0),
    # EBU R 128
    "broadcast": Standard(-23.0, -1.0),
}

# The K-weighting of annex 1, tables 1 and 2, for 48 kHz: numerator and denominator of each stage.
_STAGES = (
    ((1.53512485958697, -2.69169618940638, 1.19839281085285),
     (1.0, -1.69065929318241, 0.73248077421585)),
    ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)),
)  # fmt: skip
_STEP = 0.1  # seconds; a gating block is four steps
_PIECE = 200  # steps filtered at a time
_SETTLE = 1.0  # seconds of context, in which the high-pass at 38 Hz decays
_ABSOLUTE_GATE, _RELATIVE_GATE = -70.0, -10.0  # LUFS, LU


def loudness(samples: Samples, rate: int) -> float:
    """Return the integrated loudness in LUFS of mono samples, minus infinity for silence.

    Samples shorter than a gating block of 0.4 s are measured as one shorter block.
    """
    meter = Meter(rate)
    meter.add(samples)
    return meter.integrated()


class Meter:
    """Meter of the integrated loudness of mono samples that arrive in blocks."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._step = round(_STEP * rate)
        self._settle = round(_SETTLE * rate)
        self._buffer = np.zeros(0, np.float32)
        self._context = 0  # samples at the start of the buffer that are measured
        self._steps: list[NDArray[np.float64]] = []  # mean energies

    def add(self, samples: Samples) -> None:
        """Append samples, shape (n,)."""
        self._buffer = np.concatenate([self._buffer, samples])
        piece = _PIECE * self._step
        while len(self._buffer) - self._context >= piece:
            self._steps.append(self._means(self._energy(self._context + piece)))
            self._drop(self._context + piece)

    def integrated(self) -> float:
        """Return the loudness so far in LUFS, minus infinity for silence."""
        rest = self._energy(len(self._buffer))
        steps = np.concatenate([*self._steps, self._means(rest)])
        if len(steps) >= 4:
            blocks = np.convolve(steps, np.full(4, 0.25), "valid")
        else:
            blocks = np.array([rest.mean() if len(rest) else 0.0])
        blocks = blocks[blocks > _power(_ABSOLUTE_GATE)]
        if not len(blocks):
            return -np.inf
        blocks = blocks[blocks > blocks.mean() * 10 ** (_RELATIVE_GATE / 10)]
        return float(-0.691 + 10 * np.log10(blocks.mean()))

    def _energy(self, end: int) -> NDArray[np.float64]:
        weighted = _weighted(self._buffer, self._rate, self._context, end)
        return np.square(weighted, dtype=np.float64)

    def _means(self, energy: NDArray[np.float64]) -> NDArray[np.float64]:
        whole = energy[: len(energy) // self._step * self._step]
        return np.asarray(whole.reshape(-1, self._step).mean(axis=1))

    def _drop(self, measured: int) -> None:
        start = max(0, measured - self._settle)
        self._buffer, self._context = self._buffer[start:], measured - start


class Limiter:
    """Limiter of true peaks for samples that arrive in blocks. The output is delayed."""

    _REACH = 0.015  # seconds before and after a peak in which the gain changes
    _MARGIN = 0.1  # dB; a changing gain moves the peaks between samples a little
    _GUARD = 256  # samples, more than the length of the oversampling filter

    def __init__(self, rate: int, ceiling_dbtp: float = CEILING) -> None:
        self._rate = rate
        self._ceiling = 10 ** ((ceiling_dbtp - self._MARGIN) / 20)
        self._reach = round(self._REACH * rate)
        self._context = 2 * self._reach + self._GUARD
        self._buffer = np.zeros(0, np.float32)
        self._done = 0  # samples of the buffer that were returned and stay as context

    def process(self, samples: Samples) -> Samples:
        """Append samples, shape (n,), and return those that are ready, possibly none."""
        self._buffer = np.concatenate([self._buffer, samples]).astype(np.float32, copy=False)
        ready = len(self._buffer) - self._context
        if ready - self._done < self._rate // 2:  # each call filters the context again
            return np.zeros(0, np.float32)
        return self._emit(ready)

    def flush(self) -> Samples:
        """Return the remaining samples."""
        return self._emit(len(self._buffer))

    def _emit(self, until: int) -> Samples:
        out = self._limited()[self._done : until]
        start = max(0, until - self._context)
        self._buffer, self._done = self._buffer[start:], until - start
        return out

    def _limited(self) -> Samples:
        peaks = _peaks(self._buffer, self._rate)
        if peaks.max(initial=0.0) <= self._ceiling:
            return self._buffer
        needed = np.minimum(1.0, self._ceiling / np.maximum(peaks, 1e-10))
        # The smallest gain within reach, smoothed within reach, never exceeds the needed gain.
        half = max(1, self._reach // 2)
        lowest = _sliding_minimum(needed, 2 * half)
        smooth = _sliding_mean(_sliding_mean(lowest, half), half)
        return (self._buffer * smooth).astype(np.float32)


def _weighted(samples: Samples, rate: int, start: int, end: int) -> NDArray[np.float64]:
    """Return the K-weighted samples `start` to `end`.

    The filters of the standard are evaluated at the frequency of each bin, which makes them the
    same at every sample rate.
    """
    settle = round(_SETTLE * rate)
    first = max(0, start - settle)
    piece = samples[first:end].astype(np.float64)
    size = _fast_size(len(piece) + settle)
    hertz = np.minimum(np.fft.rfftfreq(size, 1 / rate), 24_000)
    delay = np.exp(-2j * np.pi * hertz / 48_000)
    response = np.ones_like(delay)
    for numerator, denominator in _STAGES:
        response *= np.polyval(numerator[::-1], delay) / np.polyval(denominator[::-1], delay)
    filtered = np.fft.irfft(np.fft.rfft(piece, size) * response, size)
    return np.asarray(filtered[start - first : len(piece)])


def _fast_size(least: int) -> int:
    """Return the next number without a prime factor above 5, which FFTs are fast for."""
    odd: list[int] = [3**threes * 5**fives for threes in range(13) for fives in range(9)]
    return min(each << max(0, math.ceil(math.log2(least / each))) for each in odd)


def _power(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))


def _peaks(samples: Samples, rate: int) -> NDArray[np.float64]:
    """Return the largest magnitude from each sample to the next one, shape (n,)."""
    if not len(samples):
        return np.zeros(0)
    dense = np.abs(soxr.resample(samples, rate, 4 * rate))
    dense = np.pad(dense, (0, 4 * len(samples)))[: 4 * len(samples)]
    peaks = np.maximum(dense.reshape(-1, 4).max(axis=1), np.abs(samples))
    return np.asarray(peaks, np.float64)


def _sliding_minimum(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Return the minimum of each value and the `reach` values before and after it."""
    padded = np.pad(values, reach, constant_values=1.0)
    size = 2 * reach + 1
    width = 1
    while width < size:  # each pass at most doubles the number of compared values
        shift = min(width, size - width)
        padded = np.minimum(padded[:-shift], padded[shift:])
        width += shift
    return padded


def _sliding_mean(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Return the mean of each value and the `reach` values before and after it."""
    padded = np.pad(values, reach, mode="edge")
    sums = np.concatenate([[0.0], np.cumsum(padded)])
    size = 2 * reach + 1
    return np.asarray((sums[size:] - sums[:-size]) / size)
