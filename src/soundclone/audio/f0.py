"""Tracking of the fundamental frequency (F0) of speech.

Candidates are the values of the normalised autocorrelation (Boersma, 1993) on a grid of log F0. The
spectrum is compressed, so that formants are not mistaken for harmonics (Tolonen and Karjalainen,
2000). Dynamic programming (Viterbi, 1967) finds the best path through the candidates and an
unvoiced state. The first pass finds the speaker's usual F0, the second favours F0 near it.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import soxr
from numpy.typing import NDArray

RANGE = (60.0, 500.0)  # Hz, searched

_RATE = 8_000  # Hz, of the autocorrelations
_PERIODS = 3  # periods of the lowest F0 in a window
_COMPRESSION = 0.5  # exponent of the power spectrum
_PER_OCTAVE = 48  # grid points
_BLOCK = 1000  # frames processed at a time, which bounds the memory

# Strengths on the scale of the correlations of the compressed spectrum. Costs are per 10 ms.
NOISY, CLEAN = 0.08, 0.15  # strength of the unvoiced state in a recording and in synthetic speech
_HISS = 0.25  # further strength of the unvoiced state where high frequencies dominate
_HISS_RATE, _HISS_WINDOW = 16_000, 0.025  # Hz, seconds
_QUIET = 0.02  # of the loud frames' peaks, below which a frame is a pause
_OCTAVE = 0.01  # strength of an octave higher, which favours the period over twice the period
_NEAR, _FAR = 0.35, 0.4  # octaves from the usual F0 without a cost; cost of each further octave
_JUMP = 0.35  # cost of a change of F0 by an octave between frames
_CHANGE = 0.14  # cost of a change between voiced and unvoiced

Array = NDArray[np.float64]


@cache
def grid() -> Array:
    """Return F0 in Hz of the points of the grid, in ascending order."""
    count = int(np.ceil(np.log2(RANGE[1] / RANGE[0]) * _PER_OCTAVE)) + 1
    return np.asarray(RANGE[0] * 2 ** (np.arange(count) / _PER_OCTAVE))


def track(samples: Array, sample_rate: int, hop: float, unvoiced: float = NOISY) -> Array:
    """Return F0 in Hz of each frame, (T,), 0 where unvoiced.

    Args:
        samples: Mono samples, (n,).
        sample_rate: Hz.
        hop: Seconds between frames. Frame t is centred at `t * hop` seconds.
        unvoiced: Strength of the unvoiced state, NOISY or CLEAN.

    The values are points of the grid, a 48th of an octave apart.
    """
    correlations, peaks = _correlations(samples, sample_rate, hop)
    octaves = np.arange(correlations.shape[1]) / _PER_OCTAVE
    voiced = correlations + _OCTAVE * octaves
    loudness = peaks / (np.percentile(peaks, 99) + 1e-9)
    hiss = (1 - 2 * _neighbour_correlation(samples, sample_rate, hop)).clip(0, 1)
    silent = unvoiced + _HISS * hiss + (2 - loudness / _QUIET).clip(0)
    path = _best_path(voiced, silent, hop)
    found = path[path < len(octaves)]
    if found.size:
        away = (np.abs(octaves - np.median(octaves[found])) - _NEAR).clip(0)
        path = _best_path(voiced - _FAR * away, silent, hop)
    return np.append(grid(), 0.0)[path]


def _correlations(samples: Array, sample_rate: int, hop: float) -> tuple[Array, Array]:
    """Return autocorrelations at the periods of the grid, (T, G), and frames' peaks, (T,)."""
    low = np.asarray(soxr.resample(samples, sample_rate, _RATE), np.float64)
    size = int(_PERIODS * _RATE / RANGE[0]) | 1
    lags = _RATE / grid()
    below = lags.astype(int)
    share = lags - below
    fft = 1 << (size + int(below.max()) + 2).bit_length()
    centres = _centres(len(samples) / sample_rate, hop, _RATE, len(low))
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(low, (size // 2, size + 1)), size)
    window = np.hanning(size + 2)[1:-1]
    shape = np.fft.irfft(np.abs(np.fft.rfft(window, fft)) ** 2)[: below.max() + 3]
    rows, peaks = [], []
    for start in range(0, len(centres), _BLOCK):
        frames = windows[centres[start : start + _BLOCK]]
        frames = frames - frames.mean(axis=1, keepdims=True)
        peaks.append(np.abs(frames).max(axis=1))
        spectrum = np.abs(np.fft.rfft(frames * window, fft)) ** (2 * _COMPRESSION)
        correlation = np.fft.irfft(spectrum)[:, : below.max() + 3]
        correlation /= (correlation[:, :1] + 1e-9) * shape / shape[0]
        # Interpolate by a parabola: a period is rarely a whole number of samples.
        left, centre, right = (correlation[:, below + k] for k in (-1, 0, 1))
        slope, curve = (right - left) / 2, (left + right) / 2 - centre
        rows.append(centre + share * slope + share**2 * curve)
    return np.concatenate(rows), np.concatenate(peaks)


def _centres(seconds: float, hop: float, rate: int, last: int) -> NDArray[np.int_]:
    """Return the index of the sample at the centre of each frame."""
    count = int(seconds / hop + 1e-6) + 1
    return np.round(np.arange(count) * hop * rate).astype(int).clip(0, last)


def _neighbour_correlation(samples: Array, sample_rate: int, hop: float) -> Array:
    """Return the correlation of neighbouring samples around each frame, (T,).

    The values are near 1 in vowels and below 0.5 in fricatives (Atal and Rabiner, 1976).
    """
    high = np.asarray(soxr.resample(samples, sample_rate, _HISS_RATE), np.float64)
    width = round(_HISS_WINDOW * _HISS_RATE)
    starts = _centres(len(samples) / sample_rate, hop, _HISS_RATE, len(high))

    def around(products: Array) -> Array:
        total = np.cumsum(np.pad(products, (width // 2 + 1, width)))
        return np.asarray(total[starts + width] - total[starts])

    return around(high[1:] * high[:-1]) / (around(high[:-1] ** 2) + 1e-9)


def _best_path(voiced: Array, unvoiced: Array, hop: float) -> NDArray[np.int_]:
    """Return the best path, (T,): indices of grid points, or their number for unvoiced."""
    count = voiced.shape[1]
    per_frame = 0.01 / hop
    # The cost of a jump is linear in its octaves. So the best point below a point is a running
    # maximum of strengths that rise by the cost, and so is the best point above, from the top.
    cost = _JUMP * per_frame / _PER_OCTAVE * np.arange(count)
    change = _CHANGE * per_frame
    index = np.arange(count)
    came = np.empty((len(voiced), count + 1), np.int16)
    best, silent = voiced[0].copy(), float(unvoiced[0])
    rising = np.empty((2, count))
    for t in range(1, len(voiced)):
        np.add(best, cost, out=rising[0])
        np.add(best[::-1], cost, out=rising[1])
        highest = np.maximum.accumulate(rising, axis=1)
        origin = np.maximum.accumulate(np.where(rising == highest, index, 0), axis=1)
        highest -= cost
        below, above = highest[0], highest[1, ::-1]
        moved = np.maximum(below, above)
        before = np.where(below >= above, origin[0], count - 1 - origin[1, ::-1])
        starting = silent - change
        strongest = int(best.argmax())
        ending = float(best[strongest]) - change
        came[t, :count] = np.where(moved >= starting, before, count)
        came[t, count] = count if silent >= ending else strongest
        best = np.maximum(moved, starting) + voiced[t]
        silent = max(silent, ending) + float(unvoiced[t])
    path = np.empty(len(voiced), int)
    path[-1] = count if silent > best.max() else int(best.argmax())
    for t in range(len(voiced) - 1, 0, -1):
        path[t - 1] = came[t, path[t]]
    return path
