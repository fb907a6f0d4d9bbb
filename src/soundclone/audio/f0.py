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
_TRACED = 200  # the same, where the best path is traced back

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
    frames, count = voiced.shape
    per_frame = 0.01 / hop
    # The cost of a jump is linear in its octaves. So the best point below a point is a running
    # maximum of strengths that rise by the cost, and so is the best point above, from the top.
    cost = _JUMP * per_frame / _PER_OCTAVE * np.arange(count, dtype=np.float64)
    change = _CHANGE * per_frame
    best = np.empty(voiced.shape)
    best[0] = voiced[0]
    starting = np.empty(frames)  # best strength of a path from the unvoiced state
    ended = np.empty(frames, bool)  # True if the unvoiced state is reached from a point
    silent = float(unvoiced[0])
    rising, highest = np.empty((2, 2, count))
    below, above, moved = highest[0], highest[1, ::-1], np.empty(count)
    rows = zip(best, best[:, ::-1], best[1:], voiced[1:], starting[1:, None], strict=False)
    for t, (last, backwards, now, strength, start) in enumerate(rows, 1):
        np.add(last, cost, out=rising[0])
        np.add(backwards, cost, out=rising[1])
        np.maximum.accumulate(rising, axis=1, out=highest)
        np.subtract(highest, cost, out=highest)
        np.maximum(below, above, out=moved)
        start[0] = silent - change
        np.maximum(moved, start, out=moved)
        np.add(moved, strength, out=now)
        ending = last.item(last.argmax()) - change
        ended[t] = silent < ending
        silent = max(silent, ending) + unvoiced.item(t)
    path = np.empty(frames, int)
    path[-1] = state = count if silent > best[-1].max() else int(best[-1].argmax())
    for end in range(frames, 1, -_TRACED):
        begin = max(end - _TRACED, 1)
        came = _origins(best[begin - 1 : end - 1], cost, starting[begin:end], ended[begin:end])
        for t in range(end - 1, begin - 1, -1):
            path[t - 1] = state = came.item(t - begin, state)
    return path


def _origins(
    best: Array, cost: Array, starting: Array, ended: NDArray[np.bool_]
) -> NDArray[np.int_]:
    """Return the state before each state, (T, G + 1), from the strengths before: (T, G)."""
    count = len(cost)
    rising = np.stack([best, best[:, ::-1]]) + cost
    highest = np.maximum.accumulate(rising, axis=2)
    index = np.arange(count)
    origin = np.maximum.accumulate(np.where(rising == highest, index, 0), axis=2)
    highest -= cost
    below, above = highest[0], highest[1, :, ::-1]
    before = np.where(below >= above, origin[0], count - 1 - origin[1, :, ::-1])
    voiced = np.where(np.maximum(below, above) >= starting[:, None], before, count)
    silent = np.where(ended, best.argmax(axis=1), count)
    return np.column_stack([voiced, silent])
