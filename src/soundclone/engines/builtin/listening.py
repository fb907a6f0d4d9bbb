"""Prepare a recording for the recogniser of sounds, and count its syllables."""

from __future__ import annotations

import numpy as np
import pyworld
import soxr
from numpy.typing import NDArray

from ...audio import f0 as fundamental
from ...audio.threads import run_beside
from . import acoustics, recogniser, sounds, vocoder
from .analysis import LEVEL, Analysis, active
from .layers import Floats

HOP = 0.01  # seconds between frames
_FFT = 1024
_NUCLEUS = 2  # frames, the shortest nucleus of a syllable
_CERTAIN = 0.5  # posterior of vowels or of a pause, above which a frame is one


def measure(samples: NDArray[np.floating], sample_rate: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the inputs of `recogniser.log_posteriors`, (T, INPUTS), and the frames of speech.

    Args:
        samples: Mono samples, (n,).
        sample_rate: Hz.
    """
    resampled = soxr.resample(np.asarray(samples, np.float64), sample_rate, vocoder.SAMPLE_RATE)
    x = np.ascontiguousarray(resampled, np.float64)
    x *= LEVEL / np.sqrt(np.mean(x**2) + 1e-12)

    def spectra() -> tuple[vocoder.Array, vocoder.Array]:
        f0 = fundamental.track(x, vocoder.SAMPLE_RATE, HOP)
        times = np.arange(len(f0)) * HOP
        spectrum = pyworld.cheaptrick(x, f0, times, vocoder.SAMPLE_RATE, fft_size=_FFT)
        return f0, np.log(spectrum.clip(1e-12)) @ vocoder._to_bands()

    (f0, envelope), posteriors = run_beside(
        spectra, lambda: acoustics.posteriors(acoustics.log_likelihoods(x))
    )
    level = envelope.mean(axis=1)
    envelope = envelope - level[:, None]
    speech = active(vocoder.Parameters(f0, envelope, level, np.zeros((len(f0), 1))))
    free = np.sqrt(posteriors)
    count = min(len(free), len(f0))
    rows = recogniser.inputs(
        envelope[:count], level[:count], f0[:count], speech[:count], free[:count]
    )
    return rows, speech[:count]


def syllable_rate(analysis: Analysis) -> float:
    """Return the syllables per second of speech, pauses excluded, in any language.

    A run of frames that the recogniser takes for vowels is a syllable.
    """
    assert analysis.sounds is not None
    posteriors = np.exp(analysis.sounds)
    vowel = posteriors[:, sorted(sounds.VOWELS)].sum(axis=1) > _CERTAIN
    edges = np.flatnonzero(np.diff(np.concatenate([[0], vowel.astype(np.int8), [0]])))
    syllables = (edges[1::2] - edges[::2] >= _NUCLEUS).sum()
    spoken = (posteriors[:, sounds.PAUSE] < _CERTAIN).sum()
    return float(syllables / max(spoken * HOP, 1.0))
