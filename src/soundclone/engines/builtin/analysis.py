"""Measure speech, both of the reference and of the source."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import soxr
from numpy.typing import NDArray

from ...audio import f0
from ...audio.threads import run_beside
from . import acoustics, recogniser, refinement, sounds, vocoder
from .vocoder import Array, Parameters

LEVEL = 10 ** (-23 / 20)  # root mean square that speech is normalised to first
ACTIVE = 32.0  # dB below the 97th percentile; louder frames are speech
_F0_SPREAD = 0.45  # of natural log F0 around its median; values outside are octave errors


@dataclass(frozen=True)
class Analysis:
    """Measurements of T frames of speech, vocoder.HOP apart."""

    parameters: Parameters
    posteriors: NDArray[np.float32]  # ((T + 1) // 2, states), acoustics.HOP apart
    active: NDArray[np.bool_]  # (T,), True for frames of speech
    sounds: NDArray[np.float32] | None  # ((T + 1) // 2, sounds), log-posteriors if asked for


def analyse(
    samples: Array,
    sample_rate: int,
    phones: tuple[tuple[float, str], ...] | None = None,
    *,
    with_sounds: bool = True,
) -> Analysis:
    """Measure speech.

    Args:
        samples: Shape (n,).
        sample_rate: Hz.
        phones: Start in seconds and IPA symbol of each phone, if espeak-ng made the speech.
        with_sounds: Also recognise the sounds of all languages.
    """
    samples = np.asarray(soxr.resample(samples, sample_rate, vocoder.SAMPLE_RATE), np.float64)
    samples = samples * (LEVEL / np.sqrt(np.mean(samples**2) + 1e-12))
    parameters, (posteriors, free) = run_beside(
        lambda: _parameters(samples, recorded=phones is None),
        lambda: _posteriors(samples, phones, also_free=with_sounds),
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
    posteriors, free = (_of_length(rows, count) for rows in (posteriors, free))
    found = _sounds(parameters, loud, free, phones) if with_sounds else None
    return Analysis(parameters=parameters, posteriors=posteriors, active=loud, sounds=found)


def _of_length(rows: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Cut rows to `count`, or repeat the last row."""
    return np.pad(rows[:count], ((0, max(count - len(rows), 0)), (0, 0)), mode="edge")


def _sounds(
    parameters: Parameters,
    loud: NDArray[np.bool_],
    free: NDArray[np.float32],
    phones: tuple[tuple[float, str], ...] | None,
) -> NDArray[np.float32]:
    """Return the log-posteriors of the sounds, ((T + 1) // 2, sounds).

    The labels of espeak-ng are their prior, because the recogniser is often wrong about its speech.
    """
    scores = recogniser.log_posteriors(
        recogniser.inputs(
            parameters.envelope[::2],
            parameters.level[::2],
            parameters.f0[::2],
            loud[::2],
            np.sqrt(free),
        )
    )
    if phones is not None:
        scores = scores + np.log(sounds.label_prior(phones, len(scores), acoustics.HOP))
    return scores


def _parameters(samples: Array, *, recorded: bool) -> Parameters:
    if recorded:
        return vocoder.analyse(samples)
    return vocoder.analyse(samples, f0.CLEAN, aperiodic=False)  # conversion predicts it


def _posteriors(
    samples: Array, phones: tuple[tuple[float, str], ...] | None, *, also_free: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the posteriors with the labels of espeak-ng as prior, and those without if needed."""
    scores = acoustics.log_likelihoods(samples)
    if phones is None:
        free = acoustics.posteriors(scores)
        return free, free
    posteriors = acoustics.posteriors(scores, acoustics.label_prior(phones, len(scores)))
    return posteriors, acoustics.posteriors(scores) if also_free else posteriors


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
    return np.asarray(energy > np.percentile(energy, 97) - ACTIVE)


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
