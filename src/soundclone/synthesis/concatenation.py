"""Spoken sentences and pauses, joined into one stretch of audio with the times of its words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

import numpy as np

from ..audio.fades import fade_ends
from ..engines.protocol import Samples, Speech
from ..text.script import Pause, Piece, Sentence
from ..text.subtitles import Spoken

SENTENCE_GAP = 0.28  # seconds of silence after a sentence that no pause follows
PARAGRAPH_GAP = 0.6
CLAUSE_GAP = 0.08  # after a part of a sentence that was too long to be said at once
LEAD = 0.1  # before the first word: players swallow what comes at once
TAIL = 0.25  # after the last one
_FLOOR = 10 ** (-50 / 20)  # of the peak; what is below at an end is silence
_MARGIN = 0.02  # seconds of it that are kept
_FADE = 0.005


@dataclass(frozen=True)
class Stretch:
    """Joined audio: mono, shape (n,), full scale is 1.0."""

    samples: Samples
    sample_rate: int
    spoken: tuple[Spoken, ...]  # times from the start of the stretch


def join(
    pieces: Sequence[Piece], say: Callable[[Sentence], Speech], sample_rate: int, *, last: bool
) -> Stretch:
    """Say each sentence and keep each pause, to the sample. `last`: the end of the whole text,
    after which there is no gap."""
    blocks: list[Samples] = []
    spoken: list[Spoken] = []
    position = 0
    for index, piece in enumerate(pieces):
        following = pieces[index + 1] if index + 1 < len(pieces) else None
        if isinstance(piece, Pause):
            block = np.zeros(round(float(piece.seconds) * sample_rate), np.float32)
        else:
            speech = trimmed(say(piece))
            if speech.sample_rate != sample_rate:
                raise ValueError(f"speech at {speech.sample_rate} Hz among {sample_rate} Hz")
            block, start = speech.samples, position / sample_rate
            end = start + len(block) / sample_rate
            spoken.append(Spoken(piece, start, end, speech.words))
            if not isinstance(following, Pause) and not (last and following is None):
                gap = PARAGRAPH_GAP if piece.paragraph_end else SENTENCE_GAP
                if piece.goes_on:
                    gap = CLAUSE_GAP
                block = np.concatenate([block, np.zeros(round(gap * sample_rate), np.float32)])
        blocks.append(block)
        position += len(block)
    samples = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    return Stretch(samples, sample_rate, tuple(spoken))


def margins(pieces: Sequence[Piece]) -> tuple[float, float]:
    """Seconds of silence that the whole needs before and after it, besides the pauses there."""

    def pauses(pieces: Iterable[Piece]) -> float:
        leading = takewhile(lambda piece: isinstance(piece, Pause), pieces)
        return float(sum(piece.seconds for piece in leading if isinstance(piece, Pause)))

    return max(0.0, LEAD - pauses(pieces)), max(0.0, TAIL - pauses(reversed(pieces)))


def trimmed(speech: Speech) -> Speech:
    """Without the silence at its ends, so that gaps and pauses are as long as they are meant;
    faded over 5 ms, so that no join clicks."""
    loud = np.flatnonzero(
        np.abs(speech.samples) > _FLOOR * np.max(np.abs(speech.samples), initial=0)
    )
    if not len(loud):
        return speech
    margin = round(_MARGIN * speech.sample_rate)
    first = max(0, int(loud[0]) - margin)
    samples = speech.samples[first : int(loud[-1]) + 1 + margin].copy()
    fade = min(round(_FADE * speech.sample_rate), len(samples))
    ramp = np.linspace(0, 1, fade, endpoint=False, dtype=np.float32)
    fade_ends(samples, ramp)
    shift, length = first / speech.sample_rate, len(samples) / speech.sample_rate
    words = tuple(
        replace(
            word,
            start=min(max(word.start - shift, 0.0), length),
            end=min(max(word.end - shift, 0.0), length),
        )
        for word in speech.words
    )
    return Speech(samples, speech.sample_rate, words)
