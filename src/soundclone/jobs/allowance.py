"""Seconds of speech that a task may produce for its billed characters.

The API refuses texts whose estimated length is too long for them. The allowance is twice that
bound, and ends a task whose engine makes more of the text than was estimated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..core.requests import SpeechOptions
from ..engines.emotion import PROFILES
from ..engines.protocol import Speech
from ..errors import SynthesisError
from ..text import duration

_FACTOR = 2.0

Chunk = Mapping[str, Any]


class Allowance:
    """The seconds of speech that are left to a task."""

    def __init__(self, options: SpeechOptions, characters: int, spoken: Sequence[Chunk]) -> None:
        """`spoken` are the chunks before the next one."""
        self._characters = characters
        rate = options.speed * PROFILES[options.emotion].rate
        self._most = _FACTOR * duration.most_speech(characters) / rate
        self._spent = sum(
            end - start for chunk in spoken for start, end, *_ in chunk.get("spoken", ())
        )

    def spend(self, speech: Speech) -> Speech:
        """The speech, once its seconds are counted. Raises SynthesisError when they are more than
        is left."""
        self._spent += len(speech.samples) / speech.sample_rate
        if self._spent > self._most:
            raise SynthesisError(
                f"the speech lasts more than {self._most:.0f} s, which is the most for "
                f"{self._characters} characters; another wording may help"
            )
        return speech
