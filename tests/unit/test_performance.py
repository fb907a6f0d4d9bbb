"""Conversion of a performance by the built-in engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from soundclone.audio import f0
from soundclone.audio.decode import decode
from soundclone.engines.builtin import BuiltinEngine, performance, vocoder
from soundclone.engines.builtin.analysis import analyse, f0_statistics
from soundclone.engines.protocol import Converter, Reference, Speech, Voice
from soundclone.errors import NoSpeech, SynthesisError

RECORDINGS = Path(__file__).parents[1] / "recordings"


def recording(name: str, seconds: float) -> Reference:
    decoded = decode(RECORDINGS / f"{name}.opus")
    return Reference(decoded.samples[: round(seconds * decoded.sample_rate)], decoded.sample_rate)


@pytest.fixture(scope="module")
def engine() -> BuiltinEngine:
    return BuiltinEngine()


@pytest.fixture(scope="module")
def man(engine: BuiltinEngine) -> Voice:
    return engine.clone(recording("man", 16.0))


@pytest.fixture(scope="module")
def performed() -> Reference:
    return recording("woman", 6.0)


@pytest.fixture(scope="module")
def converted(engine: BuiltinEngine, man: Voice, performed: Reference) -> Speech:
    return engine.convert(man, performed)


def contour(samples: np.ndarray, rate: int) -> np.ndarray:
    import soxr

    at_rate = soxr.resample(samples.astype(np.float64), rate, 16_000)
    return f0.track(at_rate, 16_000, 0.01)


def test_the_engine_is_a_converter(engine: BuiltinEngine) -> None:
    assert isinstance(engine, Converter)
    assert engine.info.converts


def test_the_duration_stays(performed: Reference, converted: Speech) -> None:
    wanted = len(performed.samples) / performed.sample_rate
    assert converted.sample_rate == vocoder.OUTPUT_RATE
    assert len(converted.samples) / converted.sample_rate == pytest.approx(wanted, abs=1e-3)
    assert np.abs(converted.samples).max() <= 1.0


def test_the_melody_stays_and_the_register_follows_the_voice(
    performed: Reference, converted: Speech
) -> None:
    before = contour(performed.samples, performed.sample_rate)
    after = contour(converted.samples, converted.sample_rate)
    count = min(len(before), len(after))
    both = (before[:count] > 0) & (after[:count] > 0)
    logs = np.log(before[:count][both]), np.log(after[:count][both])
    assert np.corrcoef(*logs)[0, 1] > 0.8
    man = recording("man", 16.0)
    own = f0_statistics(contour(man.samples, man.sample_rate))[0]
    assert f0_statistics(after)[0] == pytest.approx(own, abs=0.12)
    assert f0_statistics(before)[0] > own + 0.25


def test_the_pauses_stay(performed: Reference, converted: Speech) -> None:
    loud = [
        analyse(np.asarray(samples, np.float64), rate).active
        for samples, rate in (
            (performed.samples, performed.sample_rate),
            (converted.samples, converted.sample_rate),
        )
    ]
    count = min(map(len, loud))
    assert np.mean(loud[0][:count] == loud[1][:count]) > 0.85


def test_pieces_are_cut_at_quiet_moments_and_keep_every_sample() -> None:
    rng = np.random.default_rng(1)
    samples = rng.standard_normal(70 * 8_000).astype(np.float32)
    samples[round(18.5 * 8_000) : 19 * 8_000] = 0
    pieces = list(performance._cut(samples, 8_000))
    assert np.array_equal(np.concatenate(pieces), samples)
    assert 18.5 < len(pieces[0]) / 8_000 < 19
    assert all(len(piece) <= 25 * 8_000 for piece in pieces)


def test_a_performance_without_a_voice_is_refused(engine: BuiltinEngine, man: Voice) -> None:
    noise = np.random.default_rng(0).standard_normal(32_000).astype(np.float32) * 0.05
    with pytest.raises(NoSpeech, match="voiced speech"):
        engine.convert(man, Reference(noise, 16_000))


def test_a_voice_of_another_engine_is_refused(engine: BuiltinEngine, performed: Reference) -> None:
    with pytest.raises(SynthesisError, match="'other'"):
        engine.convert(Voice("other", "1", b""), performed)


def test_the_caller_can_end_the_work(
    engine: BuiltinEngine, man: Voice, performed: Reference
) -> None:
    class Ended(Exception):
        pass

    def end() -> None:
        raise Ended

    with pytest.raises(Ended):
        engine.convert(man, performed, end)
