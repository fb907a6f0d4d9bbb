"""The fundamental frequency of speech.

Candidates are the values of the normalised autocorrelation (Boersma, 1993) on a grid of log F0,
taken of a compressed spectrum lest formants pass for harmonics (Tolonen and Karjalainen, 2000).
The best path through them, being unvoiced one more candidate, is found by dynamic programming
(Viterbi, 1967): once for the speaker's usual F0, and again for F0 near it.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import soxr
from numpy.typing import NDArray

RANGE = (60.0, 500.0)  # Hz, looked for

_RATE = 8_000  # Hz, at which autocorrelations are taken
_PERIODS = 3  # of the lowest F0 in a window
_COMPRESSION = 0.5  # power of the power spectrum
_PER_OCTAVE = 48  # grid points
_BLOCK = 1000  # frames at once, to bound the memory

# Strengths, to be compared with correlations of the compressed spectrum; costs are for 10 ms.
NOISY, CLEAN = 0.08, 0.15  # for being unvoiced, in a recording and in synthetic speech
_HISS = 0.25  # more for being unvoiced where the energy is in the highs
_HISS_RATE, _HISS_WINDOW = 16_000, 0.025  # Hz, seconds
_QUIET = 0.02  # of the loud frames' peaks, below which a frame is a pause
_OCTAVE = 0.01  # for an octave higher: the period rather than twice it
_NEAR, _FAR = 0.35, 0.4  # octaves from the usual F0 that are free; what one more costs
_JUMP = 0.35  # cost of an octave from a frame to the next
_CHANGE = 0.14  # cost of beginning or ending to be voiced

Array = NDArray[np.float64]


@cache
def grid() -> Array:
    """F0 in Hz of the grid's points, low to high."""
    count = int(np.ceil(np.log2(RANGE[1] / RANGE[0]) * _PER_OCTAVE)) + 1
    return np.asarray(RANGE[0] * 2 ** (np.arange(count) / _PER_OCTAVE))


def track(samples: Array, sample_rate: int, hop: float, unvoiced: float = NOISY) -> Array:
    """F0 in Hz of samples (n,), 0 where unvoiced; frame t is centred at t * hop seconds: (T,).

    `unvoiced` is the strength of being that, NOISY or CLEAN. Values are those of the grid, a
    48th of an octave apart.
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
    """Normalised autocorrelation at the periods of `grid`, (T, G), and each frame's peak, (T,)."""
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
        # A parabola through three lags: a period is rarely a whole number of samples.
        left, centre, right = (correlation[:, below + k] for k in (-1, 0, 1))
        slope, curve = (right - left) / 2, (left + right) / 2 - centre
        rows.append(centre + share * slope + share**2 * curve)
    return np.concatenate(rows), np.concatenate(peaks)


def _centres(seconds: float, hop: float, rate: int, last: int) -> NDArray[np.int_]:
    """Sample at the centre of each frame."""
    count = int(seconds / hop + 1e-6) + 1
    return np.round(np.arange(count) * hop * rate).astype(int).clip(0, last)


def _neighbour_correlation(samples: Array, sample_rate: int, hop: float) -> Array:
    """Correlation of each sample with the next around each frame (Atal and Rabiner, 1976): (T,).

    Near 1 in vowels, below 0.5 in hisses.
    """
    high = np.asarray(soxr.resample(samples, sample_rate, _HISS_RATE), np.float64)
    width = round(_HISS_WINDOW * _HISS_RATE)
    starts = _centres(len(samples) / sample_rate, hop, _HISS_RATE, len(high))

    def around(products: Array) -> Array:
        total = np.cumsum(np.pad(products, (width // 2 + 1, width)))
        return np.asarray(total[starts + width] - total[starts])

    return around(high[1:] * high[:-1]) / (around(high[:-1] ** 2) + 1e-9)


def _best_path(voiced: Array, unvoiced: Array, hop: float) -> NDArray[np.int_]:
    """Of grid points, or their number for being unvoiced, the strongest less its costs: (T,)."""
    count = voiced.shape[1]
    per_frame = 0.01 / hop
    octaves = np.arange(count) / _PER_OCTAVE
    jump = _JUMP * per_frame * np.abs(octaves[:, None] - octaves)
    change = _CHANGE * per_frame
    index = np.arange(count)
    came = np.empty((len(voiced), count + 1), np.int16)
    best, silent = voiced[0].copy(), float(unvoiced[0])
    for t in range(1, len(voiced)):
        options = best - jump
        before = options.argmax(axis=1)
        moved, starting = options[index, before], silent - change
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
