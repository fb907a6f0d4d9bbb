"""Whether what an engine gave can be the sentence that was asked for.

Neural engines now and then skip words, repeat them, or go on into noise and silence. Length and
energy tell the worst of it without another model; the bounds are wide, because a speaker may be
slow and a number is long when it is read out.
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
_FLOOR = 10 ** (-40 / 20)  # of the loudest frame; what is below is a pause
_QUIET = 10 ** (-60 / 20)  # of full scale
_FRAME = 0.02  # seconds

# Of the letters of a text, what may be heard otherwise, and what may be missed or added in one
# place; in letters, what may be whatever the text.
_WELL, _WELL_AT_ONCE = 0.35, 0.2
_BADLY, _BADLY_AT_ONCE = 0.65, 0.35
_ANYHOW, _ANYHOW_AT_ONCE = 6, 12
_FEWEST = 3  # different words, or _FEWEST_SYLLABLES; a recogniser needs some to go by
_FEWEST_SYLLABLES = 6
_REPEATED = 3  # times that a word counts in a row: a recogniser does not count ("ha ha ha ha")


def fault(speech: Speech, text: str, speed: float = 1.0) -> str | None:
    """What is wrong with `speech` as the sentence `text`, as the end of a sentence of its own;
    None when nothing is. Samples that are no numbers are wrong, and so is silence."""
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


def said(heard: str, text: str, language: str, *, strained: bool = False) -> str | None:
    """What is wrong with a recogniser's transcript `heard` of the sentence `text`, in a language
    of `LANGUAGES`, as the end of a sentence of its own that quotes neither; None when nothing is.

    Letters are compared, of words that are aligned: case, marks, punctuation and spacing do not
    count, nor how a number is written or which ideograph of a sound. One share may be heard
    otherwise, which lets a recogniser's own errors through; a smaller one may be missed or added
    in one place beyond what was heard there instead, because who mishears a word hears another
    about as long. Both shares are larger in languages that Whisper knows less well, and for speech
    that is `strained`: at an unusual speed or pitch. Texts of fewer than three words are not
    judged: alone, they are misheard too often.

    The bounds rest on the preview lines of 40 languages and their sentences, with errors put
    in. Of those with one word in five misheard 1 % are refused (none in the languages known less
    well), with two in five 8 % (3 %). Of those with six words more at the end 97 % are (72 %), with
    six less 98 % (62 %), said twice 97 % (99 %), and in another language of the same script 98 %.
    """
    wanted = _unrepeated(tokens(normalise(text, language).text, language))
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
    """Of a word that stands more than _REPEATED times in a row, as many."""
    runs = (list(run) for _, run in groupby(words, lambda word: word.letters))
    return [word for run in runs for word in run[:_REPEATED]]


def _letters(words: Iterable[Token]) -> int:
    return sum(len(word.letters) for word in words)


def _gaps(
    text: Sequence[Token], heard: Sequence[Token], matches: Iterable[Match]
) -> Iterator[tuple[Sequence[Token], Sequence[Token]]]:
    """What matches nothing, of the text and of what was heard, between one match and the next."""
    end = heard_end = 0
    for match in matches:
        yield text[end : match.start], heard[heard_end : match.heard_start]
        end, heard_end = match.end, match.heard_end
    yield text[end:], heard[heard_end:]


def _frames(samples: Samples, rate: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Mean square of each 20 ms, the last one padded."""
    size = max(1, round(_FRAME * rate))
    padded = np.pad(samples.astype(np.float64), (0, -len(samples) % size))
    return np.asarray(np.square(padded.reshape(-1, size)).mean(axis=1))
