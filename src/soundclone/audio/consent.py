"""Comparison of a consent recording with the sample of a voice: the same speaker, or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr

from ..errors import ConsentMismatch, ConsentUnusable
from . import speakers
from .bandwidth_extension import with_fundamental
from .samples import Samples
from .vad import listen

LEAST_SPEECH = 2.0  # seconds
MOST_SPEECH = 40.0  # seconds that are compared
LONGEST = 120.0  # seconds of a consent recording that are listened to
# See docs/consent.md and bench/consent.py for the error rates at this threshold.
LEAST_SIMILARITY = 0.25
# Share of windows that are speech beyond doubt. Less than of a sample: a telephone leaves 0.64 in
# the tests' recording of a woman, and what is not speech at all is not like the sample either.
_LEAST_CERTAIN = 0.5
_RATE = speakers.RATE
_TELEPHONE, _ABOVE = (300.0, 3400.0), 4200.0  # Hz
_NARROW = 1e-6  # power above against that of the telephone's band: speech 1e-2, a telephone 0


@dataclass(frozen=True)
class Comparison:
    """Likeness of the speakers of two recordings."""

    similarity: float  # 1 is the same sound; most pairs of different people are below 0.25
    speech_seconds: float  # in the consent recording


def verify(consent: Samples, rate: int, sample: Samples, sample_rate: int) -> Comparison:
    """Compare the consent recording with the sample, both mono, shape (n,). Raises
    ConsentUnusable when the recording has too little speech, and ConsentMismatch when somebody
    else speaks."""
    speech, seconds = speech_of(consent, rate)
    if seconds < LEAST_SPEECH:
        raise ConsentUnusable(
            f"the consent recording has {np.floor(10 * seconds) / 10:.1f} s of speech; at least "
            f"{LEAST_SPEECH:g} s is needed"
        )
    similarity = likeness_of(print_of(speech), print_of(speech_of(sample, sample_rate)[0]))
    if similarity < LEAST_SIMILARITY:
        raise ConsentMismatch(
            "the consent recording and the sample sound like two people: their similarity is "
            f"{np.floor(100 * similarity) / 100:.2f}, and at least {LEAST_SIMILARITY:.2f} is "
            "needed; the speaker of the sample must record the consent"
        )
    return Comparison(similarity, seconds)


@dataclass(frozen=True)
class Print:
    """Numbers that tell a speaker."""

    whole: Samples  # of the whole sound
    telephone: Samples  # of its telephone band
    narrow: bool  # the sound has nothing above that band


def print_of(speech: Samples) -> Print:
    """Print of the speaker of `speech`, without pauses and at speakers.RATE."""
    spectrum = np.fft.rfft(speech)
    hertz = np.fft.rfftfreq(len(speech), 1 / _RATE)
    power = np.abs(spectrum) ** 2
    inside = (hertz >= _TELEPHONE[0]) & (hertz <= _TELEPHONE[1])
    beyond = power[hertz > _ABOVE].mean() / max(power[inside].mean(), 1e-12)
    spectrum[~inside] = 0
    band = np.fft.irfft(spectrum, len(speech)).astype(np.float32)
    return Print(speakers.voice(speech), speakers.voice(band), bool(beyond < _NARROW))


def likeness_of(first: Print, second: Print) -> float:
    """Similarity of two speakers, from -1 to 1. When one of the two spoke by telephone, both are
    compared in the telephone's band: a lost band is otherwise taken for another voice."""
    if first.narrow or second.narrow:
        return float(first.telephone @ second.telephone)
    return float(first.whole @ second.whole)


def speech_of(samples: Samples, rate: int) -> tuple[Samples, float]:
    """Speech of a recording without its pauses at speakers.RATE, and its seconds. None when the
    sound is hardly like speech."""
    sound = soxr.resample(samples, rate, _RATE).astype(np.float32)
    activity = listen(sound, _RATE, most=MOST_SPEECH)
    if sound.any() and activity.certainty < _LEAST_CERTAIN:
        # A telephone leaves the fundamental out, without which speech is hard to find.
        full = np.concatenate(list(with_fundamental([sound], _RATE)))
        activity = listen(full, _RATE, most=MOST_SPEECH)
    if not activity.segments or activity.certainty < _LEAST_CERTAIN:
        return np.zeros(0, np.float32), 0.0
    parts = [sound[round(start * _RATE) : round(end * _RATE)] for start, end in activity.segments]
    return np.concatenate(parts), activity.seconds
