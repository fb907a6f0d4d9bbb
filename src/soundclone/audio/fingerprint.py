"""Acoustic fingerprints: find the speech that an excerpt was cut from.

A fingerprint is a set of landmarks (Wang, *An Industrial-Strength Audio Search Algorithm*, ISMIR
2003). A landmark is a pair of peaks of the spectrogram. The bands of both peaks and the time
between them make a hash. The time of the first peak is the position of the landmark. An excerpt
shares hashes with its source, all at the same distance in time. Peaks survive compression, filters,
noise and another gain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from .samples import Samples

RATE = 8000  # Hz
HOP = 128  # samples between two frames
STEP = HOP / RATE  # seconds between two frames
_WINDOW = 512  # samples
_BANDS = (16, 216)  # 250 to 3375 Hz, which telephones transmit
_BOX = (14, 12)  # bands and frames around a peak that are lower
_FLOOR = 45.0  # dB below the loudest band within _NEAR
_NEAR = 125  # frames
_FAN = 3  # pairs of each peak
_LONGEST = 63  # frames between the peaks of a pair
_WIDEST = 80  # bands between them
_BLOCK = 4096  # frames of a spectrogram in memory
_SHIFTS = 4  # starts of the first frame of an excerpt, in parts of a frame

Hashes = NDArray[np.int64]


@dataclass(frozen=True)
class Fingerprint:
    """Landmarks of a sound, in the order of time."""

    hashes: Hashes  # shape (n,), 22 bits
    frames: Hashes  # shape (n,), positions in steps of STEP

    def __len__(self) -> int:
        return len(self.hashes)


def fingerprint(samples: Samples, rate: int) -> Fingerprint:
    """Return the landmarks of mono samples, shape (n,), at `rate` Hz."""
    return _landmarks(_resample(samples, rate))


def excerpt_fingerprint(samples: Samples, rate: int) -> Fingerprint:
    """Return the landmarks of a sound that may be an excerpt.

    The frames of an excerpt lie between those of its source. So the landmarks are found for
    several starts of the first frame.
    """
    sound = _resample(samples, rate)
    found = [_landmarks(sound[HOP * shift // _SHIFTS :]) for shift in range(_SHIFTS)]
    pairs = np.unique(
        np.concatenate([each.frames << 32 | each.hashes for each in found])
        if found
        else np.zeros(0, np.int64)
    )
    return Fingerprint(pairs & 0xFFFFFFFF, pairs >> 32)


def _resample(samples: Samples, rate: int) -> Samples:
    mono = np.ascontiguousarray(samples, np.float32)
    resampled: Samples = soxr.resample(mono, rate, RATE, quality="HQ")
    return resampled


def _landmarks(samples: Samples) -> Fingerprint:
    frames, bands = _peaks(samples)
    order = np.lexsort((bands, frames))
    frames, bands = frames[order], bands[order]
    hashes, positions = [], []
    fan = np.zeros(len(frames), np.int64)
    # The distance to the next peaks in the order of time is all that a pair needs.
    for ahead in range(1, len(frames)):
        later, higher = frames[ahead:] - frames[:-ahead], bands[ahead:] - bands[:-ahead]
        if not len(later) or later.min() > _LONGEST or fan.min() >= _FAN:
            break
        fits = (later > 1) & (later <= _LONGEST) & (np.abs(higher) <= _WIDEST)
        fits &= fan[:-ahead] < _FAN
        first = np.flatnonzero(fits)
        fan[first] += 1
        hashes.append(bands[first] << 14 | bands[first + ahead] << 6 | later[first])
        positions.append(frames[first])
    if not hashes:
        return Fingerprint(np.zeros(0, np.int64), np.zeros(0, np.int64))
    where, what = np.concatenate(positions), np.concatenate(hashes)
    order = np.argsort(where, kind="stable")
    return Fingerprint(what[order], where[order])


def _spectrogram(samples: Samples) -> NDArray[np.float32]:
    """Return levels in dB, shape (bands, frames)."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::HOP]
    window = np.hanning(_WINDOW).astype(np.float32)
    spectrum = np.fft.rfft(frames * window, axis=1)[:, _BANDS[0] : _BANDS[1]]
    return (20 * np.log10(np.abs(spectrum) + 1e-9)).astype(np.float32).T


def _peaks(samples: Samples) -> tuple[Hashes, Hashes]:
    """Return frames and bands of the levels that are the highest of their box."""
    count = max((len(samples) - _WINDOW) // HOP + 1, 0)
    frames, bands = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for start in range(0, count, _BLOCK):
        # The frames beside a block decide which of its levels are peaks.
        first, last = max(start - _NEAR, 0), min(start + _BLOCK + _NEAR, count)
        level = _spectrogram(samples[first * HOP : (last - 1) * HOP + _WINDOW])
        highest = _around(_around(level, _BOX[0], 0), _BOX[1], 1)
        near = _around(level.max(0, keepdims=True), _NEAR, 1)
        found = np.nonzero((level >= highest) & (level > near - _FLOOR) & (level > -100))
        at = found[1].astype(np.int64) + first
        own = (at >= start) & (at < start + _BLOCK)
        frames.append(at[own])
        bands.append(found[0][own].astype(np.int64))
    return np.concatenate(frames), np.concatenate(bands)


def _around(level: NDArray[np.float32], reach: int, axis: int) -> NDArray[np.float32]:
    """Return the maximum of the levels up to `reach` before and after each one."""
    pad = [(0, 0), (0, 0)]
    pad[axis] = (reach, reach)
    padded = np.pad(level, pad, constant_values=-np.inf)
    # Each pass doubles the length of the window.
    length, width = 1, 2 * reach + 1
    while length < width:
        step = min(length, width - length)
        if axis:
            padded = np.maximum(padded[:, :-step], padded[:, step:])
        else:
            padded = np.maximum(padded[:-step], padded[step:])
        length += step
    return padded
