"""Detect the language of a recording from the sounds in it and from their order.

The recogniser gives the posteriors of sounds. Their means, and the means of their products over a
lag of 60 ms, say how often each sound and each pair of sounds occurs. Two linear classifiers
(`training/spoken_language.py`) judge them: the likelihood of the pairs, and linear discriminants.
Some languages that soundclone does not speak are classes too, so that they are not mistaken.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import listening, recogniser, sounds
from .layers import Floats

LONGEST = 20.0  # seconds that are listened to
LAG = 6  # frames
_LEAST = 500  # frames of speech
_PAUSE = 0.5  # posterior of a pause above which a frame is no speech
_PATH = Path(__file__).parent / "weights" / "language.npz"


@dataclass(frozen=True)
class Classifier:
    """Weights of L languages."""

    names: tuple[str, ...]  # "" for languages that soundclone does not speak
    groups: NDArray[np.int64]  # (sounds - 1,), group of each sound
    pairs: Floats  # (groups², L), log-likelihood ratios
    discriminant: Floats  # (sounds - 1 + groups², L)
    bias: Floats  # (L,)
    threshold: float  # least margin of a language that is reported


@cache
def classifier() -> Classifier:
    """Return the packaged weights, read once."""
    with np.load(_PATH) as file:
        return Classifier(
            names=tuple(str(name) for name in file["names"]),
            groups=file["groups"].astype(np.int64),
            pairs=file["pairs"].astype(np.float32),
            discriminant=file["discriminant"].astype(np.float32),
            bias=file["bias"].astype(np.float32),
            threshold=float(file["threshold"]),
        )


@dataclass(frozen=True)
class Counts:
    """Expected numbers of sounds and of pairs of sounds, in frames."""

    frames: int
    sounds: Floats  # (sounds - 1,), without the pause
    pairs: Floats  # (sounds - 1, sounds - 1)

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.frames + other.frames, self.sounds + other.sounds, self.pairs + other.pairs
        )


def count(rows: Floats, speech: NDArray[np.bool_]) -> Counts:
    """Count the sounds that the recogniser hears.

    Args:
        rows: Inputs of the recogniser, (T, recogniser.INPUTS).
        speech: True for frames of speech, (T,).
    """
    posteriors = np.exp(recogniser.log_posteriors(rows))
    kept = speech & (posteriors[:, sounds.PAUSE] < _PAUSE)
    found = posteriors[:, 1:] / posteriors[:, 1:].sum(axis=1, keepdims=True) * kept[:, None]
    return Counts(int(kept.sum()), found.sum(axis=0), found[:-LAG].T @ found[LAG:])


def grouped(pairs: Floats, groups: NDArray[np.int64]) -> Floats:
    """Sum up the pairs of groups of sounds: (groups²,)."""
    members = np.eye(int(groups.max()) + 1, dtype=np.float32)[groups]
    return np.asarray((members.T @ pairs @ members).ravel())


def roots(counts: Counts, pairs: Floats) -> Floats:
    """Return the inputs of the discriminants from counts and grouped pairs."""
    return np.concatenate(
        [np.sqrt(counts.sounds / counts.sounds.sum()), np.sqrt(pairs / pairs.sum())]
    )


def scores(counts: Counts, known: Classifier) -> Floats:
    """Return the score of each language, (L,), on the scale of their spread."""
    pairs = grouped(counts.pairs, known.groups)
    parts = pairs @ known.pairs, roots(counts, pairs) @ known.discriminant + known.bias
    return np.asarray(sum((part - part.mean()) / part.std() for part in parts) / len(parts))


def detect(samples: NDArray[np.floating], sample_rate: int) -> str | None:
    """Return the name of the language of a recording, or None if the classifier is not sure.

    Args:
        samples: Mono samples, (n,). The first LONGEST seconds are used.
        sample_rate: Hz.
    """
    if len(samples) < _LEAST * listening.HOP * sample_rate:
        return None
    rows, speech = listening.measure(samples[: round(LONGEST * sample_rate)], sample_rate)
    counts = count(rows, speech)
    if counts.frames < _LEAST:
        return None
    known = classifier()
    found = scores(counts, known)
    second, first = np.argsort(found)[-2:]
    sure = found[first] - found[second] >= known.threshold
    return known.names[first] or None if sure else None
