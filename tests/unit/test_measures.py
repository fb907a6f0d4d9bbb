"""Measures of bench/ on signals whose rate, level spread, slope and lengths are known."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

RATE = 16_000
Array = NDArray[np.floating]


@pytest.fixture(autouse=True)
def _bench(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "bench"))


@pytest.fixture
def prosody() -> ModuleType:
    return importlib.import_module("prosody")


@pytest.fixture
def hearing() -> ModuleType:
    return importlib.import_module("hearing")


@pytest.fixture
def report() -> ModuleType:
    return importlib.import_module("report")


@pytest.fixture
def final_set() -> ModuleType:
    return importlib.import_module("final_set")


def syllables(times: Array, levels: Array, seconds: float, semitones: Array) -> Array:
    """Return a hum with a peak at each time, of the given levels in dB above 1e-2."""
    at = np.arange(round(seconds * RATE)) / RATE
    amplitude = np.zeros_like(at)
    for time, level in zip(times, levels, strict=True):
        amplitude += 10 ** (level / 20 - 2) * np.exp(-0.5 * ((at - time) / 0.04) ** 2)
    pitch = np.interp(at, np.arange(len(semitones)) * 0.01, semitones)
    phase = 2 * np.pi * np.cumsum(120 * 2 ** (pitch / 12)) / RATE
    return np.asarray((amplitude + 1e-6) * sum(np.sin(n * phase) for n in range(1, 20)))


def contour(
    prosody: ModuleType, times: Array, levels: Array, seconds: float, tones: Array
) -> object:
    f0 = 120 * 2 ** (tones / 12)
    return prosody.contour(syllables(times, levels, seconds, tones), RATE, f0)


@pytest.mark.parametrize("rate", [3.0, 4.0, 5.0])
def test_rate_counts_the_syllables_of_a_second_of_speech(prosody: ModuleType, rate: float) -> None:
    times = 0.2 + np.arange(20) / rate
    sound = contour(prosody, times, np.zeros(20), times[-1] + 0.2, np.zeros(2000))

    assert prosody.measure([sound]).rate == pytest.approx(rate, rel=0.06)


def test_rate_leaves_out_pauses(prosody: ModuleType) -> None:
    times = np.concatenate([0.2 + np.arange(8) / 4, 3.2 + np.arange(8) / 4])
    found = prosody.measure([contour(prosody, times, np.zeros(16), 5.3, np.zeros(530))])

    assert found.rate == pytest.approx(4.0, rel=0.1)


def test_pauses_have_their_lengths(prosody: ModuleType) -> None:
    starts = np.cumsum([0.2, 1.5, 1.8, 1.2])
    times = np.concatenate([start + np.arange(4) / 4 for start in starts])
    found = prosody.measure([contour(prosody, times, np.zeros(16), 6.0, np.zeros(600))])

    assert found.pause == pytest.approx(0.75 - 0.2, abs=0.06)  # a syllable is audible for 0.1 s
    assert found.pause_spread == pytest.approx(0.2, abs=0.05)


def test_level_spread_is_that_of_the_syllables(prosody: ModuleType) -> None:
    levels = np.tile([-4.0, 4.0, 0.0], 8)
    found = prosody.measure([contour(prosody, 0.2 + np.arange(24) / 4, levels, 6.3, np.zeros(630))])

    assert found.level_spread == pytest.approx(np.std(levels), rel=0.1)


def test_level_spread_ignores_the_level_of_a_recording(prosody: ModuleType) -> None:
    times, levels = 0.2 + np.arange(12) / 4, np.tile([0.0, -3.0], 6)
    near = contour(prosody, times, levels, 3.2, np.zeros(320))
    far = contour(prosody, times, levels - 12, 3.2, np.zeros(320))

    assert prosody.measure([near, far]).level_spread == pytest.approx(
        prosody.measure([near]).level_spread, rel=0.03
    )


def test_even_syllables_have_less_variable_intervals(prosody: ModuleType) -> None:
    even = 0.2 + np.arange(12) * 0.25
    uneven = 0.2 + np.cumsum(np.tile([0.18, 0.32], 6))

    def npvi(times: Array) -> float:
        sound = contour(prosody, times, np.zeros(12), 3.6, np.zeros(360))
        return float(prosody.measure([sound]).npvi)

    assert npvi(even) < 6
    assert npvi(uneven) == pytest.approx(100 * 0.14 / 0.25, rel=0.1)


@pytest.mark.parametrize("slope", [-3.0, 0.0, 1.5])
def test_slope_of_f0(prosody: ModuleType, slope: float) -> None:
    tones = slope * np.arange(320) / 100
    times = 0.2 + np.arange(12) / 4
    found = prosody.measure([contour(prosody, times, np.zeros(12), 3.2, tones)])

    assert found.f0_slope == pytest.approx(slope, abs=0.01)
    assert found.f0_spread == pytest.approx(abs(slope) * 3.2 / math.sqrt(12), abs=0.02)


def test_octave_errors_do_not_widen_the_spread_of_f0(prosody: ModuleType) -> None:
    tones = 2 * np.sin(np.arange(320) / 10)
    tones[::40] += 12
    found = prosody.measure([contour(prosody, 0.2 + np.arange(12) / 4, np.zeros(12), 3.2, tones)])

    assert found.f0_spread == pytest.approx(2 / math.sqrt(2), rel=0.1)


def test_silence_has_no_prosody(prosody: ModuleType) -> None:
    found = prosody.measure([prosody.contour(np.zeros(RATE), RATE, np.zeros(100))])

    assert math.isnan(found.f0_spread)
    assert math.isnan(found.level_spread)


def test_ratios_are_those_to_the_person(prosody: ModuleType) -> None:
    clone = prosody.Prosody(2.0, -1.0, 3.0, 4.0, 40.0, math.nan, math.nan)
    person = prosody.Prosody(4.0, -1.5, 3.0, 5.0, 40.0, 0.3, 0.1)

    found = prosody.ratios(clone, person)

    assert (found["f0_spread"], found["rate"]) == (0.5, 0.8)
    assert found["f0_slope"] == 0.5
    assert math.isnan(found["pause"])


def test_rumble_is_filtered_and_voice_is_not(hearing: ModuleType) -> None:
    at = np.arange(2 * RATE) / RATE
    rumble, voice = np.sin(2 * np.pi * 40 * at), np.sin(2 * np.pi * 150 * at)

    kept = hearing.high_passed(rumble + voice)[RATE // 4 : -RATE // 4]

    assert np.std(kept - voice[RATE // 4 : -RATE // 4]) < 0.01


def test_pieces_have_one_length_and_no_silence_at_the_ends(hearing: ModuleType) -> None:
    noise = np.random.default_rng(0).normal(size=RATE * 2) * 0.1
    clip = hearing.Sound(np.pad(noise, RATE), RATE)

    cut = hearing.pieces([clip, clip, clip], 3.3, 8)

    assert [len(piece) for piece in cut] == [round(3.3 * RATE)] * 2
    assert len(hearing.pieces([clip], 3.3, 8)) == 1
    assert len(hearing.pieces([clip] * 10, 3.3, 4)) == 4


def test_paired_differences_have_the_standard_error_over_speakers(report: ModuleType) -> None:
    old = {name: {"similarity": 0.7} for name in "abcd"}
    new = {
        name: {"similarity": 0.7 + gain}
        for name, gain in zip("abcd", (0.01, 0.03, 0.01, 0.03), strict=True)
    }

    assert "+0.020 ± 0.006" in report.paired("old", {"old": old, "new": new})


def test_summary_names_the_worst_speaker(report: ModuleType) -> None:
    found = report.summary(
        {"a": {"similarity": 0.8, "hp_similarity": 0.7}, "b": {"similarity": 0.6}}
    )

    assert (found["similarity"], found["worst"]) == (pytest.approx(0.7), 0.6)
    assert found["hp_worst"] == 0.7


def clips(final_set: ModuleType, *speech: float) -> Iterator[object]:
    for number, seconds in enumerate(speech):
        yield final_set.Clip(f"{number}.opus", seconds + 0.5, seconds, RATE)


def test_a_reference_of_the_final_set_leaves_clips_to_compare_with(final_set: ModuleType) -> None:
    reference, others = final_set.divide(
        list(clips(final_set, 4.0, 9.0, 3.0, 1.0, 9.0, 2.0, 28.0, 6.0))
    )

    assert [clip.path for clip in reference] == ["6.opus"]
    assert [clip.path for clip in others] == ["0.opus", "1.opus", "2.opus", "4.opus"]


def test_a_speaker_with_too_little_speech_is_refused(final_set: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"2 clips give a reference with 16.0 s of speech"):
        final_set.divide(list(clips(final_set, 8.0, 8.0)))
