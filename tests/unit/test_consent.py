"""Comparison of consent recordings with samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from soundclone.audio import encode
from soundclone.audio.consent import LEAST_SIMILARITY, verify
from soundclone.audio.decode import decode
from soundclone.errors import ConsentMismatch, ConsentUnusable
from tests import media_samples

Samples = NDArray[np.float32]


def said(who: str, start: float, end: float, rate: int = 16_000) -> Samples:
    samples, own = media_samples.said(who)
    part = samples[round(start * own) : round(end * own)]
    return np.asarray(soxr.resample(part, own, rate), np.float32)


def telephone(sound: Samples) -> Samples:
    spectrum = np.fft.rfft(sound)
    hertz = np.fft.rfftfreq(len(sound), 1 / 16_000)
    spectrum[(hertz < 300) | (hertz > 3400)] = 0
    return np.fft.irfft(spectrum, len(sound)).astype(np.float32)


def noisy(sound: Samples) -> Samples:
    noise = np.random.default_rng(1).standard_normal(len(sound)).astype(np.float32)
    return sound + noise * np.float32(0.18 * np.sqrt(np.mean(sound**2)))


@pytest.mark.parametrize(
    ("who", "made"),
    [
        ("man", lambda x: x),
        ("man", telephone),
        ("woman", telephone),
        pytest.param("woman", noisy, marks=pytest.mark.slow),
        pytest.param("woman", lambda x: np.float32(0.01) * x, marks=pytest.mark.slow),
        pytest.param("man", lambda x: np.float32(3) * x, marks=pytest.mark.slow),
    ],
    ids=["plain", "telephone man", "telephone woman", "noise", "quiet", "loud"],
)
def test_the_same_person_passes(who: str, made: Callable[[Samples], Samples]) -> None:
    found = verify(made(said(who, 24, 33)), 16_000, said(who, 0, 14), 16_000)
    assert LEAST_SIMILARITY <= found.similarity <= 1
    assert 3 < found.speech_seconds < 9


@pytest.mark.slow
@pytest.mark.parametrize("rates", [(8_000, 48_000), (44_100, 11_025)])
def test_rates_may_differ(rates: tuple[int, int]) -> None:
    consent, sample = said("woman", 24, 33, rates[0]), said("woman", 0, 14, rates[1])
    assert verify(consent, rates[0], sample, rates[1]).similarity >= LEAST_SIMILARITY


@pytest.mark.parametrize(("one", "other"), [("man", "woman"), ("woman", "man")])
def test_another_person_is_refused(one: str, other: str) -> None:
    with pytest.raises(ConsentMismatch, match=r"similarity is -?0\.\d\d, and at least 0\.\d\d"):
        verify(said(other, 24, 33), 16_000, said(one, 0, 14), 16_000)


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(160_000, np.float32),
        np.zeros(0, np.float32),
        np.ones(16, np.float32),
        media_samples.tone(8, 16_000),
        0.1 * np.random.default_rng(2).standard_normal(160_000).astype(np.float32),
    ],
    ids=["silence", "nothing", "click", "tone", "noise"],
)
def test_no_speech_is_no_consent(sound: Samples) -> None:
    with pytest.raises(ConsentUnusable, match=r"has 0\.0 s of speech; at least 2 s is needed"):
        verify(sound, 16_000, said("man", 0, 20), 16_000)


def test_a_word_is_no_consent() -> None:
    with pytest.raises(ConsentUnusable, match=r"has [01]\.\d s of speech; at least 2 s"):
        verify(said("man", 1, 2.2), 16_000, said("man", 10, 30), 16_000)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["mp3", "ogg"])
def test_lossy_codecs_do_not_matter(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"consent.{form}"
    with encode.Encoder(path, form, sample_rate_in=16_000) as encoder:
        encoder.write(said("man", 24, 33))
    sound = decode(path).sound
    found = verify(sound[:], sound.rate, said("man", 0, 14), 16_000)
    assert found.similarity >= LEAST_SIMILARITY
