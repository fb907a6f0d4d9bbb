"""Levels of syllables: their spread in a recording, and the same spread for synthesised speech.

People speak some syllables louder than others: stressed words more than function words, the
beginning of a phrase more than its end. A syllable is a voiced peak of the smoothed power (de Jong
and Wempe, "Praat script to detect syllable nuclei", Behavior Research Methods 41, 2009).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from . import vocoder
from .vocoder import Array, Parameters

_DB = np.log(10) / 10  # natural log of power, in a dB
_LOW, _HIGH = 75.0, 4000.0  # Hz, of the power that counts
_SMOOTH = 4.0  # frames, standard deviation of the smoothing
_DIP = 2.0 * _DB  # between two syllables
_RANGE = 25.0 * _DB  # below the loud frames, in which syllables lie
_WINDOW = 3.3  # seconds within which levels are compared, as a speaker's distance may change

_LIMITS = (1.5 * _DB, 5.2 * _DB)  # of a speaker's spread
_USUAL = 2.5 * _DB  # spread of the source's levels after conversion
_WEIGHT = 5.0  # of that spread beside a sentence's, in syllables
_RATIO = (0.8, 1.8)  # limits of the factor on the levels
LOST = 1.15  # factor by which the post-filter narrows the spread again
_MOST = 7.0 * _DB  # largest change of a syllable
_GLIDE = 15  # frames, over which the change of level is smoothed


def spread(parameters: Parameters) -> float:
    """Return the standard deviation of the syllables' levels in natural log of power."""
    level = _contour(parameters)
    squares, freedom = _variation(level, _nuclei(level, parameters.voiced))
    return float(np.sqrt(squares / freedom).clip(*_LIMITS)) if freedom else _USUAL


def with_spread(parameters: Parameters, wanted: float) -> Parameters:
    """Widen or narrow the differences between syllables. Each syllable keeps its shape.

    Args:
        parameters: Speech of a sentence.
        wanted: Result of `spread` for the speaker's recording.
    """
    level = _contour(parameters)
    peaks = _nuclei(level, parameters.voiced)
    if len(peaks) < 2:
        return parameters
    # A few syllables say little about the spread, so the usual one counts as well.
    squares, freedom = _variation(level, peaks)
    own = np.sqrt((squares + _WEIGHT * _USUAL**2) / (freedom + _WEIGHT))
    above = level[peaks] - level[peaks].mean()
    change = ((np.clip(LOST * wanted / own, *_RATIO) - 1) * above).clip(-_MOST, _MOST)
    gain = np.interp(np.arange(len(level)), peaks, change)
    window = np.hanning(_GLIDE + 2)[1:-1]
    gain = np.convolve(np.pad(gain, _GLIDE // 2, mode="edge"), window / window.sum(), "valid")
    return replace(parameters, level=parameters.level + gain)


@cache
def _weights() -> Array:
    """Return the weight of each band in the power between _LOW and _HIGH: (BANDS,)."""
    hertz = vocoder.band_centres()
    weights = np.gradient(hertz) / (1 + (_LOW / hertz.clip(1)) ** 8) / (1 + (hertz / _HIGH) ** 8)
    return np.asarray(weights / weights.sum())


def _contour(parameters: Parameters) -> Array:
    """Return the smoothed power in natural log: (T,)."""
    power = np.exp(parameters.envelope + parameters.level[:, None]) @ _weights()
    width = round(4 * _SMOOTH)
    bell = np.exp(-0.5 * (np.arange(-width, width + 1) / _SMOOTH) ** 2)
    smooth = np.convolve(np.pad(power, width), bell / bell.sum(), "valid")
    return np.asarray(np.log(smooth + 1e-12))


def _nuclei(level: Array, voiced: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the frames in which syllables peak."""
    peaks = _peaks(level)
    peaks = peaks[level[peaks] > np.percentile(level, 97) - _RANGE]
    near = np.convolve(voiced, np.ones(5), "same") > 0
    return np.asarray(peaks[near[peaks]])


def _peaks(level: Array) -> NDArray[np.intp]:
    """Return the peaks between which the level falls and rises by at least _DIP."""
    found: list[int] = []
    rising, high, low = True, 0, 0  # frames of the latest extremes
    for frame, value in enumerate(level.tolist()):
        high = frame if value > level[high] else high
        low = frame if value < level[low] else low
        if rising and value < level[high] - _DIP:
            found.append(high)
            rising, low = False, frame
        elif not rising and value > level[low] + _DIP:
            rising, high = True, frame
    return np.array(found, np.intp)


def _variation(level: Array, peaks: NDArray[np.intp]) -> tuple[float, int]:
    """Return the sum of squares around the means of windows, and its degrees of freedom."""
    squares, freedom = 0.0, 0
    windows = (peaks * vocoder.HOP / _WINDOW).astype(int)
    for window in np.unique(windows):
        group = level[peaks[windows == window]]
        squares += float(np.sum((group - group.mean()) ** 2))
        freedom += len(group) - 1
    return squares, freedom
