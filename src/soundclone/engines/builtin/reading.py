"""Plan how a person would read a sentence: the timing and the melody of its sounds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...text.words import Word
from . import acoustics, prosody_model, sounds, vocoder
from .analysis import Analysis
from .delivery import Variation
from .frontend import Utterance
from .sound_context import HOP, manner
from .vocoder import Array
from .voice import VoiceData

LANGUAGES = frozenset({"English"})
"""Languages in which plans bring voices closer to their speakers, by docs/quality.md."""

_EDGE = 6  # frames of silence before and after a sentence
_COMMA, _STOP = 0.2, 0.4  # seconds of espeak-ng's pauses, by which `delivery` tells them apart
_TEMPO = 0.6, 1.6  # limits of the factor on the durations
_DURATION_JITTER = 0.25  # of the spread of log durations that the model expects
_F0_JITTER = 0.3  # semitones, of a word
_SEMITONE = np.log(2) / 12
_RISE, _RISING = 3.0, 0.35  # semitones and seconds, at the end of a question


@dataclass(frozen=True)
class Plan:
    """The reading of a sentence in T frames, vocoder.HOP apart."""

    origin: Array  # (T,), seconds in the source's speech
    f0: Array  # (T,), natural log relative to the mean of the sentence
    words: tuple[Word, ...]


def planned(
    source: Utterance,
    text: str,
    code: str,
    voice: VoiceData,
    rate: float,
    speed: float,
    variation: Variation,
) -> Plan | None:
    """Return the plan of a sentence, None if it has no sounds that the model knows.

    Args:
        source: The sentence as the source synthesiser speaks it.
        text: The sentence.
        code: Its language.
        voice: The speaker.
        rate: Syllables a second, without pauses.
        speed: Divides all durations.
        variation: Of this reading.
    """
    rows, times = sounds.sequence(source.phones, source.words, text)
    if not len(rows):
        return None
    rng = np.random.default_rng([*variation.seed, 3])
    seconds = len(source.samples) / source.sample_rate
    rows, times = _with_pauses(rows, np.minimum(times, seconds), seconds)
    pause = rows[:, sounds.SOUND] == sounds.PAUSE
    sequence = prosody_model.predict(rows, code, manner(0.0, (voice.f0[0], voice.f0[1])))
    jitter = _DURATION_JITTER * rng.standard_normal(len(rows)).clip(-2, 2)
    frames = np.exp(sequence.duration + jitter * sequence.spread).astype(np.float64)
    syllables = int(sounds.nuclei(rows[:, sounds.SOUND]).sum())
    if syllables:
        tempo = syllables / (frames[~pause].sum() * HOP) / rate
        frames[~pause] *= np.clip(tempo, *_TEMPO)
    for index in np.flatnonzero(pause):
        spoken = _COMMA if rows[index, sounds.MARK] == sounds.COMMA else _STOP
        length = variation.pause(voice.pauses, spoken, int(index))
        frames[index] = length / HOP
    frames[[0, -1]] = _EDGE
    frames_at_rest = _rounded(frames)
    melody = prosody_model.melody(sequence, frames_at_rest)
    durations = 2 * _rounded(frames) if speed == 1 else _rounded(2 * frames / speed)
    starts = np.concatenate([[0], np.cumsum(durations)])
    count = int(starts[-1])
    known = np.maximum.accumulate(np.concatenate([times[:1, 0], times[:, 1]]))
    # Frames of the melody at the frames of the plan, sound by sound.
    beginnings = np.concatenate([[0], np.cumsum(frames_at_rest)])
    position = np.interp(np.arange(count), starts, beginnings)
    f0 = np.interp(position, np.arange(len(melody)), melody)
    return Plan(
        origin=np.interp(np.arange(count), starts, known),
        f0=f0 + _wandering(rows, starts, count, rng) + _rise(rows, starts, count),
        words=_placed(source.words, rows, starts * vocoder.HOP),
    )


def _rounded(frames: Array) -> NDArray[np.int64]:
    """Round durations without letting their errors add up."""
    edges = np.round(np.cumsum(frames)).astype(np.int64)
    return np.diff(edges, prepend=0).clip(1)


def _wandering(
    rows: NDArray[np.int64], starts: NDArray[np.int64], count: int, rng: np.random.Generator
) -> Array:
    """Return a random offset of log F0 that changes from word to word: (count,)."""
    first = np.flatnonzero(rows[:, sounds.FIRST])
    if not len(first):
        return np.zeros(count)
    offsets = _F0_JITTER * _SEMITONE * rng.standard_normal(len(first)).clip(-2, 2)
    return np.asarray(np.interp(np.arange(count), starts[first], offsets))


def _rise(rows: NDArray[np.int64], starts: NDArray[np.int64], count: int) -> Array:
    """Return the rise of log F0 at the end of each question: (count,).

    The recordings have too few questions to learn it from. Questions that fall have no question
    mark here, see `questions`.
    """
    rise = np.zeros(count)
    span = round(_RISING / vocoder.HOP)
    asking = (rows[:, sounds.MARK] == sounds.QUESTION) & (rows[:, sounds.LAST] == 1)
    for k in np.flatnonzero(asking & (rows[:, sounds.SOUND] != sounds.PAUSE)):
        end = int(starts[k + 1])
        begin = max(end - span, 0)
        rise[begin:end] += _RISE * _SEMITONE * np.linspace(0, 1, end - begin)
    return rise


def retimed(analysis: Analysis, origin: Array) -> Analysis:
    """Move the frames of the source's speech to the times of a plan."""
    parameters = analysis.parameters
    fine = np.round(origin / vocoder.HOP).astype(int).clip(0, len(parameters.f0) - 1)
    coarse = np.round(origin[::2] / acoustics.HOP).astype(int)
    coarse = coarse.clip(0, len(analysis.posteriors) - 1)
    return replace(
        analysis,
        parameters=vocoder.Parameters(
            f0=parameters.f0[fine],
            envelope=parameters.envelope[fine],
            level=parameters.level[fine],
            aperiodicity=parameters.aperiodicity[fine],
        ),
        posteriors=analysis.posteriors[coarse],
        sounds=None if analysis.sounds is None else analysis.sounds[coarse],
        active=analysis.active[fine],
    )


