"""Comparison of the speaker of a consent recording with the speaker of a sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr

from ..errors import ConsentMismatch, ConsentUnusable
from . import speakers
from .bandwidth_extension import restore_fundamental
from .samples import Samples
from .vad import detect_speech

LEAST_SPEECH = 2.0  # seconds
MOST_SPEECH = 40.0  # seconds that are compared
LONGEST = 120.0  # seconds of a consent recording that are searched for speech
# docs/consent.md has the error rates at these thresholds, measured by bench/speakers.py.
LEAST_SIMILARITY = 0.48  # of a consent recording and the sample
MOST_SIMILARITY = 0.55  # of a new voice and a protected one
# Share of speech windows that are certain. It is lower than for a sample: a telephone leaves 0.64
# in the tests' recording of a woman, and sound other than speech fails the comparison anyway.
_LEAST_CERTAIN = 0.5
_RATE = speakers.RATE
_TELEPHONE, _ABOVE = (300.0, 3400.0), 4200.0  # Hz
_NARROW = 1e-6  # power above 4.2 kHz over power of the telephone band: speech 1e-2, telephone 0


@dataclass(frozen=True)
class Comparison:
    """Similarity of the speakers of two recordings."""

    similarity: float  # 1 for the same sound; below 0.48 for 19 in 20 pairs of people
    speech_seconds: float  # in the consent recording

    def check(self) -> None:
        """Raise ConsentMismatch if the recordings have two speakers."""
        if self.similarity < LEAST_SIMILARITY:
            raise ConsentMismatch(
                "the consent recording and the sample sound like two people: their similarity is "
                f"{np.floor(100 * self.similarity) / 100:.2f}, and at least {LEAST_SIMILARITY:.2f} "
                "is needed; the speaker of the sample must record the consent"
            )


def compare_recordings(
    consent: Samples, rate: int, sample: Samples, sample_rate: int
) -> Comparison:
    """Compare the consent recording with the sample, both mono, shape (n,).

    Raises:
        ConsentUnusable: The recording has too little speech.
    """
    speech, seconds = extract_speech(consent, rate)
    if seconds < LEAST_SPEECH:
        raise ConsentUnusable(
            f"the consent recording has {np.floor(10 * seconds) / 10:.1f} s of speech; at least "
            f"{LEAST_SPEECH:g} s is needed"
        )
    sample_speech, _ = extract_speech(sample, sample_rate)
    return Comparison(compare(voiceprint(speech), voiceprint(sample_speech)), seconds)


def verify(consent: Samples, rate: int, sample: Samples, sample_rate: int) -> Comparison:
    """Compare like `compare_recordings`, and refuse two speakers.

    Raises:
        ConsentUnusable: The recording has too little speech.
        ConsentMismatch: The recording has another speaker.
    """
    found = compare_recordings(consent, rate, sample, sample_rate)
    found.check()
    return found


@dataclass(frozen=True)
class Voiceprint:
    """Embeddings of one speaker."""

    whole: Samples  # of the whole sound
    telephone: Samples  # of its telephone band
    narrow: bool  # True if the sound has nothing above the telephone band


def voiceprint(speech: Samples) -> Voiceprint:
    """Return the voiceprint of `speech`, which is without pauses and at speakers.RATE."""
    spectrum = np.fft.rfft(speech)
    hertz = np.fft.rfftfreq(len(speech), 1 / _RATE)
    power = np.abs(spectrum) ** 2
    inside = (hertz >= _TELEPHONE[0]) & (hertz <= _TELEPHONE[1])
    beyond = power[hertz > _ABOVE].mean() / max(power[inside].mean(), 1e-12)
    spectrum[~inside] = 0
    band = np.fft.irfft(spectrum, len(speech)).astype(np.float32)
    return Voiceprint(
        speakers.mean_embedding(speech), speakers.mean_embedding(band), bool(beyond < _NARROW)
    )


def compare(first: Voiceprint, second: Voiceprint) -> float:
    """Return the similarity of two speakers, from -1 to 1.

    If one of the two spoke by telephone, both are compared in the telephone band, because the
    embedding of a narrow band differs from that of the whole sound.
    """
    narrow = first.narrow or second.narrow
    one, other = (
        (each.telephone if narrow else each.whole)[np.newaxis] for each in (first, second)
    )
    cohort = speakers.cohort("telephone" if narrow else "whole")
    return float(speakers.similarities(one, other, cohort)[0, 0])


def resampled(samples: Samples, rate: int) -> Samples:
    """Return the first MOST_SPEECH seconds of samples, at speakers.RATE."""
    return np.asarray(soxr.resample(samples[: round(MOST_SPEECH * rate)], rate, _RATE), np.float32)


def extract_speech(samples: Samples, rate: int) -> tuple[Samples, float]:
    """Return the speech of a recording without its pauses, at speakers.RATE, and its seconds.

    The speech is empty if the sound is too unlike speech.
    """
    sound = soxr.resample(samples, rate, _RATE).astype(np.float32)
    activity = detect_speech(sound, _RATE, most=MOST_SPEECH)
    if sound.any() and activity.certainty < _LEAST_CERTAIN:
        # A telephone removes the fundamental, without which speech is hard to detect.
        full = np.concatenate(list(restore_fundamental([sound], _RATE)))
        activity = detect_speech(full, _RATE, most=MOST_SPEECH)
    if not activity.segments or activity.certainty < _LEAST_CERTAIN:
        return np.zeros(0, np.float32), 0.0
    parts = [sound[round(start * _RATE) : round(end * _RATE)] for start, end in activity.segments]
    return np.concatenate(parts), activity.seconds
