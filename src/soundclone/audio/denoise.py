"""Reduction of steady noise.

Ephraim and Malah, "Speech enhancement using a minimum mean-square error log-spectral amplitude
estimator", IEEE Transactions on Acoustics, Speech, and Signal Processing 33 (1985), with their
decision-directed estimate of the signal-to-noise ratio.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .samples import Samples

Array = NDArray[np.float64]

_FRAME = 0.032  # seconds, rounded to a power of two of samples
_QUIET = 0.1  # share of the frames, the quietest, that are assumed to be noise
_MEMORY = 0.98  # weight of the previous frame in the estimate
_LEAST_PRIOR = 10 ** (-25 / 10)
_DEEPEST = 10 ** (-10 / 20)  # lowest gain; more reduction causes audible artefacts
_PIECE = 200  # frames processed at a time
_SILENCE = 1e-12  # of the loudest frame's energy; digital silence is not noise


def denoise(samples: Samples, rate: int) -> Samples:
    """Return mono samples, shape (n,), with steady noise reduced by up to 10 dB."""
    size = 1 << round(np.log2(_FRAME * rate))
    hop = size // 4
    window = np.sqrt(np.hanning(size + 1)[:-1])
    padded = np.pad(samples, (size, 2 * size))
    frames = sliding_window_view(padded, size)[::hop]
    noise = _noise(frames, window)
    out = np.zeros(len(padded), np.float32)
    before = np.ones_like(noise)
    for at in range(0, len(frames), _PIECE):
        spectra = np.fft.rfft(frames[at : at + _PIECE] * window)
        gains = _gains(np.abs(spectra) ** 2 / noise, before)
        for index, frame in enumerate(np.fft.irfft(spectra * gains, size) * window, start=at):
            out[index * hop : index * hop + size] += frame
    return np.asarray(out[size : size + len(samples)] / 2, np.float32)


def _noise(frames: Samples, window: Array) -> Array:
    """Return the mean power of the quietest frames, smoothed over five bins: (bins,)."""
    energy = np.array([np.square(frame, dtype=np.float64).sum() for frame in frames])
    sounding = np.flatnonzero(energy > _SILENCE * energy.max(initial=0.0))
    if not len(sounding):
        return np.ones(len(window) // 2 + 1)
    count = max(4, round(_QUIET * len(sounding)))
    quietest = sounding[np.argsort(energy[sounding])[:count]]
    power = np.zeros(len(window) // 2 + 1)
    for index in quietest:
        power += np.abs(np.fft.rfft(frames[index] * window)) ** 2
    return np.asarray(
        np.convolve(np.pad(power / len(quietest), 2, mode="edge"), np.full(5, 0.2), "valid") + 1e-12
    )


def _gains(ratios: Array, before: Array) -> Array:
    """Return the factors to multiply the amplitudes by, (frames, bins).

    Args:
        ratios: Power divided by the power of the noise, (frames, bins).
        before: Estimate of the speech in the frame before, (bins,), updated in place.
    """
    at, values = _half_exponential_integral()
    gains = np.empty_like(ratios)
    for index, ratio in enumerate(np.minimum(ratios, 1e3)):
        prior = _MEMORY * before + (1 - _MEMORY) * np.maximum(ratio - 1, 0)
        share = np.maximum(prior, _LEAST_PRIOR)
        share /= 1 + share
        gain = share * np.interp(np.log(np.maximum(share * ratio, 1e-6)), at, values)
        gains[index] = np.clip(gain, _DEEPEST, 1)
        before[:] = gains[index] ** 2 * ratio
    return gains


@cache
def _half_exponential_integral() -> tuple[Array, Array]:
    """Return values of log v and exp(E1(v) / 2) there, where E1 is the exponential integral."""
    logs = np.linspace(np.log(1e-8), np.log(1e3), 20_000)
    density = np.exp(-np.exp(logs))  # exp(-t) / t as a function of log t
    sums = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(logs))])
    at = np.linspace(np.log(1e-6), np.log(100.0), 400)
    return at, np.exp((sums[-1] - np.interp(at, logs, sums)) / 2)