def _with_pauses(
    rows: NDArray[np.int64], times: Array, seconds: float
) -> tuple[NDArray[np.int64], Array]:
    """Insert a pause at both ends and after each word that punctuation follows."""
    pause = np.zeros((1, rows.shape[1]), np.int64)
    parts, spans = [pause], [[0.0, times[0, 0]]]
    for k, row in enumerate(rows):
        parts.append(row[None])
        following = times[k + 1, 0] if k + 1 < len(rows) else seconds
        end = min(times[k, 1], following)
        spans.append([times[k, 0], end])
        if k + 1 == len(rows) or (row[sounds.LAST] and row[sounds.MARK]):
            after = pause.copy()
            after[0, [sounds.MARK, sounds.WORD]] = row[[sounds.MARK, sounds.WORD]]
            parts.append(after)
            spans.append([end, following])
    return np.concatenate(parts), np.array(spans)


def _placed(words: tuple[Word, ...], rows: NDArray[np.int64], starts: Array) -> tuple[Word, ...]:
    """Return the words with their times in the plan."""
    said = rows[:, sounds.SOUND] != sounds.PAUSE
    placed, position = [], float(starts[0])
    for number, word in enumerate(words):
        own = np.flatnonzero(said & (rows[:, sounds.WORD] == number))
        start = max(float(starts[own[0]]), position) if len(own) else position
        end = max(float(starts[own[-1] + 1]), start) if len(own) else start
        placed.append(replace(word, start=start, end=end))
        position = end
    return tuple(placed)
