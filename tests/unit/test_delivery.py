"""Variation of a reading, pauses within a sentence, and the decay at the end."""

from __future__ import annotations

import numpy as np
import pytest

from soundclone.engines.builtin.delivery import Variation, pause_warp, with_release
from soundclone.engines.builtin.vocoder import BANDS, HOP, Parameters

PHONES = ((0.0, ""), (0.05, "a"), (0.5, ""), (0.7, "b"), (1.0, ""), (1.04, "a"), (1.9, ""))


USUAL = np.array([0.5, 0.3], np.float32)  # pauses


def steady(seconds: float, *, voiced: bool = True) -> Parameters:
    count = round(seconds / HOP)
    return Parameters(
        f0=np.full(count, 120.0 if voiced else 0.0),
        envelope=np.zeros((count, BANDS)),
        level=np.zeros(count),
        aperiodicity=np.full((count, 1), -20.0),
    )


def test_a_place_has_its_reading() -> None:
    first, again, other = (Variation.of(1, place) for place in (0, 0, 9))
    assert first == again
    assert first.rate != other.rate
    assert abs(first.rate - 1) <= 0.03
    spoken = steady(2)
    one, two = first.applied(spoken), other.applied(spoken)
    np.testing.assert_array_equal(one.f0, again.applied(spoken).f0)
    assert not np.array_equal(one.f0, two.f0)
    assert np.abs(12 * np.log2(one.f0 / 120)).max() < 0.7
    assert np.abs(one.level).max() < 0.24
    assert not Variation.of(1, 0).applied(steady(1, voiced=False)).f0.any()


@pytest.mark.parametrize("speed", [0.75, 1, 1.4])
def test_pauses_within_a_sentence_follow_the_speaker(speed: float) -> None:
    count = round(2 / HOP)
    warp = pause_warp(PHONES, count, Variation.of(0, 0), USUAL, speed)
    pause = warp.time(0.7) - warp.time(0.5)
    assert 0.17 / speed - HOP <= pause <= 0.52 / speed + HOP
    # Speech and short closures keep their length.
    assert warp.time(0.5) == pytest.approx(0.5)
    assert warp.time(1.9) - warp.time(0.7) == pytest.approx(1.2)
    assert len(warp.frames) == round(warp.time(2.0) / HOP)
    assert np.all(np.diff(warp.frames) >= 0)


def test_pauses_vary_around_the_usual_one() -> None:
    pauses = [Variation.of(0, place).pause(USUAL, 0.4, 3) for place in range(300)]
    assert np.median(pauses) == pytest.approx(1.15 * 0.5, rel=0.1)
    assert np.log(pauses).std() == pytest.approx(0.28, abs=0.04)
    commas = [Variation.of(0, place).pause(USUAL, 0.2, 3) for place in range(300)]
    assert np.median(commas) == pytest.approx(0.6 * 0.5, rel=0.1)


@pytest.mark.parametrize(("voiced", "low", "high"), [(True, 0.06, 0.2), (False, 0.04, 0.1)])
def test_an_end_decays(voiced: bool, low: float, high: float) -> None:
    longer = with_release(steady(0.5, voiced=voiced))
    power = 10 / np.log(10) * (longer.level + np.log(np.exp(longer.envelope).mean(axis=1)))
    start, stop = (np.flatnonzero(power > -depth)[-1] for depth in (12, 35))
    assert low <= (stop - start) * HOP <= high
    assert power[-1] < -40
    assert np.all(np.diff(longer.aperiodicity[-5:, 0]) >= 0)
    assert bool(longer.f0[-1] > 0) == voiced


def test_an_end_that_decays_already_keeps_its_level() -> None:
    spoken = steady(1)
    spoken.level[100:] = -np.linspace(0, 10, 100)
    assert np.array_equal(with_release(spoken).level[:200], spoken.level)
