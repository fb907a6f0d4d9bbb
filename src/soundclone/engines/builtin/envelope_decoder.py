"""Predict a speaker's spectral envelopes from phone posteriors.

A small network, trained on many speakers (`training/decoder.py`), predicts the deviation of the
envelope from the speaker's mean. A code of the speaker is an input of each layer. When a voice is
cloned, the last layer is fitted to the recording.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import acoustics

CONTEXT = (-8, -4, -2, 0, 2, 4, 8)  # frames of acoustics.HOP
_F0_UNIT = 0.2  # of natural log F0
_CEPSTRA = 24  # of an envelope in the code's statistics

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Weights:
    """Weights of the network: I inputs, speaker codes of C numbers, H units, O outputs."""

    context_mean: Floats  # (len(CONTEXT) * states,)
    context_basis: Floats  # (len(CONTEXT) * states, I - 2)
    code_mean: Floats
    code_basis: Floats  # (…, C)
    layers: tuple[tuple[Floats, Floats], ...]  # (I or H + C, H) and (H,)
    last: Floats  # (H + 1, O), the bias in the last row


@cache
def weights() -> Weights:
    """Return the packaged weights, read once."""
    with np.load(Path(__file__).parent / "weights" / "decoder.npz") as file:
        arrays = {name: file[name].astype(np.float32) for name in file.files}
    count = sum(name.startswith("layer") for name in arrays) // 2
    return Weights(
        context_mean=arrays["context_mean"],
        context_basis=arrays["context_basis"],
        code_mean=arrays["code_mean"],
        code_basis=arrays["code_basis"],
        layers=tuple((arrays[f"layer{k}_weight"], arrays[f"layer{k}_bias"]) for k in range(count)),
        last=arrays["last"],
    )


def context(posteriors: Floats) -> Floats:
    """Return the square roots of posteriors (T, states) at all offsets of CONTEXT, side by side."""
    rows = np.arange(len(posteriors))
    roots = np.sqrt(posteriors)
    return np.concatenate(
        [roots[(rows + offset).clip(0, len(rows) - 1)] for offset in CONTEXT], axis=1
    )


def prosody(log_f0: Floats, voiced: NDArray[np.bool_]) -> Floats:
    """Return the prosodic inputs (T, 2). `log_f0` is relative to the speaker's mean."""
    columns = (voiced, np.where(voiced, log_f0 / _F0_UNIT, 0).clip(-3, 3))
    return np.stack(columns, axis=1).astype(np.float32)


def inputs(posteriors: Floats, log_f0: Floats, voiced: NDArray[np.bool_]) -> Floats:
    """Return the inputs (T, I) for posteriors (T, states) and the arguments of `prosody`."""
    net = weights()
    phones = (context(posteriors) - net.context_mean) @ net.context_basis
    return np.concatenate([phones, prosody(log_f0, voiced)], axis=1)


def statistics(
    posteriors: Floats, deviation: Floats, voiced: Floats, unvoiced: Floats, log_f0: float
) -> Floats:
    """Return the statistics behind a speaker's code: mean envelopes, also of each phone.

    Args:
        posteriors: Of the frames of speech, (T, states).
        deviation: Envelopes of the same frames relative to the means, (T, bands).
        voiced: Mean envelope of voiced frames.
        unvoiced: Mean envelope of unvoiced frames.
        log_f0: Mean natural log F0.
    """
    matrix = acoustics.dct_matrix(deviation.shape[1], _CEPSTRA)[:, 1:]
    states = posteriors.shape[1] // acoustics.STATES
    phones = posteriors.reshape(len(posteriors), states, acoustics.STATES).sum(axis=2)
    means = (phones.T @ deviation) / (phones.sum(axis=0)[:, None] + 30)
    return np.concatenate(
        [voiced @ matrix, 0.7 * unvoiced @ matrix, (means @ matrix).ravel(), [10 * log_f0]]
    ).astype(np.float32)


def code(numbers: Floats) -> Floats:
    """Return the speaker's code, the decoder's input for one speaker.

    `numbers` is the result of `statistics`.
    """
    net = weights()
    return ((numbers - net.code_mean) @ net.code_basis).clip(-3, 3)


def hidden(rows: Floats, speaker: Floats) -> Floats:
    """Return the inputs of the last layer, followed by a 1 for its bias: (T, H + 1)."""
    net = weights()
    repeated = np.broadcast_to(speaker, (len(rows), len(speaker)))
    for number, (weight, bias) in enumerate(net.layers):
        units = np.maximum(np.concatenate([rows, repeated], axis=1) @ weight + bias, 0)
        rows = units if number == 0 else rows + units
    return np.concatenate([rows, np.ones((len(rows), 1), np.float32)], axis=1)


def fitted(units: Floats, wanted: Floats, stiffness: float) -> Floats:
    """Fit the last layer to the outputs `wanted` (T, O), by ridge regression to the trained one."""
    last = weights().last
    gram = units.T @ units
    gram[np.diag_indices_from(gram)] += stiffness
    return last + np.linalg.solve(gram, units.T @ (wanted - units @ last))
