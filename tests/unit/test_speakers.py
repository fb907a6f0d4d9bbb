from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from soundclone.audio.speakers import (
    NEAREST,
    RATE,
    Cohort,
    cohort,
    detect_other_speakers,
    mean_embedding,
    similarities,
)
from tests import media_samples

Samples = NDArray[np.float32]


def speech(who: str) -> Samples:
    """Return a recording without parts 30 dB below its loud parts."""
    samples = soxr.resample(*media_samples.said(who), RATE)
    blocks = samples[: len(samples) // 480 * 480].reshape(-1, 480)
    level = np.mean(blocks**2, axis=1)
    return np.asarray(blocks[level > 1e-3 * np.quantile(level, 0.95)].reshape(-1))


WOMAN, MAN = speech("woman"), speech("man")


def test_a_voice_is_known_again() -> None:
    parts = [
        mean_embedding(part)
        for who in (WOMAN, MAN)
        for part in (who[: 8 * RATE], who[8 * RATE : 16 * RATE])
    ]
    nearness = np.stack(parts) @ np.stack(parts).T
    assert np.diag(nearness) == pytest.approx(1, abs=1e-4)
    assert nearness[0, 1] > nearness[0, 2:].max() + 0.2
    assert nearness[2, 3] > nearness[:2, 2:].max() + 0.2


@pytest.mark.parametrize("band", ["whole", "telephone"])
def test_the_cohort_has_unit_rows(band: Literal["whole", "telephone"]) -> None:
    rows = cohort(band).centres
    assert len(rows) > NEAREST
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-3)
    assert 0 < cohort(band).deviation < cohort(band).mean < 1


def test_a_common_voice_needs_a_higher_cosine() -> None:
    dice = np.random.default_rng(1)

    def unit(vectors: NDArray[np.float64]) -> Samples:
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)

    crowd = dice.standard_normal(128)
    others = Cohort(unit(2 * crowd + dice.standard_normal((256, 128)) * 2), 0.3, 0.1)
    common, rare = unit(crowd[None]), unit(dice.standard_normal((1, 128)))
    # The same cosine of 0.6 between each voice and another recording of it.
    again = [unit(0.6 * each + 0.8 * unit(away(each, dice))) for each in (common, rare)]
    found = [similarities(a, b, others)[0, 0] for a, b in zip((common, rare), again, strict=True)]
    assert found[0] < found[1] - 0.1
    assert similarities(common, again[0], others) == similarities(again[0], common, others)
    assert similarities(common, rare, others)[0, 0] < found[0]
    assert np.abs(similarities(rare, rare, others)).max() <= 1


def away(voice: Samples, dice: np.random.Generator) -> NDArray[np.float64]:
    """Return a direction at a right angle to a voice."""
    drawn = dice.standard_normal(voice.shape)
    return drawn - (drawn @ voice.T) * voice


@pytest.mark.parametrize("one", [WOMAN, MAN, soxr.resample(*media_samples.spoken(20.0), RATE)])
@pytest.mark.parametrize("gain", [0.01, 1.0])
def test_one_speaker_is_alone(one: Samples, gain: float) -> None:
    heard = detect_other_speakers(one[: 20 * RATE] * np.float32(gain))
    assert heard.score < 1
    assert heard.overlap < 0.3


def test_what_somebody_else_says_is_found() -> None:
    heard = detect_other_speakers(
        np.concatenate([MAN[: 9 * RATE], WOMAN[: 5 * RATE], MAN[9 * RATE : 15 * RATE]])
    )
    ((start, end),) = heard.others
    assert heard.score > 1.7
    assert start == pytest.approx(9, abs=0.8)
    assert end == pytest.approx(14, abs=0.8)


def test_two_at_once() -> None:
    assert detect_other_speakers((WOMAN + MAN[: len(WOMAN)])[: 16 * RATE]).overlap > 0.6


@pytest.mark.parametrize("length", [0, 1, 399, 1000, 30_000])
def test_hardly_anything(length: int) -> None:
    for sound in (np.zeros(length, np.float32), np.ones(length, np.float32)):
        assert detect_other_speakers(sound).others == ()
