"""The rate at which a speaker articulates each language, in syllables a second without pauses.

In the language of the recording, a voice keeps the speaker's rate. In another language it takes the
usual rate of that language, changed by part of the speaker's deviation from the usual rate of the
recording's language.
"""

from __future__ import annotations

from statistics import median

import numpy as np
from numpy.typing import NDArray

from ...text.languages import LANGUAGES
from . import vocoder
from .voice import Floats, VoiceData

RANGE = (0.75, 1.35)  # limits of a speaker's rate relative to the usual rate of the language
_ESPEAK = 4.9  # syllables a second of espeak-ng at frontend.RATE, where a file has no rate
_PAUSE = 0.45  # seconds, median where a recording has too few pauses
_PAUSE_SPREAD, _PAUSE_WEIGHT = 0.38, 5.0  # usual spread of natural logs, and its weight in pauses
_PAUSES = (0.15, 2.0)  # seconds, of a silence that counts as a pause
_FEW = 3  # pauses
_DAMPING = 0.6  # exponent of the relative rate in another language than the recording's


def target_rate(voice: VoiceData, language: str) -> float:
    """Return the rate of the speaker in a language, in syllables a second."""
    relative = float(voice.rate[0])
    if voice.language != language:
        relative = relative**_DAMPING
    return usual_rate(language) * float(np.clip(relative, *RANGE))


def relative_rate(syllables: float, language: str | None) -> float:
    """Return a rate relative to the usual rate of its language.

    Args:
        syllables: Syllables a second in the recording.
        language: Name of the recording's language. None compares with all languages.
    """
    if language is not None and language in LANGUAGES:
        return syllables / usual_rate(language)
    return syllables / median(usual_rate(name) for name in LANGUAGES)


def usual_rate(language: str) -> float:
    """Return the usual rate of a language, in syllables a second.

    Without recordings of the language, that is espeak-ng's.
    """
    return LANGUAGES[language].speech.syllables or _espeak_rate(language)


def espeak_factor(rate: float, language: str) -> float:
    """Return the factor on frontend.RATE at which espeak-ng has a rate in syllables a second."""
    return rate / _espeak_rate(language)


def _espeak_rate(language: str) -> float:
    return LANGUAGES[language].speech.espeak_syllables or _ESPEAK


def pause_statistics(active: NDArray[np.bool_]) -> Floats:
    """Return the median of a recording's pauses in seconds, and the spread of their natural logs.

    The spread is the standard deviation. The usual one counts as well, because a recording has few
    pauses. `active` is True for frames of speech.
    """
    speech = np.flatnonzero(active)
    lengths = (np.diff(speech) - 1) * vocoder.HOP
    pauses = lengths[(lengths >= _PAUSES[0]) & (lengths <= _PAUSES[1])]
    if len(pauses) < _FEW:
        return np.array([_PAUSE, _PAUSE_SPREAD], np.float32)
    usual = np.median(pauses)
    squares = np.sum(np.log(pauses / usual) ** 2) + _PAUSE_WEIGHT * _PAUSE_SPREAD**2
    return np.array([usual, np.sqrt(squares / (len(pauses) + _PAUSE_WEIGHT))], np.float32)
