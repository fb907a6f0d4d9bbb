"""Predict a speaker's spectral envelopes from phone posteriors, and from sounds of all languages.

A small network, trained on many speakers (`training/decoder.py`), predicts the deviation of the
envelope from the speaker's mean. A code of the speaker is an input of each layer. When a voice is
cloned, the last layer is fitted to the recording.

There are two such networks. ENGLISH has the posteriors of English phones as input. MULTILINGUAL
also has the sounds that `recogniser` hears. They make other languages clearer, but not English.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import acoustics, sounds

ENGLISH, MULTILINGUAL = NAMES = ("english", "multilingual")
CONTEXT = (-8, -4, -2, 0, 2, 4, 8)  # frames of acoustics.HOP
_F0_UNIT = 0.2  # of natural log F0
_CEPSTRA = 24  # of an envelope in the code's statistics

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Decoder:
    """A network: I inputs, speaker codes of C numbers, H units, O outputs."""

    context_mean: Floats  # (len(CONTEXT) * columns of `context`,)
    context_basis: Floats  # (len(CONTEXT) * columns of `context`, I - 2)
    code_mean: Floats
    code_basis: Floats  # (…, C)
    layers: tuple[tuple[Floats, Floats], ...]  # (I or H + C, H) and (H,)
    last: Floats  # (H + 1, O), the bias in the last row

    @property
    def hears_sounds(self) -> bool:
        """True if sounds are inputs beside the posteriors."""
        states = acoustics.STATES * len(acoustics.model().phones)
        return len(self.context_mean) > len(CONTEXT) * states

    def inputs(
        self,
        posteriors: Floats,
        heard: Floats | None,
        log_f0: Floats,
        voiced: NDArray[np.bool_],
    ) -> Floats:
        """Return the inputs (T, I) for the arguments of `context` and of `prosody`."""
        frames = context(posteriors, heard if self.hears_sounds else None)
        phones = (frames - self.context_mean) @ self.context_basis
        return np.concatenate([phones, prosody(log_f0, voiced)], axis=1)

    def code(self, numbers: Floats) -> Floats:
        """Return the speaker's code from the result of `statistics`."""
        return ((numbers - self.code_mean) @ self.code_basis).clip(-3, 3)

    def hidden(self, rows: Floats, speaker: Floats) -> Floats:
        """Return the inputs of the last layer, followed by a 1 for its bias: (T, H + 1)."""
        repeated = np.broadcast_to(speaker, (len(rows), len(speaker)))
        for number, (weight, bias) in enumerate(self.layers):
            units = np.maximum(np.concatenate([rows, repeated], axis=1) @ weight + bias, 0)
            rows = units if number == 0 else rows + units
        return np.concatenate([rows, np.ones((len(rows), 1), np.float32)], axis=1)

    def fitted(self, units: Floats, wanted: Floats, stiffness: float) -> Floats:
        """Fit the last layer to outputs (T, O), by ridge regression to the trained layer."""
        gram = units.T @ units
        gram[np.diag_indices_from(gram)] += stiffness
        return self.last + np.linalg.solve(gram, units.T @ (wanted - units @ self.last))


def name_for(language: str) -> str:
    """Return the name of the decoder that speaks a language."""
    return ENGLISH if language == "English" else MULTILINGUAL


@cache
def decoder(name: str) -> Decoder:
    """Return the packaged decoder of a name in NAMES, read once."""
    with np.load(Path(__file__).parent / "weights" / f"decoder-{name}.npz") as file:
        arrays = {name: file[name].astype(np.float32) for name in file.files}
    count = sum(name.startswith("layer") for name in arrays) // 2
    return Decoder(
        context_mean=arrays["context_mean"],
        context_basis=arrays["context_basis"],
        code_mean=arrays["code_mean"],
        code_basis=arrays["code_basis"],
        layers=tuple((arrays[f"layer{k}_weight"], arrays[f"layer{k}_bias"]) for k in range(count)),
        last=arrays["last"],
    )


def one_hot(heard: NDArray[np.int64]) -> Floats:
    """Return a column of zeros and ones for each sound, (T, sounds), from indices (T,)."""
    return np.asarray(np.eye(len(sounds.SOUNDS), dtype=np.float32)[heard])


def context(posteriors: Floats, heard: Floats | None) -> Floats:
    """Return the speech around each frame: all offsets of CONTEXT side by side.

    Args:
        posteriors: Of the states of English phones, (T, states). Their square roots are used.
        heard: Share of each sound in each frame, (T, sounds).
    """
    rows = np.arange(len(posteriors))
    frames = np.sqrt(posteriors)
    if heard is not None:
        frames = np.concatenate([frames, heard], axis=1)
    return np.concatenate(
        [frames[(rows + offset).clip(0, len(rows) - 1)] for offset in CONTEXT], axis=1
    )


def prosody(log_f0: Floats, voiced: NDArray[np.bool_]) -> Floats:
    """Return the prosodic inputs (T, 2). `log_f0` is relative to the speaker's mean."""
    columns = (voiced, np.where(voiced, log_f0 / _F0_UNIT, 0).clip(-3, 3))
    return np.stack(columns, axis=1).astype(np.float32)


def statistics(
    posteriors: Floats,
    deviation: NDArray[np.floating],
    voiced: NDArray[np.floating],
    unvoiced: NDArray[np.floating],
    log_f0: float,
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
