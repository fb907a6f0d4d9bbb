"""Falls of F0 at the ends of phrases, and declination."""

from __future__ import annotations

import numpy as np
import pytest

from soundclone.engines.builtin.intonation import like_people, phrases
from soundclone.engines.builtin.vocoder import HOP
from soundclone.text.languages import LANGUAGES
from soundclone.text.languages.schema import Speech

PHONES = (
    (0.0, ""),
    (0.1, "a"),
    (1.0, "t"),
    (1.05, ""),
    (1.1, "o"),
    (2.0, ""),
    (2.4, ""),
    (2.5, "a"),
)
SEMITONE = np.log(2) / 12


def test_phrases_lie_between_pauses_and_closures_do_not_count() -> None:
    assert phrases(PHONES, 3.0) == [(0.1, 2.0), (2.5, 3.0)]
    assert phrases(PHONES, 3.0, speed=3.0) == [(0.1, 1.05), (1.1, 2.0), (2.5, 3.0)]
    assert phrases((), 1.0) == []


def spoken(fall: float, slope: float = -1.0, seconds: float = 2.0) -> np.ndarray:
    """Return F0 that falls by a slope in semitones a second, and at its end by more."""
    time = np.arange(round(seconds / HOP)) * HOP
    tones = slope * time + 0.5 * np.sin(9 * time)
    tones -= fall * ((time - seconds + 0.3) / 0.3).clip(0, 1)
    f0 = 120 * np.exp(SEMITONE * tones)
    f0[50:60] = 0
    return np.asarray(f0)


def ending(f0: np.ndarray) -> float:
    """Return the mean of the last 0.1 s above that of 0.65 to 0.35 s before the end."""
    tones = np.log(f0[-130:]) / SEMITONE
    return float(tones[-20:].mean() - tones[:60].mean())


def test_a_final_fall_becomes_as_deep_as_peoples() -> None:
    f0 = spoken(6.0)
    found = like_people(f0, [(0.0, 2.0)], Speech(final_fall=0.4))
    assert ending(f0) < -5
    assert 0.35 * ending(f0) > ending(found) > 0.6 * ending(f0)
    np.testing.assert_array_equal(found > 0, f0 > 0)
    # The mean stays, and the width as far as the factor allows.
    before, after = (np.log(each[each > 0]) for each in (f0, found))
    assert after.mean() == pytest.approx(before.mean(), abs=0.001)
    assert after.std() > 0.65 * before.std()
    moderate = spoken(2.0)
    found = like_people(moderate, [(0.0, 2.0)], Speech(final_fall=0.7))
    before, after = (np.log(each[each > 0]) for each in (moderate, found))
    assert after.std() == pytest.approx(before.std(), rel=0.01)


def test_a_rise_keeps_its_height() -> None:
    f0 = spoken(-4.0, slope=0.0)
    found = like_people(f0, [(0.0, 2.0)], Speech(final_fall=0.3))
    assert ending(found) == pytest.approx(ending(f0), abs=0.4)


def test_declination_changes_every_phrase() -> None:
    f0 = np.concatenate([spoken(0.0), spoken(0.0)])
    found = like_people(f0, [(0.0, 2.0), (2.0, 4.0)], Speech(declination=-0.5))
    time = np.arange(400) * HOP
    for part in (slice(0, 400), slice(400, 800)):
        voiced = f0[part] > 0
        before, after = (
            np.polyfit(time[voiced], np.log(each[part][voiced]) / SEMITONE, 1)[0]
            for each in (f0, found)
        )
        assert after == pytest.approx(before - 0.5, abs=0.15)


def test_a_language_without_keys_and_a_short_phrase_keep_their_f0() -> None:
    f0 = spoken(4.0)
    assert like_people(f0, [(0.0, 2.0)], Speech()) is f0
    short = spoken(4.0, seconds=0.4)
    short[:60] = 0
    np.testing.assert_allclose(like_people(short, [(0.0, 0.4)], Speech(final_fall=0.3)), short)
    silent = np.zeros(100)
    assert like_people(silent, [(0.0, 0.5)], Speech(final_fall=0.3)) is silent


def test_speed_moves_the_window_of_the_fall() -> None:
    """Slow speech falls for longer, and the whole fall becomes shallower."""
    f0, slow = spoken(6.0), np.repeat(spoken(6.0), 2)
    speech = Speech(final_fall=0.4)
    usual = like_people(f0, [(0.0, 2.0)], speech)
    np.testing.assert_allclose(
        like_people(slow, [(0.0, 4.0)], speech, speed=0.5)[::2], usual, rtol=0.01
    )


def test_measured_languages_have_keys_and_english_has_a_plan() -> None:
    assert LANGUAGES["French"].speech.final_fall < 1
    assert LANGUAGES["Chinese"].speech.declination < 0
    english = LANGUAGES["English"].speech
    assert (english.final_fall, english.declination) == (1.0, 0.0)
