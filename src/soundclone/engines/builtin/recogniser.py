"""Recognise the sounds of speech in any language.

A small convolutional network, trained on aligned recordings in 50 languages
(`training/recogniser.py`), gives the posteriors of sounds. A search over a loop of all sounds with
their bigrams (Viterbi, 1967) gives the most likely sequence.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import layers
from .layers import Floats

INPUTS = 203
DILATIONS = (1, 2, 3, 4)
_PATH = Path(__file__).parent / "weights" / "recogniser.npz"
_LEVEL_UNIT = 3.0  # nepers
# The weight of the bigrams and the log-probability of a new sound with the lowest phone error rate
# in recordings of people.
_BIGRAM, _ENTER = 0.6, 0.5
_SHORTEST = 3  # frames of a sound


@cache
def weights() -> dict[str, Floats]:
    """Return the packaged weights, read once."""
    return layers.read(_PATH)


def inputs(
    envelope: ArrayLike, level: ArrayLike, f0: ArrayLike, active: ArrayLike, free: ArrayLike
) -> Floats:
    """Return the inputs (T, INPUTS) of frames 10 ms apart.

    Args:
        envelope: (T, 80), natural log.
        level: (T,), natural log.
        f0: (T,), Hz, 0 where unvoiced.
        active: (T,), True for speech.
        free: (T, 120), roots of the posteriors of `acoustics`.
    """
    bands = np.asarray(envelope, np.float32)
    speech = np.asarray(active, bool)
    mask = speech if speech.any() else np.ones(len(speech), bool)
    loud = np.asarray(level, np.float32)
    loud = ((loud - loud[mask].mean()) / _LEVEL_UNIT).clip(-3, 3)
    columns = (
        bands - bands[mask].mean(axis=0),
        loud[:, None],
        (np.asarray(f0) > 0)[:, None],
        speech[:, None],
        2 * np.asarray(free, np.float32),
    )
    return np.concatenate(columns, axis=1).astype(np.float32)


def log_posteriors(rows: Floats) -> Floats:
    """Return the log-posteriors of the sounds, (T, sounds), from `inputs`."""
    net = weights()
    hidden = layers.relu(layers.convolution(net, "first", rows))
    for number, dilation in enumerate(DILATIONS):
        hidden = hidden + layers.relu(layers.convolution(net, f"layers.{number}", hidden, dilation))
    logits = layers.convolution(net, "last", hidden)
    logits = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))


def most_likely(scores: Floats) -> NDArray[np.int64]:
    """Return the most likely sound of each frame, (T,), from `log_posteriors`."""
    return np.asarray(scores.argmax(axis=1), np.int64)


def decode(scores: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the most likely sounds and their durations in frames, from `log_posteriors`."""
    count, size = scores.shape
    moves = np.ascontiguousarray((_BIGRAM * weights()["bigrams"]).T) + _ENTER
    index = np.arange(size)
    best = np.full((_SHORTEST, size), -1e30, np.float32)
    best[0] = scores[0]
    came = np.zeros((count, size), np.int16)  # sound before, of the first frame of a sound
    stayed = np.zeros((count, size), bool)  # in the last of the frames that a sound needs
    for t in range(1, count):
        into = moves + best[-1]
        before = into.argmax(axis=1)
        came[t] = before
        moved = best[-2]
        stayed[t] = best[-1] > moved
        last = np.maximum(moved, best[-1])
        best[2:-1] = best[1:-2]
        best[1] = best[0]
        best[-1] = last
        best[0] = into[index, before]
        best += scores[t]
    sound, left = int(best[-1].argmax()), _SHORTEST - 1
    path = np.zeros(count, np.int64)
    starts = []
    for t in range(count - 1, -1, -1):
        path[t] = sound
        if t == 0:
            break
        if left == 0:
            starts.append(t)
            sound, left = int(came[t, sound]), _SHORTEST - 1
        elif left < _SHORTEST - 1 or not stayed[t, sound]:
            left -= 1
    edges = np.array([0, *starts[::-1], count])
    return path[edges[:-1]], np.diff(edges)
