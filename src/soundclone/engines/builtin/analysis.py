"""Everything that is measured of a piece of speech, the reference's and the source's alike."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import soxr
from numpy.typing import NDArray

from ...audio import f0
from . import acoustics, vocoder
from .vocoder import Array, Parameters

LEVEL = 10 ** (-23 / 20)  # root mean square that speech is brought to before anything else
_ACTIVE = 32.0  # dB below the loud frames (their 97th percentile) that still count as speech
_F0_SPREAD = 0.45  # of natural log F0 around its median; what lies outside is an octave error


@dataclass(frozen=True)
class Analysis:
    """T frames of speech, vocoder.HOP apart."""

    parameters: Parameters
    posteriors: NDArray[np.float32]  # ((T + 1) // 2, states), acoustics.HOP apart
    active: NDArray[np.bool_]  # (T,), neither pause nor noise


def analyse(
    samples: Array, sample_rate: int, phones: tuple[tuple[float, str], ...] | None = None
) -> Analysis:
    """Measure speech at any sampling rate; `phones` are what espeak-ng says that it said."""
    samples = np.asarray(soxr.resample(samples, sample_rate, vocoder.SAMPLE_RATE), np.float64)
    samples = samples * (LEVEL / np.sqrt(np.mean(samples**2) + 1e-12))
    parameters = vocoder.analyse(samples, f0.NOISY if phones is None else f0.CLEAN)
    loud = active(parameters)
    # Pauses must not count: brought to LEVEL is the speech, not the recording.
    power = np.exp(parameters.envelope + parameters.level[:, None]).mean(axis=1)
    excess = np.log(power[loud].mean() / power.mean())
    parameters = replace(parameters, level=parameters.level - excess)
    scores = acoustics.log_likelihoods(samples)
    prior = None if phones is None else acoustics.label_prior(phones, len(scores))
    # Both hops are centred at zero, and every second frame of the vocoder meets one of these.
    count = (len(parameters.f0) + 1) // 2
    states = acoustics.posteriors(scores, prior)[:count]
    return Analysis(
        parameters=parameters,
        posteriors=np.pad(states, ((0, count - len(states)), (0, 0)), mode="edge"),
        active=loud,
    )


def doubled(rows: Array, count: int) -> Array:
    """Rows acoustics.HOP apart, interpolated to `count` rows vocoder.HOP apart."""
    position = (np.arange(count) / 2).clip(0, len(rows) - 1)
    below = position.astype(int)
    above = (below + 1).clip(0, len(rows) - 1)
    share = (position - below)[:, None]
    return np.asarray(rows[below] * (1 - share) + rows[above] * share)


def active(parameters: Parameters) -> NDArray[np.bool_]:
    """Which frames are loud enough to be speech: (T,)."""
    power = np.exp(parameters.envelope + parameters.level[:, None])
    energy = 10 * np.log10(power.mean(axis=1))
    return np.asarray(energy > np.percentile(energy, 97) - _ACTIVE)


def f0_statistics(f0: Array) -> tuple[float, float]:
    """Mean and standard deviation of natural log F0 over voiced frames, octave errors left out."""
    logs = np.log(f0[f0 > 0])
    centre = np.median(logs)
    for _ in range(3):
        kept = logs[np.abs(logs - centre) < _F0_SPREAD]
        if kept.size == 0:
            return float(centre), 0.1
        centre = kept.mean()
    return float(centre), float(kept.std())
