"""Speech as F0, spectral envelope and aperiodicity, and back.

The vocoder is WORLD (Morise, Yokomori and Ozawa, 2016): DIO with StoneMask, CheapTrick, D4C. The
envelope is kept as log power in mel bands, its mean over the bands apart as the level.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyworld
from numpy.typing import NDArray

SAMPLE_RATE = 16_000  # Hz
HOP = 0.005  # seconds between frames
BANDS = 80
F0_RANGE = (60.0, 500.0)  # Hz, looked for

_FFT = 1024
_TINY = 1e-12  # power that stands for digital silence

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Parameters:
    """T frames of speech."""

    f0: Array  # (T,), Hz, 0 where unvoiced
    envelope: Array  # (T, BANDS), natural log of power, each row's mean removed
    level: Array  # (T,), that mean
    aperiodicity: Array  # (T, B), dB of the noise's share at 3, 6, … kHz, 0 is all noise

    @property
    def voiced(self) -> NDArray[np.bool_]:
        return self.f0 > 0


@cache
def band_centres() -> Array:
    """Centres of the bands in Hz, even on the mel scale from 0 to half the sampling rate."""
    top = 1127 * np.log1p(SAMPLE_RATE / 2 / 700)
    return np.asarray(700 * np.expm1(np.linspace(0, top, BANDS) / 1127))


@cache
def _to_bands() -> Array:
    """Triangles of weight 1 around each centre, at least a bin wide: (bins, BANDS)."""
    centres = band_centres()
    step = SAMPLE_RATE / _FFT
    gaps = np.diff(centres)
    width = np.maximum(np.append(gaps, gaps[-1]), step)
    bins = np.arange(_FFT // 2 + 1)[:, None] * step
    triangles = (1 - np.abs(bins - centres) / width).clip(0)
    return np.asarray(triangles / triangles.sum(axis=0))


@cache
def _from_bands() -> Array:
    """Linear interpolation between centres: (BANDS, bins)."""
    bins = np.arange(_FFT // 2 + 1) * SAMPLE_RATE / _FFT
    return np.array([np.interp(bins, band_centres(), row) for row in np.eye(BANDS)])


def analyse(samples: Array) -> Parameters:
    """Parameters of samples at SAMPLE_RATE, shape (n,); frame t is centred at t * HOP."""
    samples = np.ascontiguousarray(samples, np.float64)
    milliseconds = 1000 * HOP
    f0, times = pyworld.dio(samples, SAMPLE_RATE, *F0_RANGE, frame_period=milliseconds)
    f0 = pyworld.stonemask(samples, f0, times, SAMPLE_RATE)
    spectrum = pyworld.cheaptrick(samples, f0, times, SAMPLE_RATE, fft_size=_FFT)
    noise = pyworld.d4c(samples, f0, times, SAMPLE_RATE, fft_size=_FFT)
    bands = np.log(spectrum.clip(_TINY)) @ _to_bands()
    level = bands.mean(axis=1)
    return Parameters(
        f0=f0,
        envelope=bands - level[:, None],
        level=level,
        aperiodicity=pyworld.code_aperiodicity(noise, SAMPLE_RATE),
    )


def synthesise(parameters: Parameters) -> Array:
    """Samples at SAMPLE_RATE."""
    log_power = (parameters.envelope + parameters.level[:, None]) @ _from_bands()
    coded = np.where(parameters.voiced[:, None], parameters.aperiodicity.clip(-60, 0), 0.0)
    noise = pyworld.decode_aperiodicity(np.ascontiguousarray(coded), SAMPLE_RATE, _FFT)
    return np.asarray(
        pyworld.synthesize(
            np.ascontiguousarray(parameters.f0),
            np.exp(log_power),
            noise,
            SAMPLE_RATE,
            1000 * HOP,
        )
    )
