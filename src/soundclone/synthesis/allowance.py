"""Limit on the seconds of speech that a task may produce for its billed characters.

The API refuses texts whose estimated speech is too long for their price. The limit here is twice
that bound. It ends a task whose engine produces far more speech than was estimated.
"""

from __future__ import annotations

from ..engines.emotion import PROFILES, Emotion
from ..engines.protocol import Speech
from ..errors import SynthesisError
from ..text import duration

_FACTOR = 2.0


class Allowance:
    """Seconds of speech that a task has left."""

    def __init__(
        self, characters: int, *, speed: float = 1.0, emotion: Emotion = Emotion.NEUTRAL,
        spent: float = 0.0,
    ) -> None:  # fmt: skip
        """Start with the allowance of `characters`, less `spent` seconds."""
        self._characters = characters
        self._limit = _FACTOR * duration.most_speech(characters) / (speed * PROFILES[emotion].rate)
        self._spent = spent

    def spend(self, speech: Speech) -> None:
        """Count the seconds of `speech`.

        Raises:
            SynthesisError: the task has produced too much speech.
        """
        self.spend_seconds(len(speech.samples) / speech.sample_rate)

    def spend_seconds(self, seconds: float) -> None:
        """Count seconds of speech. Raises SynthesisError like `spend`."""
        self._spent += seconds
        if self._spent > self._limit:
            raise SynthesisError(
                f"the speech lasts more than {self._limit:.0f} s, which is the most for "
                f"{self._characters} characters; another wording may help"
            )
