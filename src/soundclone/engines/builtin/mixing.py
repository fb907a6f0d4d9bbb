"""Mix pulses and noise by frequency, in the short-time Fourier domain."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ...audio.threads import map_in_threads
from . import excitation, postfilter

FFT, HOP = postfilter.FFT, postfilter.HOP  # samples; a frame is two of the vocoder's
_KNOTS = (0.0, 3000.0, 6000.0, 9000.0, 12000.0)  # Hz, where the noise's share is given
_LEAST, _MOST = -60.0, -1.2  # dB, limits of the noise's share at 3 kHz
_MOST_ANYWHERE = -0.1  # dB; the rest of the power belongs to the pulses
_SHARE_AT_6_KHZ = 0.4  # of the decibels at 3 kHz
_SILENT = -9.0  # log gain of a stream that is not used
_MOST_GAIN = 3.0  # nepers of the noise, after the correction
_BLOCK = 500  # frames in memory at once

Floats = NDArray[np.float32]


@cache
def _hann() -> Floats:
    return np.hanning(FFT + 1)[:-1].astype(np.float32)


@cache
def _between_knots() -> NDArray[np.float64]:
    """Return the matrix that interpolates bins linearly between knots: (knots, bins)."""
    bins = np.arange(FFT // 2 + 1) * excitation.RATE / FFT
    return np.array([np.interp(bins, _KNOTS, row) for row in np.eye(len(_KNOTS))])


def log_gains(
    aperiodicity: NDArray[np.float64], voiced: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Return the natural log gains of pulses and noise: each (T, FFT // 2 + 1).

    The sum of their powers is 1 in voiced frames. Unvoiced frames use the first stream alone.

    Args:
        aperiodicity: Share of the noise in dB at 3 kHz, (T,), HOP apart.
        voiced: True for voiced frames, (T,).
    """
    share = aperiodicity.clip(_LEAST, _MOST)[:, None]
    knots = [np.full_like(share, _LEAST), share, _SHARE_AT_6_KHZ * share, 0 * share, 0 * share]
    decibels = np.concatenate(knots, axis=1) @ _between_knots()
    noise = np.minimum(decibels, _MOST_ANYWHERE) * (np.log(10) / 20)
    pulses = 0.5 * np.log1p(-np.exp(2 * noise))
    return (
        np.where(voiced[:, None], pulses, 0).astype(np.float32),
        np.where(voiced[:, None], noise, _SILENT).astype(np.float32),
    )


def mixed(
    pulses: Floats,
    noise: Floats,
    aperiodicity: NDArray[np.float64],
    voiced: NDArray[np.bool_],
    rows: Floats | None = None,
) -> NDArray[np.float64]:
    """Return the sum of both streams, shape (n,), after the gains of `log_gains`.

    Args:
        pulses: Shape (n,).
        noise: Shape (n,).
        aperiodicity: As in `log_gains`; frame t is centred at sample t * HOP.
        voiced: True for voiced frames.
        rows: Inputs of the post-filter, which then corrects the gains: (T, postfilter.FEATURES).
    """
    count = len(voiced)
    spare = FFT // 2, FFT // 2 + HOP
    windows = [
        np.lib.stride_tricks.sliding_window_view(np.pad(stream, spare), FFT)[::HOP][:count]
        for stream in (pulses, noise)
    ]
    out = np.zeros((count + 2 * FFT // HOP, HOP), np.float32)
    weight = np.zeros_like(out)
    squared = (_hann() * _hann()).reshape(-1, HOP)
    reach = 0 if rows is None else postfilter.REACH

    def synthesised(first: int) -> Floats:
        """Return the samples of a block of frames, (frames, FFT // HOP, HOP)."""
        last = min(first + _BLOCK, count)
        around = slice(max(first - reach, 0), last + reach)
        inner = slice(first - around.start, last - around.start)
        gains = log_gains(aperiodicity[first:last], voiced[first:last])
        spectra = [np.fft.rfft(window[around] * _hann(), axis=1) for window in windows]
        if rows is not None:
            _correct(gains, spectra, inner, rows[around])
        spectrum = sum(
            each[inner] * np.exp(gain) for each, gain in zip(spectra, gains, strict=True)
        )
        block = np.fft.irfft(spectrum, FFT, axis=1) * _hann()
        return block.astype(np.float32).reshape(last - first, -1, HOP)

    starts = range(0, count, _BLOCK)
    for first, block in zip(starts, map_in_threads(synthesised, starts), strict=True):
        last = first + len(block)
        for k in range(FFT // HOP):
            out[first + k : last + k] += block[:, k]
            weight[first + k : last + k] += squared[k]
    samples = (out / np.maximum(weight, 1e-3)).ravel()
    return samples[FFT // 2 : FFT // 2 + len(pulses)].astype(np.float64)


def _correct(
    gains: tuple[Floats, Floats],
    spectra: list[NDArray[np.complex128]],
    inner: slice,
    rows: Floats,
) -> None:
    """Apply the post-filter to gains and to the phase of the pulses, in place."""
    bins = postfilter.BINS
    magnitude = np.abs(spectra[0][:, :bins]).astype(np.float32)
    change = postfilter.correction(rows, magnitude)
    gains[0][:, :bins] += change.pulses[inner]
    gains[1][:, :bins] += change.noise[inner]
    np.minimum(gains[1], _MOST_GAIN, out=gains[1])
    spectra[0][inner, :bins] *= np.exp(1j * change.phase[inner])
