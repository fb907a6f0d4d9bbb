from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundclone.engines.neural.reference import select_segment

RATE = 8000


def phrases(*lengths: float, level: float = 0.1, noise: float = 1e-4) -> np.ndarray:
    """Stretches of noise as loud as speech (positive lengths) and pauses (negative ones), s."""
    rng = np.random.default_rng(0)
    parts = [
        rng.standard_normal(round(abs(each) * RATE)) * (level if each > 0 else noise)
        for each in lengths
    ]
    return np.concatenate(parts).astype(np.float32)


def seconds(samples: np.ndarray) -> float:
    return len(samples) / RATE


def test_what_is_short_enough_stays_as_it_is() -> None:
    samples = phrases(2, -1, 2)
    assert select_segment(samples, RATE, 3, 10) is samples


def test_the_stretch_with_the_most_speech_is_taken_in_whole_phrases() -> None:
    samples = phrases(4, -3, 2, -0.4, 3, -0.4, 3, -3, 5)
    taken = select_segment(samples, RATE, 3, 10)
    assert seconds(taken) == pytest.approx(8.8 + 0.2, abs=0.05)  # with its margins
    start = round(6.9 * RATE)
    assert np.abs(taken[: RATE // 20]).max() < 0.01  # it begins and ends in a pause
    assert np.abs(taken[-RATE // 20 :]).max() < 0.01
    assert np.array_equal(taken[RATE:-RATE], samples[start : start + len(taken)][RATE:-RATE])


def test_short_gaps_are_no_pauses() -> None:
    samples = phrases(3, -0.1, 4, -1, 5, -1, 5)
    assert seconds(select_segment(samples, RATE, 3, 8)) == pytest.approx(7.1 + 0.1, abs=0.05)


def test_speech_over_noise_is_told_from_it() -> None:
    samples = phrases(-2, 4, -2, 5, -2, 3, -2, noise=0.02)
    assert seconds(select_segment(samples, RATE, 3, 6)) == pytest.approx(5.2, abs=0.05)


def test_speech_without_pauses_is_cut_where_it_is_quietest() -> None:
    samples = phrases(20)
    quiet = round(7 * RATE)
    samples[quiet : quiet + RATE // 25] *= 0.3
    assert seconds(select_segment(samples, RATE, 3, 10)) == pytest.approx(7.0, abs=0.15)


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.floats(-4, 6).filter(lambda each: abs(each) > 0.05), max_size=12),
    noise=st.sampled_from([0.0, 1e-4, 0.1]),
)
def test_any_recording_gives_a_part_of_it_within_bounds(lengths: list[float], noise: float) -> None:
    samples = phrases(*lengths, 0.5, noise=noise)
    taken = select_segment(samples, RATE, 3, 10)
    assert 0 < len(taken) <= min(len(samples), 10 * RATE)
    if len(samples) > 10 * RATE:
        assert np.shares_memory(taken, samples)
