"""Faint noise of a quiet room, which is heard in pauses instead of digital silence."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..audio.loudness import TARGET
from ..engines.protocol import Samples

LEVEL = -67.0  # dBFS, beside speech at the target loudness
_LOOP = 1 << 17  # samples until the noise repeats
_LOWEST = 75.0  # Hz, below which there is no rumble
_EVEN, _BRIGHT = 200.0, 4000.0  # Hz: the spectrum falls above the first, and faster above the other


def add_room_tone(samples: Samples, sample_rate: int, seed: int, loudness: float) -> Samples:
    """Add room tone to speech and its pauses.

    Args:
        samples: Shape (n,).
        sample_rate: Hz.
        seed: Noise to choose.
        loudness: Of the speech in LUFS; minus infinity leaves the room tone at LEVEL.
    """
    gain = 10 ** ((loudness - TARGET) / 20) if np.isfinite(loudness) else 1.0
    tone = room_tone(len(samples), sample_rate, seed)
    return np.asarray(samples + np.float32(gain) * tone, np.float32)


def room_tone(count: int, sample_rate: int, seed: int) -> Samples:
    """Return `count` samples of room tone at LEVEL."""
    return np.resize(_loop(sample_rate, seed), count)


@lru_cache(maxsize=4)
def _loop(sample_rate: int, seed: int) -> Samples:
    """Return noise whose end continues at its beginning."""
    random = np.random.default_rng([seed, sample_rate])
    spectrum = np.fft.rfft(random.standard_normal(_LOOP))
    hertz = np.fft.rfftfreq(_LOOP, 1 / sample_rate)
    power = 1 / (1 + hertz / _EVEN) / (1 + (hertz / _BRIGHT) ** 2)
    spectrum *= np.sqrt(power) * np.clip((hertz - _LOWEST) / _LOWEST, 0, 1)
    noise = np.fft.irfft(spectrum, _LOOP)
    gain = 10 ** (LEVEL / 20) / np.sqrt(np.mean(noise**2))
    return np.asarray(noise * gain, np.float32)
