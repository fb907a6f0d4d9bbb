"""The length of the pause after a sentence, by its place in the text."""

from __future__ import annotations

import numpy as np

from ..engines.protocol import Speech
from ..text.script import Sentence

PAUSE = 0.4  # seconds after a sentence, where the engine does not know the speaker's pauses
LIMITS = (0.25, 0.8)  # seconds, of the speaker's usual pause
CLAUSE_PAUSE = 0.08  # seconds within a long sentence, where it has no punctuation
LONGEST = 1.5  # seconds
VARIATION = 0.2  # largest deviation by the seed, as a share
_PARAGRAPH = 1.6  # factor after the last sentence of a paragraph
_LEVELS = {
    **dict.fromkeys(",、،，", 0.5),
    **dict.fromkeys(";:；：؛—–-", 0.65),
    **dict.fromkeys("…", 1.2),
}
_CLOSING = "\"'”’»)]」』）】 "
_SHORT, _LONG = 1.0, 6.0  # seconds of speech
_LENGTHS = (0.85, 1.15)  # factors after a short and after a long sentence


def pause_after(sentence: Sentence, speech: Speech, seed: int) -> float:
    """Return the seconds of the pause. The same arguments give the same pause."""
    centre = PAUSE if speech.pause is None else float(np.clip(speech.pause, *LIMITS))
    mark = _LEVELS.get(sentence.text.rstrip(_CLOSING)[-1:])
    if sentence.goes_on:
        pause = CLAUSE_PAUSE if mark is None else centre * mark
    else:
        seconds = len(speech.samples) / speech.sample_rate
        pause = centre * (mark or 1.0) * float(np.interp(seconds, (_SHORT, _LONG), _LENGTHS))
        if sentence.paragraph_end:
            pause *= _PARAGRAPH
    random = np.random.default_rng([seed, sentence.offset])
    return min(pause * (1 + VARIATION * random.uniform(-1, 1)), LONGEST)
