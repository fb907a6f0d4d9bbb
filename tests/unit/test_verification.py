from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundclone.engines.protocol import Samples, Speech
from soundclone.synthesis.verification import check_audio
from soundclone.text.duration_bounds import duration_bounds
from soundclone.text.languages import LANGUAGES

RATE = 24_000
TEXT = "The ferry leaves at nine."


def tone(seconds: float, amplitude: float = 0.2) -> Samples:
    times = np.arange(round(seconds * RATE)) / RATE
    return (amplitude * np.sin(2 * np.pi * 220 * times)).astype(np.float32)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.float32)


def found(samples: Samples, text: str = TEXT, speed: float = 1.0) -> str | None:
    return check_audio(Speech(samples, RATE), text, speed)


def test_speech_of_the_right_length() -> None:
    assert found(tone(1.8)) is None
    assert found(np.concatenate([silence(9), tone(1.8), silence(9)])) is None, "it is cut later"
    assert found(np.concatenate([tone(0.9), silence(1), tone(0.9)])) is None


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (tone(0.2), "it has 0.2 s of sound; at least 0.4 s"),
        (tone(30), "it lasts 30.0 s; at most"),
        (np.concatenate([tone(0.9), silence(4), tone(0.9)]), "silent for 4.0 s in the middle"),
        (np.concatenate([tone(0.1), silence(2), tone(0.05)]), "it has 0.2 s of sound"),
        (silence(2), "it is silent"),
        (tone(1.8, 1e-4), "it is silent"),
        (silence(0), "it is silent"),
        (np.array([0.1, np.nan], np.float32), "no numbers"),
        (np.array([0.1, np.inf], np.float32), "no numbers"),
    ],
)
def test_what_is_no_such_sentence(samples: Samples, said: str) -> None:
    assert said in (found(samples) or "nothing")


def test_speed_is_taken_into_account() -> None:
    assert found(tone(12)) is not None
    assert found(tone(12), speed=0.5) is None
    assert found(tone(0.25)) is not None
    assert found(tone(0.25), speed=2) is None


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_language_has_its_pace(name: str) -> None:
    """7 to 13 seconds is how long the built-in engine takes over a preview line."""
    least, most = duration_bounds(LANGUAGES[name].preview)
    assert 1 < least < 4
    assert 18 < most < 60


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("BBC, NASA, FBI.", 5), ("www.example.com/a_b?c", 9), ("12345678", 6.8), ("x" * 200, 90)],
)
def test_what_is_spelled_is_long(text: str, seconds: float) -> None:
    assert duration_bounds(text)[1] > seconds


@given(st.text(max_size=50), st.floats(0.5, 2))
def test_bounds_of_any_text(text: str, speed: float) -> None:
    least, most = duration_bounds(text, speed)
    assert 0 <= least < most
