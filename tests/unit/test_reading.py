"""Plans of sentences: timing and melody that the models of prosody give to English."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from soundclone.engines.builtin import prosody_model, reading, sound_context, sounds, voice
from soundclone.engines.builtin.delivery import Variation
from soundclone.engines.builtin.frontend import Pool, Utterance

TEXT = "When we left, the old house was quiet; nobody had lived there for years."
RNG = np.random.default_rng(0)
ARRAYS: dict[str, Any] = {
    name: RNG.normal(size=shape).astype(np.float32) for name, shape in voice._shapes().items()
}
SPEAKER = voice._voice(
    ARRAYS
    | {
        "f0": np.array([4.9, 0.18], np.float32),
        "pauses": np.array([0.4, 0.1], np.float32),
    },
    language="",
)


@pytest.fixture(scope="module")
def spoken() -> Iterator[Utterance]:
    pool = Pool(size=1)
    yield pool.speak(TEXT, "English")
    pool.close()


def plan(spoken: Utterance, rate: float = 4.5, speed: float = 1.0, place: int = 0) -> reading.Plan:
    found = reading.planned(spoken, TEXT, "en", SPEAKER, rate, speed, Variation.of(1, place))
    assert found is not None
    return found


def test_the_words_of_a_plan_are_in_order_and_inside(spoken: Utterance) -> None:
    found = plan(spoken)
    seconds = len(found.origin) * 0.005
    assert [w.text for w in found.words] == [w.text for w in spoken.words]
    edges = [t for w in found.words for t in (w.start, w.end)]
    assert edges == sorted(edges)
    assert edges[0] >= 0
    assert edges[-1] <= seconds


def test_the_source_is_used_once_and_in_order(spoken: Utterance) -> None:
    origin = plan(spoken).origin
    assert (np.diff(origin) >= 0).all()
    assert origin[-1] <= len(spoken.samples) / spoken.sample_rate


@pytest.mark.parametrize("rate", [3.5, 4.5, 6.0])
def test_the_rate_is_the_wanted_one(spoken: Utterance, rate: float) -> None:
    found = plan(spoken, rate)
    rows, _ = sounds.sequence(spoken.phones, spoken.words, TEXT)
    syllables = sounds.nuclei(rows[:, sounds.SOUND]).sum()
    said = sum(w.end - w.start for w in found.words)
    assert syllables / said == pytest.approx(rate, rel=0.1)


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.25, 2.0])
def test_speed_divides_the_duration(spoken: Utterance, speed: float) -> None:
    plain, changed = plan(spoken), plan(spoken, speed=speed)
    assert len(plain.origin) / len(changed.origin) == pytest.approx(speed, rel=0.02)


def test_another_place_is_another_reading_of_the_same_length(spoken: Utterance) -> None:
    first, again, other = plan(spoken), plan(spoken), plan(spoken, place=1)
    np.testing.assert_array_equal(first.f0, again.f0)
    np.testing.assert_array_equal(first.origin, again.origin)
    assert len(other.origin) == pytest.approx(len(first.origin), rel=0.05)
    count = min(len(first.f0), len(other.f0))
    assert np.abs(first.f0[:count] - other.f0[:count]).max() > 0.01


def test_the_melody_falls_in_a_statement(spoken: Utterance) -> None:
    f0 = plan(spoken).f0
    third = len(f0) // 3
    assert f0[:third].mean() > f0[-third:].mean()


def test_a_question_rises() -> None:
    pool = Pool(size=1)
    ends = {}
    for text in ("You were there today.", "You were there today?"):
        source = pool.speak(text, "English")
        found = reading.planned(source, text, "en", SPEAKER, 4.5, 1.0, Variation.of(1, 0))
        assert found is not None
        last = round(found.words[-1].end / 0.005)
        ends[text] = found.f0[last - 20 : last].mean() - found.f0.mean()
    pool.close()
    statement, question = ends.values()
    assert question > statement + 0.1


def test_a_text_without_known_sounds_has_no_plan(spoken: Utterance) -> None:
    silent = replace(spoken, phones=((0.0, ""),))
    assert reading.planned(silent, TEXT, "en", SPEAKER, 4.5, 1.0, Variation.of(1, 0)) is None


def test_a_language_without_recordings_takes_the_mean() -> None:
    known = prosody_model.language_row("en")
    mean = prosody_model.language_row("xx")
    assert known.shape == mean.shape
    assert not np.array_equal(known, mean)


def test_context_describes_each_sound(spoken: Utterance) -> None:
    rows, optional = sounds.with_pauses(sounds.sequence(spoken.phones, spoken.words, TEXT)[0])
    described = sound_context.context(rows)
    assert described.shape == (len(rows), sound_context.CONTEXT)
    assert np.isfinite(described).all()
    assert (rows[optional, sounds.SOUND] == sounds.PAUSE).all()
