"""Check synthesised speech against its text: sound, length, and the transcript of a recogniser.

Neural engines sometimes skip words, repeat words, or continue with noise or silence. Length and
energy reveal the worst of these faults without another model. The bounds are wide, because a
speaker may be slow and a number is long when it is spoken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import numpy as np

from ..asr.alignment import Match, Token, align, tokens
from ..engines.protocol import Samples, Speech
from ..text.duration_bounds import duration_bounds
from ..text.languages import LANGUAGES
from ..text.normalisation import normalise

_LONGEST_PAUSE = 3.0  # seconds within a sentence
_FLOOR = 10 ** (-40 / 20)  # of the loudest frame; a quieter frame is a pause
_QUIET = 10 ** (-60 / 20)  # of full scale
_FRAME = 0.02  # seconds

# Share of a text's letters that may be recognised differently, and share that may be missing or
# added in one place: for languages that Whisper knows well, and for the others.
_WELL, _WELL_AT_ONCE = 0.35, 0.2
_BADLY, _BADLY_AT_ONCE = 0.65, 0.35
# Letters that may differ in a text of any length.
_ANYHOW, _ANYHOW_AT_ONCE = 6, 12
_FEWEST = 3  # different words that a text needs, so that its transcript can be judged
_FEWEST_SYLLABLES = 6  # the same for languages without spaces
_REPEATED = 3  # a recogniser does not count longer repetitions ("ha ha ha ha")


def check_audio(speech: Speech, text: str, speed: float = 1.0) -> str | None:
    """Check that speech has plausible sound and length for its text.

    Args:
        speech: The speech.
        text: Its text, normalised.
        speed: Rate at which the text was spoken.

    Returns:
        What is wrong with the speech, as the end of a sentence, or None.
    """
    samples, rate = speech.samples, speech.sample_rate
    if not np.isfinite(samples).all():
        return "it has values that are no numbers"
    energy = _frames(samples, rate)
    if energy.max(initial=0.0) < _QUIET**2:
        return "it is silent"
    active = np.flatnonzero(energy > _FLOOR**2 * energy.max())
    least, most = duration_bounds(text, speed)
    spoken, seconds = len(active) * _FRAME, (active[-1] + 1 - active[0]) * _FRAME
    if spoken < least - _FRAME:
        return f"it has {spoken:.1f} s of sound; at least {least:.1f} s was expected"
    if seconds > most:
        return f"it lasts {seconds:.1f} s; at most {most:.1f} s was expected"
    pause = (np.diff(active).max(initial=1) - 1) * _FRAME
    longest = _LONGEST_PAUSE / min(speed, 1.0)
    if pause > longest:
        return f"it is silent for {pause:.1f} s in the middle; at most {longest:.1f} s was expected"
    return None


def check_transcript(heard: str, text: str, language: str, *, strained: bool = False) -> str | None:
    """Check a recogniser's transcript of speech against the text that was spoken.

    The letters of aligned words are compared. Case, marks, punctuation and spacing do not count,
    nor does the spelling of a number or the choice among ideographs of one sound. A share of the
    letters may be recognised differently, because the recogniser makes errors too. A smaller share
    may be missing or added in one place, beyond what was recognised there instead. Both shares are
    larger for languages that Whisper knows less well, and for strained speech. A text of fewer
    than three words passes, because the recogniser often fails at single words.

    The bounds come from the preview lines of 40 languages and their sentences, with errors put in.
    With one word in five misheard, 1 % of the texts are refused. With two in five, 8 % are refused.
    With six words too many or too few, 97 % are refused. For languages that Whisper knows less
    well, these shares are 0 %, 3 % and 62 %.

    Args:
        heard: The transcript.
        text: The text, normalised.
        language: Name of the text's language.
        strained: True for an unusual speed or pitch.

    Returns:
        What is wrong, as the end of a sentence that quotes neither text, or None.
    """
    wanted = _unrepeated(tokens(text, language))
    found = _unrepeated(tokens(normalise(heard, language).text, language))
    unspaced = not LANGUAGES[language].spaces
    if len({word.letters for word in wanted}) < (_FEWEST_SYLLABLES if unspaced else _FEWEST):
        return None
    if not found:
        return "no word of it was recognised"
    letters = _letters(wanted)
    well_known = LANGUAGES[language].recognition.well_recognised and not strained
    limit, at_once = (_WELL, _WELL_AT_ONCE) if well_known else (_BADLY, _BADLY_AT_ONCE)
    most = max(_ANYHOW_AT_ONCE, at_once * letters)
    unit = "syllables" if unspaced else "words"
    matches = align(wanted, found, language)
    wrong = sum(match.edits for match in matches)
    for missed, added in _gaps(wanted, found, matches):
        if _letters(missed) - _letters(added) > most:
            last = missed[-1] is wanted[-1]
            which = f"its last {len(missed)} {unit}" if last else f"{len(missed)} {unit} in a row"
            return f"{which} were not recognised"
        if _letters(added) - _letters(missed) > most:
            return f"{len(added)} {unit} in a row were recognised that are not in it"
        wrong += max(_letters(missed), _letters(added))
    share, expected = wrong / letters, limit + _ANYHOW / letters
    if share > expected:
        return (
            f"{min(share, 1):.0%} of it was recognised as something else; at most {expected:.0%} "
            "was expected"
        )
    return None


def _unrepeated(words: Iterable[Token]) -> list[Token]:
    """Shorten runs of one word to _REPEATED words."""
    runs = (list(run) for _, run in groupby(words, lambda word: word.letters))
    return [word for run in runs for word in run[:_REPEATED]]


def _letters(words: Iterable[Token]) -> int:
    return sum(len(word.letters) for word in words)


def _gaps(
    text: Sequence[Token], heard: Sequence[Token], matches: Iterable[Match]
) -> Iterator[tuple[Sequence[Token], Sequence[Token]]]:
    """Yield the unmatched tokens of the text and of the transcript between matches."""
    end = heard_end = 0
    for match in matches:
        yield text[end : match.start], heard[heard_end : match.heard_start]
        end, heard_end = match.end, match.heard_end
    yield text[end:], heard[heard_end:]


def _frames(samples: Samples, rate: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the mean square of each frame of 20 ms. The last frame is padded with zeros."""
    size = max(1, round(_FRAME * rate))
    padded = np.pad(samples.astype(np.float64), (0, -len(samples) % size))
    return np.asarray(np.square(padded.reshape(-1, size)).mean(axis=1))
