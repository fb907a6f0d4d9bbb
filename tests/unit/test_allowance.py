from __future__ import annotations

import numpy as np
import pytest

from soundclone.engines.emotion import Emotion
from soundclone.engines.protocol import Speech
from soundclone.errors import SynthesisError
from soundclone.synthesis.allowance import Allowance


def seconds(number: float) -> Speech:
    return Speech(np.zeros(round(number * 1000), np.float32), 1000)


def test_what_an_engine_makes_of_a_text_is_bounded() -> None:
    """41 characters may have 2 (20 + 0.6 41) = 89.2 s."""
    allowance = Allowance(41)
    for _ in range(89):
        allowance.spend(seconds(1))
    with pytest.raises(SynthesisError, match="more than 89 s, which is the most for 41 characters"):
        allowance.spend(seconds(1))


def test_earlier_chunks_count() -> None:
    allowance = Allowance(41, spent=60.0)
    allowance.spend(seconds(29))
    with pytest.raises(SynthesisError):
        allowance.spend(seconds(1))


def test_slow_speech_may_last_longer() -> None:
    for emotion in (Emotion.NEUTRAL, Emotion.SAD):
        Allowance(41, speed=0.5, emotion=emotion).spend(seconds(170))
    with pytest.raises(SynthesisError):
        Allowance(41, speed=2.0).spend(seconds(50))
