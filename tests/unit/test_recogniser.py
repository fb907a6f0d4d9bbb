"""The recogniser of sounds, and the language of a recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from soundclone.audio.decode import decode
from soundclone.engines.builtin import listening, recogniser, sounds, spoken_language

RECORDINGS = Path(__file__).parents[1] / "recordings"


@pytest.fixture(scope="module")
def man() -> tuple[NDArray[np.float32], int]:
    found = decode(RECORDINGS / "man.opus")
    return found.samples, found.sample_rate


def test_posteriors_are_probabilities(man: tuple[NDArray[np.float32], int]) -> None:
    samples, rate = man
    rows, speech = listening.measure(samples[: 4 * rate], rate)
    scores = recogniser.log_posteriors(rows)
    assert rows.shape == (len(speech), recogniser.INPUTS)
    assert scores.shape == (len(rows), len(sounds.SOUNDS))
    assert np.exp(scores).sum(axis=1) == pytest.approx(1, abs=1e-4)


def test_decoded_sounds_fill_the_recording(man: tuple[NDArray[np.float32], int]) -> None:
    samples, rate = man
    rows, _ = listening.measure(samples[: 6 * rate], rate)
    found, durations = recogniser.decode(recogniser.log_posteriors(rows))
    assert durations.sum() == len(rows)
    assert durations[:-1].min() >= 3
    per_second = (found != sounds.PAUSE).sum() / 6
    assert 6 < per_second < 20


def test_pauses_are_decoded_as_pauses() -> None:
    found_file = decode(RECORDINGS / "man.opus")
    samples, rate = found_file.samples, found_file.sample_rate
    rows, _ = listening.measure(np.concatenate([samples[: 3 * rate], np.zeros(rate)]), rate)
    found, durations = recogniser.decode(recogniser.log_posteriors(rows))
    assert found[-1] == sounds.PAUSE
    assert durations[-1] > 50


def test_languages_of_the_classifier_exist() -> None:
    from soundclone.text.languages import LANGUAGES

    names = {name for name in spoken_language.classifier().names if name}
    assert names <= set(LANGUAGES)
    assert {"English", "German", "Chinese", "Romanian"} <= names


def test_language_of_a_recording(man: tuple[NDArray[np.float32], int]) -> None:
    assert spoken_language.detect(*man) == "Romanian"


def test_unclear_recording_has_no_language(man: tuple[NDArray[np.float32], int]) -> None:
    samples, rate = man
    assert spoken_language.detect(samples[:rate], rate) is None  # too short
