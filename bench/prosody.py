"""Measures of prosody: pitch, levels of syllables, pace, pauses and rhythm.

All measures need nothing but samples and an F0 contour, so that real speech and every engine are
measured in the same way. A syllable is a voiced peak of the smoothed energy (de Jong and Wempe,
"Praat script to detect syllable nuclei", Behavior Research Methods 41, 2009).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

STEP = 0.01  # seconds between frames
WINDOW = 3.3  # seconds within which the levels of syllables are compared
_BAND = (75.0, 4000.0)  # Hz, of the energy contour
_SMOOTH = 2.0  # frames, standard deviation of the smoothing of the energy
_RANGE = 25.0  # dB below the loud frames in which speech lies
_DIP = 2.0  # dB between two syllables
_PAUSE = 0.15  # seconds of silence that count as a pause
_PHRASE = 1.0  # seconds of a phrase whose F0 slope is measured
_FARTHEST = 10.0  # semitones from the median; frames beyond are octave errors


@dataclass(frozen=True)
class Prosody:
    """Prosody of one speaker over several recordings or clips. Unknown values are NaN."""

    f0_spread: float  # standard deviation, semitones
    f0_slope: float  # mean within phrases, semitones per second
    level_spread: float  # standard deviation of syllable levels within WINDOW, dB
    rate: float  # syllables per second of speech
    npvi: float  # variability of successive intervals between syllables
    pause: float  # median, seconds
    pause_spread: float  # half the distance of the percentiles 16 and 84, seconds


@dataclass(frozen=True)
class Contour:
    """Energy and F0 of one recording, in frames of STEP seconds."""

    level: Array  # dB
    f0: Array  # Hz, 0 where unvoiced


def contour(samples: Array, sample_rate: int, f0: Array) -> Contour:
    """Return the energy contour beside an F0 contour that has a frame every STEP seconds."""
    band = band_passed(samples, sample_rate, *_BAND)
    hop = round(STEP * sample_rate)
    frames = len(band) // hop
    energy = np.square(band[: frames * hop]).reshape(frames, hop).mean(axis=1)
    width = round(4 * _SMOOTH)
    bell = np.exp(-0.5 * (np.arange(-width, width + 1) / _SMOOTH) ** 2)
    level = 10 * np.log10(np.convolve(energy, bell / bell.sum(), "same") + 1e-12)
    padded = np.zeros(frames)
    padded[: min(frames, len(f0))] = f0[:frames]
    return Contour(level, padded)


def band_passed(samples: Array, sample_rate: int, low: float, high: float, order: int = 8) -> Array:
    """Filter with the power response of a Butterworth filter at both edges and without delay."""
    padded = np.pad(samples, sample_rate // 4)
    frequency = np.fft.rfftfreq(len(padded), 1 / sample_rate)
    gain = 1 / (1 + (low / np.maximum(frequency, 1e-3)) ** order)
    gain /= 1 + (frequency / high) ** order
    filtered = np.fft.irfft(np.fft.rfft(padded) * gain, len(padded))
    return np.asarray(filtered[sample_rate // 4 :][: len(samples)])


def speaking(level: Array) -> Flags:
    """Return the frames of speech, including silences that are too short to be a pause."""
    loud = level > np.percentile(level, 97) - _RANGE
    for start, end in _runs(~loud):
        if start > 0 and end < len(level) and (end - start) * STEP < _PAUSE:
            loud[start:end] = True
    return np.asarray(loud)


def nuclei(of: Contour) -> NDArray[np.intp]:
    """Return the frames in which syllables peak."""
    peaks = _peaks(of.level, _DIP)
    peaks = peaks[of.level[peaks] > np.percentile(of.level, 97) - _RANGE]
    near = np.convolve(of.f0 > 0, np.ones(3), "same") > 0
    return np.asarray(peaks[near[peaks]])


def measure(contours: Sequence[Contour]) -> Prosody:
    """Measure the recordings or clips of one speaker together."""
    f0_spread, f0_slope = _pitch(contours)
    peaks = [nuclei(each) for each in contours]
    spoken = [speaking(each.level) for each in contours]
    seconds = STEP * sum(int(each.sum()) for each in spoken)
    pauses = [p for each in spoken for p in _pauses(each)]
    low, median, high = np.percentile(pauses, [16, 50, 84]) if len(pauses) > 1 else [math.nan] * 3
    return Prosody(
        f0_spread,
        f0_slope,
        _level_spread([each.level[p] for each, p in zip(contours, peaks, strict=True)], peaks),
        sum(map(len, peaks)) / seconds if seconds else math.nan,
        _npvi(peaks, spoken),
        float(median),
        float(high - low) / 2,
    )


def ratios(clone: Prosody, real: Prosody) -> dict[str, float]:
    """Return each measure of a clone divided by that of the person. The slope is a difference."""
    found = {}
    for name in (field.name for field in fields(Prosody)):
        ours, theirs = getattr(clone, name), getattr(real, name)
        if name == "f0_slope":
            found[name] = ours - theirs
        else:
            found[name] = ours / theirs if theirs else math.nan
    return found


def _pitch(contours: Sequence[Contour]) -> tuple[float, float]:
    voiced = np.concatenate([c.f0[c.f0 > 0] for c in contours])
    if len(voiced) < 40:
        return math.nan, math.nan
    centre = np.median(12 * np.log2(voiced))
    tones = 12 * np.log2(voiced) - centre
    spread = float(np.std(tones[np.abs(tones) < _FARTHEST]))
    slopes, weights = [], []
    for each in contours:
        for start, end in _runs(speaking(each.level)):
            f0 = each.f0[start:end]
            at = np.flatnonzero(f0 > 0)
            tones = 12 * np.log2(f0[at]) - centre
            at, tones = at[np.abs(tones) < _FARTHEST], tones[np.abs(tones) < _FARTHEST]
            if (end - start) * STEP >= _PHRASE and len(at) >= 30:
                slopes.append(np.polyfit(at * STEP, tones, 1)[0])
                weights.append(end - start)
    return spread, float(np.average(slopes, weights=weights)) if slopes else math.nan


def _level_spread(levels: Sequence[Array], peaks: Sequence[NDArray[np.intp]]) -> float:
    """Pool the variance within windows, so that the distance of a microphone does not count."""
    squares, freedom = 0.0, 0
    for level, at in zip(levels, peaks, strict=True):
        windows = (at * STEP / WINDOW).astype(int)
        for window in np.unique(windows):
            group = level[windows == window]
            squares += float(np.sum((group - group.mean()) ** 2))
            freedom += len(group) - 1
    return math.sqrt(squares / freedom) if freedom > 0 else math.nan


def _npvi(peaks: Sequence[NDArray[np.intp]], spoken: Sequence[Flags]) -> float:
    """Return the normalised pairwise variability index (Grabe and Low, 2002) of the intervals."""
    changes: list[float] = []
    for at, flags in zip(peaks, spoken, strict=True):
        for start, end in _runs(flags):
            intervals = np.diff(at[(at >= start) & (at < end)])
            means = (intervals[1:] + intervals[:-1]) / 2
            changes.extend(np.abs(np.diff(intervals)) / means)
    return 100 * float(np.mean(changes)) if changes else math.nan


def _peaks(level: Array, dip: float) -> NDArray[np.intp]:
    """Return the peaks between which the level falls and rises by at least `dip`."""
    found: list[int] = []
    rising, high, low = True, 0, 0  # frames of the latest extremes
    for frame, value in enumerate(level):
        high = frame if value > level[high] else high
        low = frame if value < level[low] else low
        if rising and value < level[high] - dip:
            found.append(high)
            rising, low = False, frame
        elif not rising and value > level[low] + dip:
            rising, high = True, frame
    return np.array(found, np.intp)


def _pauses(flags: Flags) -> list[float]:
    return [(e - s) * STEP for s, e in _runs(~flags) if s > 0 and e < len(flags)]


def _runs(flags: Flags) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]
