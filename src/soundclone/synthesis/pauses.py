"""The length of the pause after a sentence, by its place in the text."""

from __future__ import annotations

import numpy as np

from ..engines.protocol import Speech
from ..text.script import Sentence

PAUSE = 0.4  # seconds after a sentence, where the engine does not know the speaker's pauses
LIMITS = (0.25, 0.8)  # seconds, of the speaker's usual pause
CLAUSE_PAUSE = 0.08  # seconds within a long sentence, where it has no punctuation
SHORTEST, LONGEST = 0.06, 1.5  # seconds
SPREAD = 0.3  # standard deviation of the natural log, where the engine does not know the speaker's
_RAREST = 1.8  # largest deviation by the seed, in standard deviations
_LITTLE = 0.1  # standard deviation within a sentence that the service splits at no punctuation
_PARAGRAPH = 1.6  # factor after the last sentence of a paragraph
_LEVELS = {
    **dict.fromkeys(",、،，", 0.52),
    **dict.fromkeys(";:；：؛—–-", 0.65),
    **dict.fromkeys("…", 1.2),
}
_CLOSING = "\"'”’»)]」』）】 "
_SHORT, _LONG = 1.0, 6.0  # seconds of speech
_LENGTHS = (0.85, 1.15)  # factors after a short and after a long sentence


def pause_after(sentence: Sentence, speech: Speech, seed: int) -> float:
    """Return the seconds of the pause. The same arguments give the same pause.

    The pauses of a text are log-normal, as people's are.
    """
    centre = PAUSE if speech.pause is None else float(np.clip(speech.pause, *LIMITS))
    spread = SPREAD if speech.pause_spread is None else speech.pause_spread
    mark = _LEVELS.get(sentence.text.rstrip(_CLOSING)[-1:])
    if sentence.goes_on:
        pause = CLAUSE_PAUSE if mark is None else centre * mark
        spread = _LITTLE if mark is None else spread
    else:
        seconds = len(speech.samples) / speech.sample_rate
        pause = centre * (mark or 1.0) * float(np.interp(seconds, (_SHORT, _LONG), _LENGTHS))
        if sentence.paragraph_end:
            pause *= _PARAGRAPH
    random = np.random.default_rng([seed, sentence.offset])
    pause *= np.exp(spread * np.clip(random.standard_normal(), -_RAREST, _RAREST))
    return float(np.clip(pause, SHORTEST, LONGEST))
