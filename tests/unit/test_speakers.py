from __future__ import annotations

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from soundclone.audio.speakers import RATE, detect_other_speakers, mean_embedding
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
