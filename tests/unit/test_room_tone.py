"""Room tone: its level, its spectrum, and its length."""

from __future__ import annotations

import numpy as np
import pytest

from soundclone.synthesis.room_tone import LEVEL, add_room_tone, room_tone

RATE = 24_000


def test_it_is_faint_and_has_no_rumble() -> None:
    tone = room_tone(10 * RATE, RATE, 1).astype(np.float64)
    assert 10 * np.log10(np.mean(tone**2)) == pytest.approx(LEVEL, abs=0.2)
    assert np.abs(tone).max() < 10 ** ((LEVEL + 16) / 20)
    power = np.abs(np.fft.rfft(tone)) ** 2
    hertz = np.fft.rfftfreq(len(tone), 1 / RATE)
    assert power[hertz < 70].sum() < 1e-6 * power.sum()
    assert power[hertz > 8000].sum() < 0.05 * power.sum()
    # No hum: no narrow band stands out.
    bands = power[(hertz >= 150) & (hertz < 8150)].reshape(-1, 400).mean(axis=1)
    assert (10 * np.abs(np.diff(np.log10(bands)))).max() < 3


def test_the_seed_chooses_the_noise() -> None:
    first = room_tone(9000, RATE, 1)
    assert np.array_equal(first, room_tone(9000, RATE, 1))
    assert abs(np.corrcoef(first, room_tone(9000, RATE, 2))[0, 1]) < 0.1
    assert not len(room_tone(0, RATE, 1))


def test_it_follows_the_loudness_of_the_speech() -> None:
    silence = np.zeros(RATE, np.float32)
    quiet, usual, alone = (
        10 * np.log10(np.mean(add_room_tone(silence, RATE, 0, loudness) ** 2))
        for loudness in (-38.0, -18.0, -np.inf)
    )
    assert usual - quiet == pytest.approx(20, abs=0.1)
    assert alone == pytest.approx(usual, abs=0.01)
