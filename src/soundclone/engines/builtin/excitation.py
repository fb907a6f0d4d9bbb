"""Make the two streams of the vocoder: pulses and noise, both through the envelope.

A pulse has minimum phase. That phase is a linear function of the log spectrum, so one matrix yields
both from the bands, and a pulse costs a single transform.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

RATE = 24_000  # Hz
STEP = 120  # samples between frames
PULSE_FFT = 1024
_BEFORE = 64  # samples of a response before its pulse
_PULSES = 256  # in memory at once
NOISE_FFT = 512
_LOWEST_NOISE = 200.0  # Hz, below which noise fades out
SEED = 20_260


def pulse_matrix(basis: NDArray[np.float64]) -> Floats:
    """Return the map from bands to log amplitude and phase of a minimum-phase pulse.

    Args:
        basis: Map from log power in bands to log power of the bins: (bands, bins).

    Returns:
        Shape (bands, 2 * bins): amplitudes, then phases.
    """
    amplitude = basis / 2
    cepstrum = np.fft.irfft(amplitude, PULSE_FFT, axis=1)
    cepstrum[:, 1 : PULSE_FFT // 2] *= 2
    cepstrum[:, PULSE_FFT // 2 + 1 :] = 0
    phase = np.fft.rfft(cepstrum, axis=1).imag
    return np.concatenate([amplitude, phase], axis=1).astype(np.float32)


def pulse_times(f0: NDArray[np.float64], count: int) -> tuple[NDArray[np.float64], Floats]:
    """Return times in samples of the pulses of voiced frames, and the periods in samples."""
    frames = np.arange(len(f0))
    voiced = f0 > 0
    if not voiced.any():
        return np.zeros(0), np.zeros(0, np.float32)
    position = np.arange(count) / STEP
    filled = np.interp(frames, frames[voiced], f0[voiced])
    rate = np.interp(position, frames, filled) / RATE
    sounding = np.interp(position, frames, voiced.astype(float)) > 0.5
    phase = np.cumsum(np.where(sounding, rate, 0.0))
    # A pulse falls where the phase passes a whole number.
    index = np.flatnonzero(np.diff(np.floor(phase), prepend=0.0) > 0)
    late = (phase[index] - np.floor(phase[index])) / rate[index]
    return index - late, (1 / rate[index]).astype(np.float32)


def pulses(f0: NDArray[np.float64], bands: Floats, matrix: Floats) -> Floats:
    """Return pulses through the envelope, silent where unvoiced, at RATE.

    Args:
        f0: Hz, 0 where unvoiced: (T,), STEP apart.
        bands: Natural log power: (T, bands).
        matrix: Result of `pulse_matrix`.
    """
    count = (len(f0) - 1) * STEP + 1
    times, periods = pulse_times(f0, count)
    out = np.zeros(count + 2 * PULSE_FFT, np.float32)
    half = matrix.shape[1] // 2
    bins = np.arange(half, dtype=np.float32) * (2 * np.pi / PULSE_FFT)
    remover = np.hanning(PULSE_FFT).astype(np.float32)
    remover /= remover.sum()
    for first in range(0, len(times), _PULSES):
        at, period = times[first : first + _PULSES], periods[first : first + _PULSES]
        place = (at / STEP).clip(0, len(f0) - 1)
        below = place.astype(int)
        share = (place - below).astype(np.float32)[:, None]
        rows = bands[below] * (1 - share) + bands[np.minimum(below + 1, len(f0) - 1)] * share
        spectrum = rows @ matrix
        whole = np.floor(at).astype(int)
        delay = (at - whole + _BEFORE).astype(np.float32)[:, None]
        gain = np.exp(spectrum[:, :half]) * np.sqrt(period)[:, None]
        angle = spectrum[:, half:] - delay * bins
        response = np.fft.irfft(gain * (np.cos(angle) + 1j * np.sin(angle)), PULSE_FFT, axis=1)
        response -= response.sum(axis=1, keepdims=True) * remover
        for start, row in zip(whole + PULSE_FFT - _BEFORE, response, strict=True):
            out[start : start + PULSE_FFT] += row
    return out[PULSE_FFT : PULSE_FFT + count]


def noise(bands: Floats, basis: Floats, seed: int = SEED) -> Floats:
    """Return white noise through the envelope, for log power `bands` (T, bands) STEP apart."""
    count = len(bands)
    white = np.random.default_rng(seed).standard_normal((count + 1) * STEP, np.float32)
    window = np.hanning(2 * STEP + 1)[:-1].astype(np.float32)
    out = np.zeros((count + 1) * STEP + NOISE_FFT, np.float32)
    left = (NOISE_FFT - 2 * STEP) // 2
    rumble = (np.arange(NOISE_FFT // 2 + 1) * RATE / NOISE_FFT / _LOWEST_NOISE).clip(0, 1)
    rumble = rumble.astype(np.float32)
    for first in range(0, count, 4 * _PULSES):
        rows = bands[first : first + 4 * _PULSES]
        gain = np.exp(rows @ basis) * rumble
        views = np.lib.stride_tricks.sliding_window_view(white[first * STEP :], 2 * STEP)[::STEP]
        frames = np.zeros((len(rows), NOISE_FFT), np.float32)
        frames[:, left : left + 2 * STEP] = views[: len(rows)] * window
        shaped = np.fft.irfft(np.fft.rfft(frames, axis=1) * gain, NOISE_FFT, axis=1)
        for number, row in enumerate(shaped):
            start = (first + number) * STEP
            out[start : start + NOISE_FFT] += row
    begin = left + STEP
    return out[begin : begin + (count - 1) * STEP + 1]
