"""Pulses and noise of the vocoder, and the refinement of a recording's envelopes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from soundclone.audio.decode import decode
from soundclone.engines.builtin import excitation, mixing, postfilter, refinement, vocoder
from soundclone.engines.builtin.analysis import LEVEL, active, analyse
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


@pytest.mark.parametrize("f0", [0.0, 150.0])
def test_the_filter_of_a_recording_does_not_change_the_bands_above(f0: float) -> None:
    whole = flat(np.full(3, f0))
    envelope = whole.envelope.copy()
    envelope[:, 76:] -= 4.0  # of a recording that was resampled to 16 kHz
    mean = envelope.mean(axis=1)
    faded = replace(whole, envelope=envelope - mean[:, None], level=whole.level + mean)
    high, same = (vocoder.output_bands(each)[:, BANDS:] for each in (whole, faded))
    np.testing.assert_allclose(same, high, atol=1e-5)


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


def distance(parameters: Parameters, samples: NDArray[np.float64]) -> float:
    """Return the mean difference in dB of a synthesis from the recording, in frames of speech."""
    wanted = soxr.resample(samples, vocoder.SAMPLE_RATE, vocoder.OUTPUT_RATE)
    floor = 1e-4
    made, real = (
        np.log(refinement._powers(x, parameters.f0) + floor)
        for x in (vocoder.synthesise(parameters), wanted)
    )
    return float(4.34 * np.abs(made - real)[active(parameters)][:, :76].mean())


def test_the_post_filter_keeps_the_loudness(recording: NDArray[np.float64]) -> None:
    parameters = refinement.refined(vocoder.analyse(recording), recording)
    plain, filtered = (vocoder.synthesise(parameters, filtered=f) for f in (False, True))
    assert np.abs(filtered - plain).max() > 0.01
    assert 10 * np.log10(filtered.var() / plain.var()) == pytest.approx(0, abs=1)


def test_the_post_filter_keeps_the_pitch(recording: NDArray[np.float64]) -> None:
    before = vocoder.analyse(recording)
    said = soxr.resample(vocoder.synthesise(before), vocoder.OUTPUT_RATE, vocoder.SAMPLE_RATE)
    after = vocoder.analyse(said)
    both = before.voiced & (after.f0[: len(before.f0)] > 0)
    assert both.sum() > 0.9 * before.voiced.sum()
    cents = 1200 * np.log2(after.f0[: len(before.f0)][both] / before.f0[both])
    assert abs(np.median(cents)) < 6
    assert np.median(np.abs(cents)) < 30


def test_the_post_filter_changes_its_bands_only(recording: NDArray[np.float64]) -> None:
    parameters = vocoder.analyse(recording)
    plain, filtered = (vocoder.synthesise(parameters, filtered=f) for f in (False, True))
    change = np.abs(np.fft.rfft((filtered - plain) * np.hanning(len(plain))))
    hertz = np.fft.rfftfreq(len(plain), 1 / vocoder.OUTPUT_RATE)
    inside = change[(hertz > 100) & (hertz < 7000)].mean()
    assert change[hertz > 8100].max() < 0.01 * inside
    assert change[hertz < 30].max() < 0.05 * inside


def test_the_post_filter_sees_few_neighbours() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((60, postfilter.FEATURES)).astype(np.float32)
    magnitude = rng.uniform(0.01, 1, (60, postfilter.BINS)).astype(np.float32)
    whole = postfilter.correction(rows, magnitude)
    part = slice(20 - postfilter.REACH, 31 + postfilter.REACH)
    alone = postfilter.correction(rows[part], magnitude[part])
    inner = slice(postfilter.REACH, postfilter.REACH + 11)
    for name in ("pulses", "noise", "phase"):
        np.testing.assert_allclose(
            getattr(alone, name)[inner], getattr(whole, name)[20:31], atol=1e-4
        )


def test_refined_parameters_are_closer_to_the_recording(recording: NDArray[np.float64]) -> None:
    before = vocoder.analyse(recording)
    after = refinement.refined(before, recording)
    assert distance(after, recording) < 0.85 * distance(before, recording)
    again = refinement.refined(before, recording)
    np.testing.assert_array_equal(after.envelope, again.envelope)
    np.testing.assert_allclose(after.envelope.mean(axis=1), 0, atol=1e-9)
    np.testing.assert_array_equal(after.f0, before.f0)


def test_refinement_leaves_bands_without_harmonics_alone(recording: NDArray[np.float64]) -> None:
    rumble = np.sin(2 * np.pi * 40 * np.arange(len(recording)) / vocoder.SAMPLE_RATE)
    loud = recording + 0.1 * rumble
    before = vocoder.analyse(loud)
    after = refinement.refined(before, loud)
    low = vocoder.band_centres() < 0.7 * before.f0[:, None]
    bands = [p.envelope + p.level[:, None] for p in (before, after)]
    np.testing.assert_allclose(bands[0][low], bands[1][low], atol=1e-9)


@pytest.mark.parametrize("kind", ["silence", "noise", "hum", "click"])
def test_odd_recordings_can_be_refined(kind: str) -> None:
    count = 2 * vocoder.SAMPLE_RATE
    samples = np.zeros(count)
    if kind == "noise":
        samples = 0.1 * np.random.default_rng(0).standard_normal(count)
    elif kind == "hum":
        samples = 0.1 * np.sin(2 * np.pi * 100 * np.arange(count) / vocoder.SAMPLE_RATE)
    elif kind == "click":
        samples[count // 2] = 0.9
    measured = analyse(samples, vocoder.SAMPLE_RATE)
    assert np.isfinite(measured.parameters.envelope).all()
    assert np.isfinite(measured.parameters.level).all()
