"""Measure speech, both of the reference and of the source."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import soxr
from numpy.typing import NDArray

from ...audio import f0
from ...audio.threads import run_beside
from . import acoustics, refinement, vocoder
from .vocoder import Array, Parameters

LEVEL = 10 ** (-23 / 20)  # root mean square that speech is normalised to first
_ACTIVE = 32.0  # dB below the 97th percentile; louder frames are speech
_F0_SPREAD = 0.45  # of natural log F0 around its median; values outside are octave errors


@dataclass(frozen=True)
class Analysis:
    """Measurements of T frames of speech, vocoder.HOP apart."""

    parameters: Parameters
    posteriors: NDArray[np.float32]  # ((T + 1) // 2, states), acoustics.HOP apart
    active: NDArray[np.bool_]  # (T,), True for frames of speech


def analyse(
    samples: Array, sample_rate: int, phones: tuple[tuple[float, str], ...] | None = None
) -> Analysis:
    """Measure speech.

    Args:
        samples: Shape (n,).
        sample_rate: Hz.
        phones: Start in seconds and IPA symbol of each phone, if espeak-ng made the speech.
    """
    samples = np.asarray(soxr.resample(samples, sample_rate, vocoder.SAMPLE_RATE), np.float64)
    samples = samples * (LEVEL / np.sqrt(np.mean(samples**2) + 1e-12))
    parameters, posteriors = run_beside(
        lambda: _parameters(samples, recorded=phones is None),
        lambda: _posteriors(samples, phones),
    )
    loud = active(parameters)
    if phones is None:
        parameters = refinement.refined(parameters, samples)
    # LEVEL is that of the speech, so pauses must not count.
    power = np.exp(parameters.envelope + parameters.level[:, None]).mean(axis=1)
    excess = np.log(power[loud].mean() / power.mean())
    parameters = replace(parameters, level=parameters.level - excess)
    # Both kinds of frames start at zero, so every second vocoder frame coincides with one.
    count = (len(parameters.f0) + 1) // 2
    states = posteriors[:count]
    return Analysis(
        parameters=parameters,
        posteriors=np.pad(states, ((0, count - len(states)), (0, 0)), mode="edge"),
        active=loud,
    )


def _parameters(samples: Array, *, recorded: bool) -> Parameters:
    if recorded:
        return vocoder.analyse(samples)
    return vocoder.analyse(samples, f0.CLEAN, aperiodic=False)  # conversion predicts it


def _posteriors(
    samples: Array, phones: tuple[tuple[float, str], ...] | None
) -> NDArray[np.float32]:
    scores = acoustics.log_likelihoods(samples)
    prior = None if phones is None else acoustics.label_prior(phones, len(scores))
    return acoustics.posteriors(scores, prior)


def doubled(rows: Array, count: int) -> Array:
    """Interpolate rows acoustics.HOP apart to `count` rows vocoder.HOP apart."""
    position = (np.arange(count) / 2).clip(0, len(rows) - 1)
    below = position.astype(int)
    above = (below + 1).clip(0, len(rows) - 1)
    share = (position - below)[:, None]
    return np.asarray(rows[below] * (1 - share) + rows[above] * share)


def active(parameters: Parameters) -> NDArray[np.bool_]:
    """Return True for the frames that are loud enough to be speech: (T,)."""
    power = np.exp(parameters.envelope + parameters.level[:, None])
    energy = 10 * np.log10(power.mean(axis=1))
    return np.asarray(energy > np.percentile(energy, 97) - _ACTIVE)


def f0_statistics(f0: Array) -> tuple[float, float]:
    """Return the mean and the standard deviation of natural log F0, without octave errors."""
    logs = np.log(f0[f0 > 0])
    centre = np.median(logs)
    for _ in range(3):
        kept = logs[np.abs(logs - centre) < _F0_SPREAD]
        if kept.size == 0:
            return float(centre), 0.1
        centre = kept.mean()
    return float(centre), float(kept.std())
