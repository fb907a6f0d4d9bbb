"""Spread of the levels of syllables."""

from __future__ import annotations

import numpy as np
import pytest

from soundclone.engines.builtin import syllable_levels
from soundclone.engines.builtin.vocoder import BANDS, Array, Parameters

DB = np.log(10) / 10
PERIOD = 40  # frames from one syllable to the next


def speech(levels: list[float]) -> Parameters:
    """Speak syllables at levels in dB, with dips of 12 dB between them."""
    frames = np.arange(PERIOD * len(levels))
    peaks = np.repeat(np.array(levels), PERIOD)
    dip = -6 - 6 * np.cos(2 * np.pi * frames / PERIOD)
    return Parameters(
        f0=np.full(len(frames), 120.0),
        envelope=np.zeros((len(frames), BANDS)),
        level=(peaks + dip) * DB,
        aperiodicity=np.full((len(frames), 1), -20.0),
    )


LEVELS = list(np.random.default_rng(0).normal(0, 2.5, 30))
SPOKEN = speech(LEVELS)


def middles(parameters: Parameters) -> Array:
    return np.asarray(parameters.level[PERIOD // 2 :: PERIOD] / DB)


def test_the_spread_is_that_of_the_syllables() -> None:
    assert syllable_levels.spread(SPOKEN) / DB == pytest.approx(2.5, abs=0.5)
    assert syllable_levels.spread(speech([0.0] * 20)) / DB == pytest.approx(1.5)  # lower limit


@pytest.mark.parametrize("factor", [0.85, 1.5])
def test_speech_gets_the_wanted_spread(factor: float) -> None:
    own = syllable_levels.spread(SPOKEN)
    changed = syllable_levels.with_spread(SPOKEN, factor * own / syllable_levels.LOST)
    assert syllable_levels.spread(changed) == pytest.approx(factor * own, rel=0.08)
    assert np.corrcoef(middles(changed), middles(SPOKEN))[0, 1] > 0.97


def test_a_syllable_keeps_its_shape() -> None:
    changed = syllable_levels.with_spread(SPOKEN, 4 * DB)
    middle = np.arange(PERIOD // 2, len(SPOKEN.level) - PERIOD, PERIOD)
    gains = (changed.level - SPOKEN.level) / DB
    near = [np.ptp(gains[m - 5 : m + 6]) for m in middle]
    assert np.median(near) < 1
    assert np.ptp(gains) > 4


def test_a_single_syllable_and_silence_stay() -> None:
    single = speech([0.0])
    assert syllable_levels.with_spread(single, 4 * DB) is single
    silent = Parameters(np.zeros(50), np.zeros((50, BANDS)), np.full(50, -30.0), np.zeros((50, 1)))
    assert syllable_levels.with_spread(silent, 4 * DB) is silent
