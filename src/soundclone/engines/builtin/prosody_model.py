"""Predict durations of sounds and a melody, as people read.

A small network, trained on recordings of many speakers and languages
(`training/prosody_model.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from . import layers
from .sound_context import DILATIONS, F0_UNIT, Floats, Ints, context, positions
from .sounds import SOUND

F0 = 1  # column of the network's last layer, between voicing and level

_PATH = Path(__file__).parent / "weights" / "prosody.npz"


@dataclass(frozen=True)
class Model:
    """The network's weights, and what its inputs refer to."""

    weights: layers.Weights
    languages: tuple[str, ...]  # codes, in the order of the embedding


@dataclass(frozen=True)
class Sequence:
    """The hidden state of N sounds, and the durations that were predicted from it."""

    hidden: Floats  # (N, H)
    duration: Floats  # (N,), mean of the log duration in frames
    spread: Floats  # (N,), its standard deviation
    manner: Floats


@cache
def model() -> Model:
    """Return the packaged model, read once."""
    with np.load(_PATH) as file:
        languages = tuple(str(code) for code in file["languages"])
    return Model(weights=layers.read(_PATH), languages=languages)


def language_row(code: str) -> Floats:
    """Return the embedding of a language; of one without recordings, the mean of all."""
    rows = model().weights["language.weight"]
    known = model().languages
    return np.asarray(rows[known.index(code)] if code in known else rows.mean(axis=0))


def predict(rows: Ints, code: str, manner: Floats) -> Sequence:
    """Predict durations.

    Args:
        rows: Sounds in context, (N, 8), as `sounds.with_pauses` returns them.
        code: Language.
        manner: Result of `sound_context.manner`.
    """
    weights = model().weights
    fixed = np.concatenate([language_row(code), manner])
    inputs = np.concatenate(
        [
            weights["sound.weight"][rows[:, SOUND]],
            context(rows),
            np.broadcast_to(fixed, (len(rows), len(fixed))),
        ],
        axis=1,
    )
    hidden = layers.relu(layers.convolution(weights, "first", inputs))
    hidden = layers.gru(weights, "recurrent", hidden, 2)
    found = layers.linear(weights, "duration", hidden)
    return Sequence(hidden, found[:, 0], np.exp(found[:, 1].clip(-2.5, 1)), manner)


def melody(sequence: Sequence, durations: Ints) -> Floats:
    """Return natural log F0 relative to the speaker's mean: (T,), sound_context.HOP apart.

    `durations` are those of the sounds, in frames. Their sum is T.
    """
    weights = model().weights
    place, index = positions(durations)
    manner = np.broadcast_to(sequence.manner, (len(index), len(sequence.manner)))
    rows = np.concatenate([sequence.hidden[index], place, manner], axis=1)
    rows = layers.relu(layers.linear(weights, "frame", rows))
    for number, dilation in enumerate(DILATIONS):
        rows = rows + layers.relu(layers.convolution(weights, f"layers.{number}", rows, dilation))
    return layers.linear(weights, "out", rows)[:, F0] * F0_UNIT
