from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from soundclone.audio.denoise import denoise
from tests import media_samples

DICE = np.random.default_rng(2)


def level(samples: NDArray[np.float32]) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-12))


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_noise_falls_and_sound_stays(rate: int) -> None:
    time = np.arange(4 * rate) / rate
    on = np.sin(2 * np.pi * time) > 0
    noise = 0.003 * DICE.standard_normal(len(time))
    sound = (0.2 * on * np.sin(2 * np.pi * 300 * time) + noise).astype(np.float32)
    cleaned = denoise(sound, rate)
    assert cleaned.shape == sound.shape
    assert cleaned.dtype == np.float32
    assert level(cleaned[on]) == pytest.approx(level(sound[on]), abs=0.3)
    off = ~(np.convolve(on, np.ones(rate // 10), "same") > 0)
    assert level(sound[off]) - level(cleaned[off]) > 7


def test_clean_speech_is_left_alone() -> None:
    speech, rate = media_samples.spoken(4.0)
    change = denoise(speech, rate) - speech
    assert level(change) < level(speech) - 25


@pytest.mark.parametrize("length", [0, 1, 100])
def test_hardly_anything(length: int) -> None:
    for sound in (np.zeros(length, np.float32), np.ones(length, np.float32)):
        cleaned = denoise(sound, 16_000)
        assert cleaned.shape == sound.shape
        assert np.isfinite(cleaned).all()
