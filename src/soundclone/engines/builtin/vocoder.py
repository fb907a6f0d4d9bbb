"""Speech as F0, spectral envelope and aperiodicity, and back.

The vocoder is WORLD (Morise, Yokomori and Ozawa, 2016): StoneMask, CheapTrick, D4C, after an F0
tracker of our own. The envelope is kept as log power in mel bands, its mean over the bands apart
as the level.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyworld
from numpy.typing import NDArray

from ...audio import f0 as fundamental

SAMPLE_RATE = 16_000  # Hz, of what is analysed
OUTPUT_RATE = 24_000  # Hz, of what is synthesised
HOP = 0.005  # seconds between frames
BANDS = 80
HIGH_BANDS = np.array([8500.0, 9250.0, 10000.0, 10750.0, 11500.0])  # Hz, of the extension

_FFT = 1024
_BLOCK = 2000  # frames whose spectra are held at once
_LEAST_PERIODIC = -1.2  # dB; WORLD takes a frame above about -1 for unvoiced
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


def triangles(centres: Array, bins: Array) -> Array:
    """Weights of frequencies (N,) in bands around centres (M,), each summing to 1: (N, M)."""
    gaps = np.diff(centres)
    width = np.maximum(np.append(gaps, gaps[-1]), bins[1])
    weights = (1 - np.abs(bins[:, None] - centres) / width).clip(0)
    return np.asarray(weights / weights.sum(axis=0))


@cache
def _to_bands() -> Array:
    return triangles(band_centres(), np.arange(_FFT // 2 + 1) * SAMPLE_RATE / _FFT)


@cache
def _from_bands() -> Array:
    """Linear interpolation between the centres below and above: (bands, bins)."""
    bins = np.arange(_FFT // 2 + 1) * OUTPUT_RATE / _FFT
    centres = np.concatenate([band_centres(), HIGH_BANDS])
    return np.array([np.interp(bins, centres, row) for row in np.eye(len(centres))])


@cache
def _extension() -> Array:
    """From an envelope and a 1 to the bands above it, voiced and unvoiced: (2, BANDS + 1, M)."""
    with np.load(Path(__file__).parent / "weights" / "extension.npz") as file:
        return np.asarray(file["matrix"], np.float64)


def analyse(samples: Array, unvoiced: float = fundamental.NOISY) -> Parameters:
    """Parameters of samples at SAMPLE_RATE, shape (n,); frame t is centred at t * HOP.

    `unvoiced` is f0.NOISY or f0.CLEAN.
    """
    samples = np.ascontiguousarray(samples, np.float64)
    coarse = fundamental.track(samples, SAMPLE_RATE, HOP, unvoiced)
    times = np.arange(len(coarse)) * HOP
    f0 = pyworld.stonemask(samples, coarse, times, SAMPLE_RATE)
    bands, coded = [], []
    for start in range(0, len(f0), _BLOCK):
        frames = f0[start : start + _BLOCK], times[start : start + _BLOCK], SAMPLE_RATE
        spectrum = pyworld.cheaptrick(samples, *frames, fft_size=_FFT)
        bands.append(np.log(spectrum.clip(_TINY)) @ _to_bands())
        noise = pyworld.d4c(samples, *frames, fft_size=_FFT)
        coded.append(pyworld.code_aperiodicity(noise, SAMPLE_RATE))
    envelope = np.concatenate(bands)
    level = envelope.mean(axis=1)
    return Parameters(
        f0=f0,
        envelope=envelope - level[:, None],
        level=level,
        aperiodicity=np.concatenate(coded),
    )


def synthesise(parameters: Parameters) -> Array:
    """Samples at OUTPUT_RATE; the band above that of the parameters is what usually goes with it.

    The aperiodicity at 3 kHz falls to none at 8 kHz, as WORLD has it at 16 kHz.
    """
    voiced = parameters.voiced
    rows = np.concatenate([parameters.envelope, np.ones((len(voiced), 1))], axis=1)
    high = np.where(voiced[:, None], *(rows @ matrix for matrix in _extension()))
    bands = np.concatenate([parameters.envelope, high], axis=1) + parameters.level[:, None]
    coded = parameters.aperiodicity.clip(-60, _LEAST_PERIODIC) * [1.0, 0.4, 0.0]
    noise = pyworld.decode_aperiodicity(np.where(voiced[:, None], coded, 0.0), OUTPUT_RATE, _FFT)
    return np.asarray(
        pyworld.synthesize(
            np.ascontiguousarray(parameters.f0),
            np.exp(bands @ _from_bands()) * (OUTPUT_RATE / SAMPLE_RATE),  # of power, per bin
            noise,
            OUTPUT_RATE,
            1000 * HOP,
        )
    )
