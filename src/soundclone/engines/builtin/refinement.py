"""Correct the envelopes of a recording until their synthesis has its spectrum.

A synthesis from the analysed parameters deviates from the recording. Each round compares the powers
of both around each band, and moves the envelope towards the recording.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import soxr
from numpy.typing import NDArray

from ...audio.threads import map_in_threads
from . import vocoder
from .vocoder import Array, Parameters

Floats = NDArray[np.float32]

_ROUNDS, _SHARE = 2, 0.8  # share of the difference that a round removes
_SMOOTHED = 11  # frames; the power of a single frame is too random to follow
_LARGEST_STEP = 2.0  # of natural log power
_LOWEST = 0.7  # of F0; bands below have no harmonic, only rumble
_HIGHEST = 76  # band; those above fade out towards 8 kHz in the resampled recording
_FLOOR = 1e-4  # of power of a frame's spectrum, which keeps digital silence from being followed
_FFT = 1024
_NARROWEST = 100.0  # Hz, range of a band
_BLOCK = 500  # frames whose spectra are in memory at once


def refined(parameters: Parameters, samples: Array) -> Parameters:
    """Return parameters whose synthesis is closer to `samples`, which they were measured from.

    Args:
        parameters: Result of `vocoder.analyse`.
        samples: At vocoder.SAMPLE_RATE, shape (n,).
    """
    wanted = _powers(
        soxr.resample(samples, vocoder.SAMPLE_RATE, vocoder.OUTPUT_RATE), parameters.f0
    )
    frames = len(parameters.f0)
    kept = vocoder.band_centres() < _LOWEST * parameters.f0[:, None]
    for _ in range(_ROUNDS):
        made = _powers(vocoder.synthesise(parameters), parameters.f0)
        count = min(frames, len(made), len(wanted))
        ratio = np.log((wanted[:count] + _FLOOR) / (made[:count] + _FLOOR))
        step = _smoothed(ratio).clip(-_LARGEST_STEP, _LARGEST_STEP)
        step[:, _HIGHEST:] = step[:, _HIGHEST - 1 : _HIGHEST]
        step = np.where(kept[:count], np.float32(0), np.float32(_SHARE) * step)
        bands = parameters.envelope + parameters.level[:, None]
        bands[:count] += step
        level = bands.mean(axis=1)
        parameters = replace(parameters, envelope=bands - level[:, None], level=level)
    return parameters


def _powers(samples: Array, f0: Array) -> Floats:
    """Return the mean power around each band of samples at OUTPUT_RATE: (T, BANDS).

    The range of a band spans F0 at least. It always holds one harmonic, so that the powers do not
    depend on the distance of the band from a harmonic.
    """
    hop = round(vocoder.HOP * vocoder.OUTPUT_RATE)
    padded = np.pad(samples.astype(np.float32), _FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::hop][: len(f0)]
    window = np.hanning(_FFT + 1)[:-1].astype(np.float32)
    centres = vocoder.band_centres()
    unit = vocoder.OUTPUT_RATE / _FFT

    def powers(start: int) -> Floats:
        part = frames[start : start + _BLOCK]
        harmonics = f0[start : start + len(part), None]
        widths = np.maximum(np.gradient(centres), harmonics).clip(_NARROWEST)
        low, high = (
            (edge / unit + 0.5).clip(0, _FFT // 2)
            for edge in (centres - widths / 2, centres + widths / 2)
        )
        power = np.abs(np.fft.rfft(part * window, axis=1)) ** 2
        sums = np.pad(power.cumsum(axis=1, dtype=np.float64), ((0, 0), (1, 0)))
        return np.asarray((_at(sums, high) - _at(sums, low)) / (high - low), np.float32)

    return np.concatenate(map_in_threads(powers, range(0, len(frames), _BLOCK)))


def _at(rows: Array, positions: Array) -> Array:
    """Interpolate each row at its own positions."""
    below = positions.astype(int)
    share = positions - below
    first = np.take_along_axis(rows, below, axis=1)
    return np.asarray(first + share * (np.take_along_axis(rows, below + 1, axis=1) - first))


def _smoothed(rows: Floats) -> Floats:
    """Return the mean of each column over _SMOOTHED frames. The ends are repeated."""
    half = _SMOOTHED // 2
    padded = np.pad(rows, ((half, half), (0, 0)), mode="edge")
    total = padded[: len(rows)].copy()
    for offset in range(1, _SMOOTHED):
        total += padded[offset : offset + len(rows)]
    return total / np.float32(_SMOOTHED)
