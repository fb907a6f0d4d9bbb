from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from soundclone.engines.emotion import PROFILES, EmotionProfile
from soundclone.engines.protocol import Controls, Emotion, Samples, Speech, Voice, Word
from soundclone.synthesis.prosody import change_voice, speak, stretch_time
from tests import media_samples
from tests.engines.test_engines import Tone

RATE = 24_000


def vowel(hertz: float = 120.0, seconds: float = 2.0) -> Samples:
    """Pulses through resonances at 700 and 1200 Hz."""
    phase = np.cumsum(np.full(round(seconds * RATE), hertz / RATE))
    pulses = np.diff(np.floor(phase), prepend=0.0)
    spectrum = np.fft.rfft(pulses)
    at = np.fft.rfftfreq(len(pulses), 1 / RATE)
    shape = sum(1 / (1 + ((at - formant) / 60) ** 2) for formant in (700, 1200)) + 0.003
    samples = np.fft.irfft(spectrum * shape, len(pulses))
    return np.asarray(0.3 * samples / np.abs(samples).max(), np.float32)


def f0(samples: Samples) -> float:
    """Return the F0 of the middle: the maximum of its autocorrelation, interpolated."""
    middle = samples[len(samples) // 4 : -len(samples) // 4].astype(np.float64)
    size = 2 * len(middle)
    power = np.fft.irfft(np.abs(np.fft.rfft(middle, size)) ** 2, size)[: len(middle)]
    power /= len(middle) - np.arange(len(middle))
    low, high = RATE // 600, RATE // 55
    lag = low + int(np.argmax(power[low:high] * (1 - 0.1 * np.arange(high - low) / high)))
    before, here, after = power[lag - 1 : lag + 2]
    return float(RATE / (lag + 0.5 * (before - after) / (before - 2 * here + after)))


def formant(samples: Samples) -> float:
    """Hz, the middle of the spectrum's weight from 400 to 950 Hz."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    at = np.fft.rfftfreq(len(samples), 1 / RATE)
    part = (at > 400) & (at < 950)
    return float((at * power)[part].sum() / power[part].sum())


@pytest.mark.parametrize("speed", [0.5, 0.73, 1.25, 2.0])
@pytest.mark.parametrize("hertz", [70.0, 120.0, 310.0])
def test_speed_changes_length_and_nothing_else(speed: float, hertz: float) -> None:
    samples = vowel(hertz)
    said = stretch_time(Speech(samples, RATE, (Word("a", 0.4, 1.0, 0, 1),)), speed)
    assert len(said.samples) == round(len(samples) / speed)
    assert said.words[0].start == pytest.approx(0.4 / speed)
    assert said.words[0].end == pytest.approx(1.0 / speed)
    assert 1200 * abs(np.log2(f0(said.samples) / f0(samples))) < 5
    middle, whole = said.samples[RATE // 10 : -RATE // 10], samples[RATE // 10 : -RATE // 10]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(np.sqrt(np.mean(whole**2)), rel=0.05)
    assert np.abs(np.diff(middle)).max() < 1.2 * np.abs(np.diff(whole)).max(), "no click"


@pytest.mark.parametrize("speed", [0.5, 1.6, 2.0])
def test_things_are_heard_when_they_should(speed: float) -> None:
    samples = vowel()
    samples[: RATE // 2] = 0
    samples[RATE:] = 0
    said = stretch_time(Speech(samples, RATE), speed).samples
    loud = np.flatnonzero(np.abs(said) > 0.02) / RATE
    assert loud[0] == pytest.approx(0.5 / speed, abs=0.03)
    assert loud[-1] == pytest.approx(1.0 / speed, abs=0.03)


@pytest.mark.parametrize("pitch", [-12, -5, 3, 12])
def test_pitch_is_exact_and_formants_stay(pitch: int) -> None:
    speech = Speech(vowel(), RATE)
    said = change_voice(speech, EmotionProfile(), pitch)
    assert len(said.samples) == len(speech.samples)
    cents = 1200 * np.log2(f0(said.samples) / f0(speech.samples))
    assert cents == pytest.approx(100 * pitch, abs=20)
    # As near as its harmonics lie to the formant.
    assert formant(said.samples) == pytest.approx(formant(speech.samples), abs=75)


def test_a_recording_of_speech() -> None:
    samples, rate = media_samples.said("man")
    speech = Speech(samples[: 6 * rate], rate)
    for emotion in Emotion:
        said = stretch_time(change_voice(speech, PROFILES[emotion], 2), PROFILES[emotion].rate)
        assert np.isfinite(said.samples).all()
        assert len(said.samples) == pytest.approx(6 * rate / PROFILES[emotion].rate, abs=1)


def test_nothing_asked_is_nothing_done() -> None:
    speech = Speech(vowel(), RATE)
    assert stretch_time(change_voice(speech, EmotionProfile()), 1.0) is speech


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(10), np.zeros(5000), np.ones(700)])
def test_next_to_nothing(samples: np.ndarray) -> None:
    speech = Speech(samples.astype(np.float32), RATE)
    for speed in (0.5, 2.0):
        said = stretch_time(change_voice(speech, PROFILES[Emotion.ANGRY], 5), speed)
        assert np.isfinite(said.samples).all()


class Able(Tone):
    info = replace(Tone.info, native=frozenset({"speed", "pitch", "emotion"}))
    asked: Controls | None = None

    def speak(self, voice: Voice, sentence: str, controls: Controls) -> Speech:
        self.asked = controls
        return super().speak(voice, sentence, controls)


@pytest.mark.parametrize(("speed", "native"), [(0.25, 0.5), (4.0, 2.0), (2.0, 2.0)])
def test_speech_is_stretched_to_speeds_beyond_those_of_engines(speed: float, native: float) -> None:
    controls = Controls("English", speed=speed)
    voice, able, tone = Voice("tone", "1", b""), Able(), Tone()
    plain = tone.speak(voice, "Hello there.", controls)
    said = speak(able, voice, "Hello there.", controls)
    assert able.asked == replace(controls, speed=native)
    assert len(said.samples) == pytest.approx(len(plain.samples) / (speed / native), abs=1)
    said = speak(tone, voice, "Hello there.", controls)
    assert len(said.samples) == pytest.approx(len(plain.samples) / speed, abs=1)
    assert 1200 * abs(np.log2(f0(said.samples) / 220)) < 20


def test_what_an_engine_can_do_it_does_itself() -> None:
    controls = Controls("English", emotion=Emotion.SAD, speed=1.5, pitch=4)
    voice, able, tone = Voice("tone", "1", b""), Able(), Tone()
    plain = tone.speak(voice, "Hello there.", controls)
    assert np.array_equal(speak(able, voice, "Hello there.", controls).samples, plain.samples)
    assert able.asked == controls
    said = speak(tone, voice, "Hello there.", controls)
    assert len(said.samples) == pytest.approx(
        len(plain.samples) / 1.5 / PROFILES[Emotion.SAD].rate, abs=1
    )
    assert 1200 * np.log2(f0(said.samples) / 220) == pytest.approx(250, abs=20)
