"""Checks of references, controls and voices that the engines share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ..errors import EngineUnavailable, NoSpeech, SourceError, SpeechTooShort, SynthesisError
from .protocol import Controls, Emotion, Reference, Samples, Voice

_SILENCE = 1e-5  # of full scale


def check_reference(
    reference: Reference, *, shortest: float, lowest_rate: int = 8_000, highest_rate: int
) -> Samples:
    """Return the samples of a reference that an engine can clone, shape (n,), float32.

    Args:
        reference: The recording to check.
        shortest: Least length in seconds.
        lowest_rate: Lowest sample rate in Hz.
        highest_rate: Highest sample rate in Hz.

    Raises:
        SpeechTooShort: The recording is shorter than `shortest`.
        NoSpeech: The recording is silent.
        SourceError: The samples or the sample rate are not those of a recording.
    """
    samples = np.asarray(reference.samples, np.float32)
    rate = reference.sample_rate
    if not lowest_rate <= rate <= highest_rate:
        raise SourceError(
            f"the reference has {rate} Hz; {lowest_rate} to {highest_rate} Hz are understood"
        )
    if samples.ndim != 1:
        raise SourceError(f"the reference has the shape {samples.shape}; one channel is needed")
    seconds = len(samples) / rate
    if seconds < shortest:
        raise SpeechTooShort(
            f"the reference lasts {seconds:.1f} s; at least {shortest:.0f} s is needed"
        )
    if not np.isfinite(samples).all():
        raise SourceError("the reference has samples that are not finite numbers")
    if not np.any(np.abs(samples) > _SILENCE):
        raise NoSpeech("the reference is silent; a recording of one person speaking is needed")
    return samples


def check_controls(controls: Controls) -> None:
    """Raise SynthesisError if the emotion, speed or pitch is out of range."""
    if controls.emotion not in set(Emotion):
        raise SynthesisError(
            f"emotion is {controls.emotion!r}; it must be one of {', '.join(Emotion)}"
        )
    if not 0.5 <= controls.speed <= 2:
        raise SynthesisError(f"speed is {controls.speed}; it must be within 0.5 and 2")
    if not -12 <= controls.pitch <= 12:
        raise SynthesisError(f"pitch is {controls.pitch}; it must be within -12 and 12")


def check_voice(voice: Voice, engine: str, version: str) -> None:
    """Raise SynthesisError if another engine, or another version of it, made the voice."""
    if voice.engine != engine:
        raise SynthesisError(
            f"the voice was made by the engine {voice.engine!r}, not by {engine!r}"
        )
    if voice.version != version:
        raise SynthesisError(
            f"the voice was made by version {voice.version!r} of {engine}, this is {version!r}; "
            "clone it again"
        )


@contextmanager
def clone_errors() -> Iterator[None]:
    """Raise EngineUnavailable where the block raises SynthesisError, which `clone` must not."""
    try:
        yield
    except SynthesisError as error:
        raise EngineUnavailable(error.message, error.logged) from error
