"""Pulses and noise of the vocoder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from soundclone.audio.decode import decode
from soundclone.engines.builtin import excitation, mixing, vocoder
from soundclone.engines.builtin.analysis import LEVEL
from soundclone.engines.builtin.vocoder import BANDS, Parameters

RECORDING = Path(__file__).parents[1] / "recordings" / "woman.opus"


@pytest.fixture(scope="module")
def recording() -> NDArray[np.float64]:
    decoded = decode(RECORDING)
    samples = soxr.resample(decoded.samples, decoded.sample_rate, vocoder.SAMPLE_RATE)
    samples = np.asarray(samples[: 6 * vocoder.SAMPLE_RATE], np.float64)
    return np.asarray(samples * (LEVEL / np.sqrt(np.mean(samples**2))))


def flat(f0: NDArray[np.float64], noise: float = -60.0) -> Parameters:
    count = len(f0)
    return Parameters(
        f0=f0,
        envelope=np.zeros((count, BANDS)),
        level=np.full(count, -7.0),
        aperiodicity=np.full((count, 1), noise),
    )


def test_pulses_have_the_pitch_and_the_power_of_the_envelope() -> None:
    pulses, noise = vocoder.streams(flat(np.full(401, 200.0)))
    spectrum = np.abs(np.fft.rfft(pulses[:24_000] * np.hanning(24_000)))
    assert spectrum[195:206].argmax() == 5
    assert spectrum[50:150].max() < 0.01 * spectrum[200]
    assert 10 * np.log10(pulses.var() / noise.var()) == pytest.approx(0, abs=1)


def test_an_unvoiced_stretch_has_noise_only() -> None:
    pulses, noise = vocoder.streams(flat(np.zeros(200)))
    np.testing.assert_array_equal(pulses, noise)
    times, _ = excitation.pulse_times(np.zeros(200), 24_000)
    assert len(times) == 0


def test_no_sound_is_made_between_voiced_stretches() -> None:
    f0 = np.concatenate([np.full(50, 150.0), np.zeros(100), np.full(50, 150.0)])
    times, periods = excitation.pulse_times(f0, 199 * excitation.STEP + 1)
    gap = (times > 51 * excitation.STEP) & (times < 149 * excitation.STEP)
    assert not gap.any()
    np.testing.assert_allclose(periods, 160, rtol=1e-3)


def test_blocks_of_frames_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = flat(np.full(1205, 130.0), -12.0)
    whole = vocoder.synthesise(parameters)
    monkeypatch.setattr(mixing, "_BLOCK", 37)
    np.testing.assert_allclose(vocoder.synthesise(parameters), whole, atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3, 101])
def test_a_synthesis_lasts_as_long_as_its_frames(count: int) -> None:
    for f0 in (np.zeros(count), np.full(count, 100.0)):
        said = vocoder.synthesise(flat(f0))
        assert said.shape == ((count - 1) * excitation.STEP + 1,)
        assert np.isfinite(said).all()


def test_silence_stays_silent() -> None:
    silent = replace(flat(np.full(100, 100.0)), level=np.full(100, np.log(1e-12)))
    assert np.abs(vocoder.synthesise(silent)).max() < 1e-4


def test_a_synthesis_is_deterministic(recording: NDArray[np.float64]) -> None:
    parameters = vocoder.analyse(recording[: 2 * vocoder.SAMPLE_RATE])
    np.testing.assert_array_equal(vocoder.synthesise(parameters), vocoder.synthesise(parameters))
