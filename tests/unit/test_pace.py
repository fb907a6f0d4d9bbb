"""The rate of articulation by language and speaker."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from soundclone.engines.builtin import pace
from soundclone.engines.builtin.analysis import analyse
from soundclone.engines.builtin.frontend import RATE, Pool
from soundclone.engines.builtin.listening import syllable_rate
from soundclone.engines.builtin.sounds import VOWELS, parse
from soundclone.engines.builtin.voice import VoiceData
from soundclone.text.languages import LANGUAGES


def speaker(relative: float, language: str = "") -> VoiceData:
    return cast(VoiceData, SimpleNamespace(rate=np.array([relative]), language=language))


def test_a_speaker_keeps_the_rate_in_the_language_of_the_recording() -> None:
    usual = pace.usual_rate("German")
    assert pace.target_rate(speaker(1.2, "German"), "German") == pytest.approx(1.2 * usual)
    elsewhere = pace.target_rate(speaker(1.2, "German"), "Chinese") / pace.usual_rate("Chinese")
    assert 1.05 < elsewhere < 1.15


@pytest.mark.parametrize(("relative", "bound"), [(0.1, 0.75), (9, 1.35)])
def test_the_rate_stays_near_the_usual_one(relative: float, bound: float) -> None:
    rate = pace.target_rate(speaker(relative), "French")
    assert rate == pytest.approx(bound * pace.usual_rate("French"))


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_language_has_a_sane_rate(language: str) -> None:
    assert 3.5 <= pace.usual_rate(language) <= 8
    assert 0.7 < pace.espeak_factor(pace.usual_rate(language), language) < 1.6


@pytest.mark.parametrize(
    ("language", "low", "high"), [("Chinese", 4, 5), ("Japanese", 6.5, 8), ("German", 4.6, 5.6)]
)
def test_espeak_articulates_at_the_target_rate(language: str, low: float, high: float) -> None:
    pool = Pool(size=1)
    factor = pace.espeak_factor(pace.target_rate(speaker(1.0), language), language)
    spoken = pool.speak(LANGUAGES[language].preview, language, RATE * factor)
    pool.close()
    end = len(spoken.samples) / spoken.sample_rate
    vowels, seconds = 0, 0.0
    for (start, symbol), (stop, _) in pairwise([*spoken.phones, (end, "")]):
        if sounds := parse(symbol):
            vowels += any(sound[0] in VOWELS for sound in sounds)
            seconds += stop - start
    assert low <= vowels / seconds <= high


def test_a_recording_at_the_usual_rate_is_relative_to_its_language() -> None:
    for language in ("Chinese", "English"):
        usual = pace.usual_rate(language)
        assert pace.relative_rate(usual, language) == pytest.approx(1)
    assert pace.relative_rate(7.0, None) == pytest.approx(2 * pace.relative_rate(3.5, None))


@pytest.mark.parametrize("language", ["German", "Chinese", "Spanish"])
def test_the_syllables_of_any_language_are_counted(language: str) -> None:
    pool = Pool(size=1)
    heard = []
    for factor in (0.85, 1.25):
        spoken = pool.speak(LANGUAGES[language].preview, language, RATE * factor)
        rate = syllable_rate(analyse(spoken.samples, spoken.sample_rate))
        heard.append(rate / (factor * pace._espeak_rate(language)))
    pool.close()
    assert heard == pytest.approx([1.0, 1.0], abs=0.2)


def test_the_pauses_of_a_recording_are_measured() -> None:
    speech, rate = np.ones(200, bool), 200  # frames a second
    active = np.zeros(300, bool)
    for seconds in (0.1, 0.4, 0.5, 0.6, 3.0):
        active = np.concatenate([active, speech, np.zeros(round(seconds * rate), bool)])
    middle, spread = pace.pause_statistics(np.concatenate([active, speech]))
    assert middle == pytest.approx(0.5)
    assert 0.25 < spread < 0.38  # three pauses weigh less than the usual spread
    assert pace.pause_statistics(speech) == pytest.approx([0.45, 0.38])
    varied = np.concatenate([np.append(speech, np.zeros(n, bool)) for n in (40, 80, 160, 320)])
    assert pace.pause_statistics(np.append(varied, speech))[1] > 0.5
