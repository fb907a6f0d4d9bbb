"""Analyse speech into F0, spectral envelope and aperiodicity, and synthesise it.

The analysis is that of WORLD (Morise, Yokomori and Ozawa, 2016): StoneMask, CheapTrick and D4C,
with the F0 tracker of `audio.f0`. The synthesis sends pulses and noise through the envelope
(`excitation`), mixes them by the aperiodicity (`mixing`), and corrects the mix (`postfilter`). The
envelope is log power in mel bands. The level is its mean over the bands, and is separate.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyworld
from numpy.typing import NDArray

from ...audio import f0 as fundamental
from ...audio.threads import map_in_threads, run_beside
from . import excitation, mixing, postfilter

SAMPLE_RATE = 16_000  # Hz, of the analysis
OUTPUT_RATE = 24_000  # Hz, of the synthesis
HOP = 0.005  # seconds between frames
BANDS = 80
HIGH_BANDS = np.array([8500.0, 9250.0, 10000.0, 10750.0, 11500.0])  # Hz, of the extension

_FFT = 1024
_BLOCK = 2000  # frames whose spectra are in memory at once
_TINY = 1e-12  # power of digital silence

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Parameters:
    """Parameters of T frames of speech."""

    f0: Array  # (T,), Hz, 0 where unvoiced
    envelope: Array  # (T, BANDS), natural log of power, each row's mean removed
    level: Array  # (T,), that mean
    aperiodicity: Array  # (T, B), dB of the noise's share at 3, 6, … kHz, 0 is all noise

    @property
    def voiced(self) -> NDArray[np.bool_]:
        """True for voiced frames, (T,)."""
        return self.f0 > 0


@cache
def band_centres() -> Array:
    """Return the centres of the bands in Hz, evenly spaced on the mel scale."""
    top = 1127 * np.log1p(SAMPLE_RATE / 2 / 700)
    return np.asarray(700 * np.expm1(np.linspace(0, top, BANDS) / 1127))


def triangles(centres: Array, bins: Array) -> Array:
    """Return the weights of frequencies (N,) in bands around centres (M,): (N, M).

    The weights of a band sum to 1.
    """
    gaps = np.diff(centres)
    width = np.maximum(np.append(gaps, gaps[-1]), bins[1])
    weights = (1 - np.abs(bins[:, None] - centres) / width).clip(0)
    return np.asarray(weights / weights.sum(axis=0))


@cache
def _to_bands() -> Array:
    return triangles(band_centres(), np.arange(_FFT // 2 + 1) * SAMPLE_RATE / _FFT)


@cache
def basis(size: int) -> Array:
    """Return the matrix that interpolates between bands: (bands, size // 2 + 1).

    `size` is the number of samples of the transform, at OUTPUT_RATE.
    """
    bins = np.arange(size // 2 + 1) * OUTPUT_RATE / size
    centres = np.concatenate([band_centres(), HIGH_BANDS])
    return np.array([np.interp(bins, centres, row) for row in np.eye(len(centres))])


@cache
def _extension() -> Array:
    """Return the matrices that predict the M high bands, voiced and unvoiced: (2, BANDS + 1, M).

    Their input is an envelope followed by a 1.
    """
    with np.load(Path(__file__).parent / "weights" / "extension.npz") as file:
        return np.asarray(file["matrix"], np.float64)


def analyse(
    samples: Array, unvoiced: float = fundamental.NOISY, *, aperiodic: bool = True
) -> Parameters:
    """Return the parameters of samples at SAMPLE_RATE, shape (n,). Frame t is centred at t * HOP.

    The aperiodicity is measured in every second frame, which the frames after them repeat. The
    synthesis uses every second frame, and D4C takes longer than the rest of the analysis.

    Args:
        samples: Mono samples.
        unvoiced: f0.NOISY or f0.CLEAN.
        aperiodic: False leaves the aperiodicity at 0 dB, which saves .01 CPU seconds a second.
    """
    samples = np.ascontiguousarray(samples, np.float64)
    coarse = fundamental.track(samples, SAMPLE_RATE, HOP, unvoiced)
    times = np.arange(len(coarse)) * HOP

    def corrected(start: int) -> Array:
        frames = coarse[start : start + _BLOCK], times[start : start + _BLOCK], SAMPLE_RATE
        return np.asarray(pyworld.stonemask(samples, *frames))

    starts = range(0, len(coarse), _BLOCK)
    f0 = np.concatenate(map_in_threads(corrected, starts))

    def bands(start: int) -> Array:
        frames = f0[start : start + _BLOCK], times[start : start + _BLOCK], SAMPLE_RATE
        spectrum = pyworld.cheaptrick(samples, *frames, fft_size=_FFT)
        return np.asarray(np.log(spectrum.clip(_TINY)) @ _to_bands())

    def noise(start: int) -> Array:
        block = slice(start, start + _BLOCK, 2)
        frames = np.ascontiguousarray(f0[block]), np.ascontiguousarray(times[block]), SAMPLE_RATE
        share = pyworld.d4c(samples, *frames, fft_size=_FFT)
        coded = np.asarray(pyworld.code_aperiodicity(share, SAMPLE_RATE))
        return coded.repeat(2, axis=0)[: len(f0) - start]

    work = [(measure, start) for measure in (noise, bands)[not aperiodic :] for start in starts]
    parts = map_in_threads(lambda item: item[0](item[1]), work)
    envelope = np.concatenate(parts[-len(starts) :])
    level = envelope.mean(axis=1)
    return Parameters(
        f0=f0,
        envelope=envelope - level[:, None],
        level=level,
        aperiodicity=np.concatenate(parts[: len(starts)]) if aperiodic else np.zeros((len(f0), 1)),
    )


def output_bands(parameters: Parameters) -> Array:
    """Return the log power in all bands at OUTPUT_RATE: (T, BANDS + high bands).

    The bands above 8 kHz are predicted from the envelope.
    """
    voiced = parameters.voiced
    rows = np.concatenate([parameters.envelope, np.ones((len(voiced), 1))], axis=1)
    high = np.where(voiced[:, None], *(rows @ matrix for matrix in _extension()))
    level = parameters.level[:, None] + np.log(OUTPUT_RATE / SAMPLE_RATE)  # of power, per bin
    return np.asarray(np.concatenate([parameters.envelope, high], axis=1) + level)


@cache
def _pulse_matrix() -> NDArray[np.float32]:
    return excitation.pulse_matrix(basis(excitation.PULSE_FFT))


@cache
def _noise_basis() -> NDArray[np.float32]:
    return (basis(excitation.NOISE_FFT) / 2).astype(np.float32)


def streams(
    parameters: Parameters, seed: int = excitation.SEED
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return pulses, with noise where unvoiced, and noise everywhere: (n,) at OUTPUT_RATE."""
    bands = output_bands(parameters).astype(np.float32)
    noise, pulses = run_beside(
        lambda: excitation.noise(bands, _noise_basis(), seed),
        lambda: excitation.pulses(parameters.f0, bands, _pulse_matrix()),
    )
    position = np.arange(len(noise)) / excitation.STEP
    voiced = np.interp(position, np.arange(len(bands)), parameters.voiced.astype(float))
    return pulses + np.where(voiced > 0.5, np.float32(0), noise), noise


def synthesise(parameters: Parameters, *, filtered: bool = True) -> Array:
    """Return samples at OUTPUT_RATE. Frame t is centred at t * HOP.

    The bands above 8 kHz are predicted from the envelope. There, voiced sounds are noise, as in
    WORLD at 16 kHz.

    Args:
        parameters: T frames.
        filtered: False leaves out the post-filter.
    """
    envelope, level, f0 = (p[::2] for p in (parameters.envelope, parameters.level, parameters.f0))
    aperiodicity = parameters.aperiodicity[::2, 0]
    rows = postfilter.inputs(envelope, level, f0, aperiodicity) if filtered else None
    return mixing.mixed(*streams(parameters), aperiodicity, f0 > 0, rows)
