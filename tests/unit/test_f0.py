"""F0 of sounds whose F0 is known."""

from __future__ import annotations

import numpy as np
import pytest
import pyworld
from numpy.typing import NDArray

from soundclone.audio import f0
from soundclone.audio.f0 import grid, track

RATE, HOP = 16_000, 0.005
Array = NDArray[np.float64]


def pulses(f0: Array) -> Array:
    """A pulse train through two formants; `f0` in Hz for each sample."""
    phase = np.cumsum(f0 / RATE)
    train = np.diff(np.floor(phase), prepend=0.0)
    samples = train
    for centre, width in ((600.0, 80.0), (1500.0, 120.0)):
        ring = np.exp(-np.pi * width * np.arange(800) / RATE) * np.cos(
            2 * np.pi * centre * np.arange(800) / RATE
        )
        samples = np.convolve(samples, ring)[: len(train)]
    return np.asarray(0.1 * samples / np.abs(samples).max())


def cents(found: Array, wanted: Array | float) -> Array:
    return np.asarray(1200 * np.log2(found / wanted))


@pytest.mark.parametrize("hertz", [70.0, 110.0, 180.0, 260.0, 420.0])
def test_a_pulse_train_has_its_rate(hertz: float) -> None:
    found = track(pulses(np.full(RATE, hertz)), RATE, HOP)[20:-20]
    assert (found > 0).all()
    assert np.abs(cents(found, hertz)).max() <= 26  # a grid point lies 25 cents from the next


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 48_000])
def test_any_sampling_rate(rate: int) -> None:
    time = np.arange(rate) / rate
    samples = sum(np.sin(2 * np.pi * 150 * k * time) / k for k in range(1, 20))
    found = track(0.1 * np.asarray(samples), rate, HOP)
    assert len(found) == round(1 / HOP) + 1
    assert np.abs(cents(found[20:-20], 150.0)).max() <= 26


def test_a_glide_is_followed() -> None:
    glide = 120 * 2 ** np.linspace(0, 1, 2 * RATE)
    found = track(pulses(glide), RATE, HOP)[:-1]
    wanted = glide[(np.arange(len(found)) * HOP * RATE).astype(int)]
    inner = slice(20, -20)
    assert np.abs(cents(found[inner], wanted[inner])).max() < 60


def test_noise_and_silence_are_unvoiced() -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(RATE)
    assert (track(noise, RATE, HOP) > 0).mean() < 0.02
    assert not track(np.zeros(RATE), RATE, HOP).any()


def test_a_hiss_between_vowels_is_unvoiced_though_the_mains_hum_in_it() -> None:
    rng = np.random.default_rng(0)
    vowel = pulses(np.full(RATE // 2, 140.0))
    hiss = np.diff(rng.standard_normal(RATE // 2 + 1)) * 0.02
    hum = 0.005 * np.sin(2 * np.pi * 100 * np.arange(3 * RATE // 2) / RATE)
    samples = np.concatenate([vowel, hiss, vowel]) + hum
    found = track(samples, RATE, HOP)
    assert not found[110:190].any()
    assert (found[10:90] > 0).all()
    assert (found[210:290] > 0).all()


def test_one_speaker_does_not_leap_by_octaves() -> None:
    # Every second pulse weaker, as in a creaking voice: the period could be taken for twice it.
    f0 = np.full(2 * RATE, 200.0)
    samples = pulses(f0)
    creak = pulses(np.full(RATE // 5, 100.0))
    samples[RATE : RATE + len(creak)] += 0.4 * creak
    found = track(samples, RATE, HOP)[20:-20]
    assert (np.abs(cents(found, 200.0)) < 60).mean() > 0.97


def test_in_noise_it_is_close_to_the_truth() -> None:
    seconds = 4
    rng = np.random.default_rng(1)
    contour = 130 * 2 ** (0.25 * np.sin(2 * np.pi * 0.7 * np.arange(seconds * RATE) / RATE))
    samples = pulses(contour)
    noise = rng.standard_normal(len(samples)) * np.sqrt(np.mean(samples**2)) * 10 ** (-10 / 20)
    found = track(samples + noise, RATE, HOP)[:-1]
    wanted = contour[(np.arange(len(found)) * HOP * RATE).astype(int)]
    voiced = found > 0
    assert voiced.mean() > 0.8
    assert np.median(np.abs(cents(found[voiced], wanted[voiced]))) < 20
    assert (np.abs(cents(found[voiced], wanted[voiced])) > 240).mean() < 0.01


def test_few_frames_of_a_synthesised_voice_in_noise_are_wrong() -> None:
    frames = 600
    f0 = 150 + 40 * np.sin(np.arange(frames) / 40)
    f0[200:260] = 0
    f0[420:450] = 0
    bins = np.arange(513) * RATE / 1024
    envelope = np.tile(1e-4 / (1 + (bins / 500) ** 2), (frames, 1))
    noise = np.where(f0[:, None] > 0, 0.1, 1.0) * np.ones_like(envelope)
    samples = pyworld.synthesize(f0, envelope, noise, RATE, 1000 * HOP)
    samples = samples + 0.2 * samples.std() * np.random.default_rng(2).standard_normal(len(samples))

    found = track(samples, RATE, HOP)[:frames]
    both = (found > 0) & (f0 > 0)
    assert (np.abs(cents(found[both], f0[both])) > 240).mean() < 0.01
    # Windows of 50 ms smear the edges of voiced stretches by a few frames.
    assert ((found > 0) != (f0 > 0)).mean() < 0.07


def test_hostile_samples() -> None:
    for samples in (np.zeros(0), np.zeros(1), np.ones(80), np.full(RATE // 10, 1e-9)):
        found = track(np.asarray(samples, np.float64), RATE, HOP)
        assert len(found) == int(len(samples) / RATE / HOP + 1e-6) + 1
        assert not found.any() or (found >= grid()[0]).all()


@pytest.mark.parametrize("frames", [1, 2, 200, 201, 450])
def test_the_path_is_the_strongest_of_all(frames: int) -> None:
    draw = np.random.default_rng(frames)
    voiced, unvoiced = draw.normal(size=(frames, 30)), 1 + draw.normal(size=frames)
    # States and their costs, written out: 30 points, then the unvoiced state.
    points = np.arange(30)
    costs = np.full((31, 31), f0._CHANGE * 0.01 / HOP)
    costs[:30, :30] = np.abs(points[:, None] - points) * f0._JUMP * 0.01 / HOP / f0._PER_OCTAVE
    costs[30, 30] = 0
    strengths = np.column_stack([voiced, unvoiced])
    total, origins = strengths[0], []
    for row in strengths[1:]:
        reached = total[:, None] - costs
        origins.append(reached.argmax(axis=0))
        total = reached.max(axis=0) + row
    wanted = [int(total.argmax())]
    for origin in reversed(origins):
        wanted.append(int(origin[wanted[-1]]))
    assert f0._best_path(voiced, unvoiced, HOP).tolist() == wanted[::-1]
