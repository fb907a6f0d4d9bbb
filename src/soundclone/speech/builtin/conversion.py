"""From the source synthesiser's speech to the speaker's: the same words, another voice."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import NoSpeech
from . import acoustics, vocoder
from .analysis import Analysis, f0_statistics
from .vocoder import BANDS, Array, Parameters
from .voice import VoiceData

_LEAST_VOICED = 5.0  # seconds of voiced speech that a reference must have
_VOWELS = {
    *("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW")
}
_VOWEL_LENGTH = 0.03  # seconds, the least
_GAP = 0.15  # seconds, the longest pause within speech
_LOW_BANDS = 900.0  # Hz, below which unvoiced sounds have next to nothing


def voice_of(analysis: Analysis, source: VoiceData | None = None) -> VoiceData:
    """The speaker's statistics; of the source itself when `source` is not given.

    Raises NoSpeech when too little of the recording is voiced speech.
    """
    parameters, active = analysis.parameters, analysis.active
    voiced, unvoiced = active & parameters.voiced, active & ~parameters.voiced
    seconds = voiced.sum() * vocoder.HOP
    if seconds < _LEAST_VOICED:
        raise NoSpeech(
            f"the recording has {seconds:.1f} s of voiced speech; "
            f"at least {_LEAST_VOICED:.0f} s is needed"
        )
    if unvoiced.sum() < 50:
        unvoiced = active
    rate = vowel_rate(analysis)
    cepstra = parameters.envelope @ acoustics.dct_matrix(BANDS, BANDS)

    def moments(rows: Array) -> NDArray[np.float32]:
        return np.array([rows.mean(axis=0), rows.std(axis=0)], np.float32)

    return VoiceData(
        f0=np.array(f0_statistics(parameters.f0[voiced]), np.float32),
        level=moments(parameters.level[active]),
        rate=np.array([rate if source is None else rate / float(source.rate[0])], np.float32),
        voiced=moments(cepstra[voiced]),
        unvoiced=moments(cepstra[unvoiced]),
        aperiodicity=parameters.aperiodicity[voiced].mean(axis=0).astype(np.float32),
    )


@cache
def source_voice() -> VoiceData:
    """Statistics of the source synthesiser, packaged (`training/source.py`)."""
    with np.load(Path(__file__).parent / "weights" / "source.npz") as file:
        return VoiceData(**{name: file[name] for name in file.files})


def vowel_rate(analysis: Analysis) -> float:
    """Vowels a second of speech, short pauses counted in; a measure of the speaking rate."""
    phones = acoustics.model().phones
    states = analysis.posteriors.reshape(len(analysis.posteriors), len(phones), -1).sum(axis=2)
    vowel = states[:, [name in _VOWELS for name in phones]].sum(axis=1) > 0.5
    vowels = sum(
        1
        for first, last in runs(vowel)
        if (last - first) * vocoder.HOP >= _VOWEL_LENGTH
        and analysis.active[first:last].mean() > 0.5
    )
    speech = analysis.active.sum() + sum(
        last - first
        for first, last in runs(~analysis.active)
        if (last - first) * vocoder.HOP < _GAP
    )
    return vowels / max(float(speech) * vocoder.HOP, 1e-3)


def runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where a mask is set without a break: first frame, and the one after the last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]


def smooth(rows: Array, frames: int) -> Array:
    """Each column of (T, …) convolved with a Hann window of so many frames, ends held."""
    window = np.hanning(frames + 2)[1:-1]
    window /= window.sum()
    half = frames // 2
    padded = np.pad(rows, [(half, half)] + [(0, 0)] * (rows.ndim - 1), mode="edge")
    return np.asarray(sum(w * padded[k : k + len(rows)] for k, w in enumerate(window)))


def convert(analysis: Analysis, voice: VoiceData) -> Parameters:
    """The source's words as the speaker would say them."""
    source, spoken = source_voice(), analysis.parameters
    envelope = _envelope(analysis, voice)
    level = spoken.level - source.level[0] + voice.level[0]
    shift = voice.aperiodicity - source.aperiodicity
    return replace(
        spoken,
        f0=_f0(spoken.f0, voice),
        envelope=_held_low(envelope, spoken.voiced, voice),
        level=level,
        aperiodicity=spoken.aperiodicity + shift,
    )


def _f0(f0: Array, voice: VoiceData) -> Array:
    mean, spread = source_voice().f0
    ratio = np.clip(voice.f0[1] / spread, 0.7, 2.2)
    logs = (np.log(np.where(f0 > 0, f0, 1.0)) - mean) * ratio + voice.f0[0]
    return np.where(f0 > 0, np.exp(logs).clip(55, 500), 0.0)


def _envelope(analysis: Analysis, voice: VoiceData) -> Array:
    """Each cepstrum brought to the speaker's mean and, nearly, standard deviation."""
    matrix = acoustics.dct_matrix(BANDS, BANDS)
    cepstra = analysis.parameters.envelope @ matrix
    source = source_voice()
    share = smooth(analysis.parameters.voiced.astype(float)[:, None], 5)

    def brought(own: NDArray[np.float32], wanted: NDArray[np.float32]) -> Array:
        ratio = (wanted[1] / own[1].clip(1e-6)).clip(0.6, 1.6)
        return np.asarray((cepstra - own[0]) * ratio + wanted[0])

    voiced = brought(source.voiced, voice.voiced)
    unvoiced = brought(source.unvoiced, voice.unvoiced)
    return np.asarray((share * voiced + (1 - share) * unvoiced) @ matrix.T)


def _held_low(envelope: Array, voiced: NDArray[np.bool_], voice: VoiceData) -> Array:
    """Unvoiced frames without the low bands that leak in from their voiced neighbours."""
    matrix = acoustics.dct_matrix(BANDS, BANDS)
    low = vocoder.band_centres() < _LOW_BANDS
    # Bands are nearly uncorrelated combinations of the cepstra: their variances add.
    mean = matrix @ voice.unvoiced[0]
    spread = np.sqrt(matrix**2 @ voice.unvoiced[1] ** 2)
    ceiling = np.where(low, mean + 0.5 * spread, np.inf)
    return np.where(voiced[:, None], envelope, np.minimum(envelope, ceiling))
