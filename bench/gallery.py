"""Compare pieces of speech with recordings of all speakers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from hearing import Array, Instruments, Sound, cosines, high_passed, levelled, power_frames
from hearing import semitones as pitch

Figures = dict[str, float]  # measured values by column


@dataclass(frozen=True)
class Known:
    """Measures of the recordings of one speaker."""

    embedding: Array | None  # mean of Resemblyzer's embeddings, length 1
    high_passed: Array | None  # the same of the recordings without rumble
    own: Array | None  # mean embedding of soundclone's encoder
    f0: Array  # Hz, 0 where unvoiced
    spectrum: Array  # (BANDS,), dB, long-term, its mean removed
    likelihood: Callable[[Array], float] | None  # of cepstra


class Gallery:
    """Recordings of all speakers. Every piece is compared with every speaker.

    Args:
        thorough: Also compare by soundclone's own encoder, by Gaussian mixtures, F0 and spectrum.
    """

    def __init__(
        self, instruments: Instruments, people: Mapping[str, Sequence[Sound]], thorough: bool
    ) -> None:
        self._instruments = instruments
        self._thorough = thorough
        self._known = {name: self._know(sounds) for name, sounds in people.items()}

    def compare(self, name: str, piece: Array) -> Figures:
        """Measure a piece at RATE that should be the speaker `name`."""
        row: Figures = {}
        heard = self._hear(piece)
        for prefix, vector, vectors in (
            ("", heard.embedding, {n: k.embedding for n, k in self._known.items()}),
            ("hp_", heard.high_passed, {n: k.high_passed for n, k in self._known.items()}),
            ("own_", heard.own, {n: k.own for n, k in self._known.items()}),
        ):
            if vector is not None:
                near = {n: float(vector @ v) for n, v in vectors.items() if v is not None}
                row[f"{prefix}similarity"] = near[name]
                row[f"{prefix}margin"], row[f"{prefix}identified"] = told_apart(name, near)
        if self._thorough:
            known = self._known[name]
            cepstra = np.log(power_frames(piece)) @ cosines()
            scores = {n: k.likelihood(cepstra) for n, k in self._known.items() if k.likelihood}
            if scores:
                row["gmm_margin"], row["gmm_identified"] = told_apart(name, scores)
            (median, spread), (own_median, own_spread) = pitch(heard.f0), pitch(known.f0)
            row["f0"] = abs(median - own_median)
            row["f0_spread"] = abs(spread - own_spread)
            row["spectrum"] = float(np.sqrt(np.mean((heard.spectrum - known.spectrum) ** 2)))
        return row

    def _know(self, sounds: Sequence[Sound]) -> Known:
        at_rate = [levelled(sound) for sound in sounds]
        heard = [self._hear(samples) for samples in at_rate]
        cepstra = np.zeros(0)
        spectrum = np.zeros(0)
        if self._thorough:
            power = np.concatenate([power_frames(samples) for samples in at_rate])
            cepstra, spectrum = np.log(power) @ cosines(), _long_term(power)
        return Known(
            _mean([each.embedding for each in heard]),
            _mean([each.high_passed for each in heard]),
            _mean([each.own for each in heard]),
            np.concatenate([each.f0 for each in heard]),
            spectrum,
            self._instruments.mixture(cepstra) if self._thorough else None,
        )

    def _hear(self, samples: Array) -> Known:
        instruments = self._instruments
        thorough = self._thorough
        return Known(
            instruments.embed(samples),
            instruments.embed(high_passed(samples)),
            instruments.own_embedding(samples) if thorough else None,
            instruments.f0(samples) if thorough else np.zeros(0),
            _long_term(power_frames(samples)) if thorough else np.zeros(0),
            None,
        )


def told_apart(name: str, scores: Mapping[str, float]) -> tuple[float, float]:
    """Return the score of the right speaker minus the mean of the others, and 1.0 if it is best."""
    wrong = [score for other, score in scores.items() if other != name]
    if not wrong:
        return math.nan, math.nan
    return scores[name] - float(np.mean(wrong)), float(scores[name] > max(wrong))


def _mean(vectors: Sequence[Array | None]) -> Array | None:
    known = [vector for vector in vectors if vector is not None]
    if not known:
        return None
    mean = np.mean(known, axis=0)
    return np.asarray(mean / np.linalg.norm(mean))


def _long_term(power: Array) -> Array:
    spectrum = 10 * np.log10(power.mean(axis=0))
    return np.asarray(spectrum - spectrum.mean())
