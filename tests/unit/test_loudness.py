from __future__ import annotations

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from soundclone.audio import loudness as loudness_module
from soundclone.audio.loudness import TARGET, Limiter, loudness
from tests import media_samples

Samples = NDArray[np.float32]
RATES = [8000, 16000, 22050, 24000, 44100, 48000, 96000]


def limit(samples: Samples, rate: int) -> Samples:
    limiter = Limiter(rate)
    return np.concatenate([limiter.process(samples), limiter.flush()])


def true_peak(samples: Samples, rate: int) -> float:
    """Return the largest magnitude in dBTP, by fourfold oversampling (BS.1770-4, annex 2)."""
    dense = soxr.resample(samples, rate, 4 * rate)
    largest = max(np.abs(dense).max(initial=0.0), np.abs(samples).max(initial=0.0))
    return float(20 * np.log10(max(largest, 1e-10)))


def sine(decibels: float, seconds: float, rate: int, hertz: float = 997.0) -> Samples:
    time = np.arange(round(seconds * rate)) / rate
    return (10 ** (decibels / 20) * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


@pytest.mark.parametrize("rate", RATES)
def test_sine(rate: int) -> None:
    # BS.1770-4, annex 1: 0 dBFS at 997 Hz in one channel is -3.01 LUFS.
    assert loudness(sine(0, 5, rate), rate) == pytest.approx(-3.01, abs=0.01)
    assert loudness(sine(-23, 25, rate), rate) == pytest.approx(-26.01, abs=0.01)


@pytest.mark.parametrize(("hertz", "weight"), [(25, -11), (100, -1.8), (1000, 0), (10_000, 3.3)])
def test_weighting(hertz: float, weight: float) -> None:
    # Figure 4 of annex 1, relative to 1 kHz.
    measured = loudness(sine(-20, 4, 48000, hertz), 48000)
    assert measured + 23.01 == pytest.approx(weight, abs=0.6)


def test_gates() -> None:
    # EBU Tech 3341, cases 3 and 4, for one channel: quiet parts do not count.
    loud, quiet = sine(-20, 60, 16000), sine(-36, 10, 16000)
    whole = np.concatenate([quiet, loud, quiet])
    assert loudness(whole, 16000) == pytest.approx(-23.01, abs=0.1)
    silent = sine(-72, 10, 16000)
    assert loudness(np.concatenate([silent, whole, silent]), 16000) == pytest.approx(
        -23.01, abs=0.1
    )


def test_short_and_silent() -> None:
    assert loudness(sine(-20, 0.2, 16000), 16000) == pytest.approx(-23.0, abs=0.5)
    for length in (0, 1, 100, 16000):
        silence = np.zeros(length, np.float32)
        assert loudness(silence, 16000) == -np.inf


def test_limit_leaves_quiet_sound_alone() -> None:
    wave = sine(-2, 1, 44100)
    np.testing.assert_array_equal(limit(wave, 44100), wave)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([8000, 24000, 44100]),
    st.floats(-6, 24),
    st.integers(0, 20000),
)
def test_limit_keeps_the_ceiling(seed: int, rate: int, decibels: float, length: int) -> None:
    generator = np.random.default_rng(seed)
    wave = generator.standard_normal(length).astype(np.float32)
    wave *= np.float32(10 ** (decibels / 20)) * (generator.random(length) < 0.1)
    limited = limit(wave, rate)
    assert limited.shape == wave.shape
    assert limited.dtype == np.float32
    assert true_peak(limited, rate) <= -0.99
    assert np.all(np.abs(limited) <= np.abs(wave))
    assert np.all(np.sign(limited) == np.sign(wave))


def test_volume_is_heard_and_never_clips() -> None:
    """Quiet, it is a gain to the decibel; loud, it comes as near to the ceiling as speech can."""
    samples, rate = media_samples.said("woman")
    speech = samples[: 10 * rate]
    speech *= np.float32(10 ** ((TARGET - loudness(speech, rate)) / 20))
    levels = {v: loudness(limit(speech * np.float32(v), rate), rate) for v in (0.1, 0.5, 1, 2, 10)}
    assert levels[0.1] == pytest.approx(-38, abs=0.1)
    assert levels[0.5] == pytest.approx(-24.02, abs=0.1)
    assert levels[1] == pytest.approx(-18, abs=0.3)
    assert levels[2] > levels[1] + 3
    assert levels[10] > max(levels[2], -13.5)
    assert true_peak(limit(speech * np.float32(10), rate), rate) <= -0.99


def test_limiter_in_blocks() -> None:
    wave = np.random.default_rng(1).standard_normal(44100 * 4).astype(np.float32)
    limiter = Limiter(44100)
    blocks = [limiter.process(block) for block in np.array_split(wave, 37)]
    joined = np.concatenate([*blocks, limiter.flush()])
    np.testing.assert_allclose(joined, limit(wave, 44100), atol=1e-5)


def test_samples_are_filtered_in_a_size_that_is_fast() -> None:
    for least in [*range(1, 300), 133_321]:  # 133,321 is a prime, which takes ten times as long
        size = loudness_module._fast_size(least)
        left = size
        for factor in (2, 3, 5):
            while left % factor == 0:
                left //= factor
        assert left == 1
        assert least <= size <= 1.4 * least
