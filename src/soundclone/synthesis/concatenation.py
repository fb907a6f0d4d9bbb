"""Join spoken sentences and pauses into one segment of audio with the times of its words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

import numpy as np

from ..engines.protocol import Samples, Speech
from ..text.script import Pause, Piece
from ..text.subtitles import Spoken
from .pauses import pause_after

LEAD = 0.1  # seconds before the first word, because some players swallow the first samples
TAIL = 0.25  # seconds after the last word
_FLOOR = 10 ** (-50 / 20)  # of the peak; below it, the ends of speech count as silence
_MARGIN = 0.02  # seconds of silence to keep at each end
_FADE_IN, _FADE_OUT = 0.005, 0.02  # seconds


@dataclass(frozen=True)
class AudioSegment:
    """Joined audio: mono, shape (n,), full scale is 1.0."""

    samples: Samples
    sample_rate: int  # Hz
    spoken: tuple[Spoken, ...]  # times from the start of the segment


def join(
    pieces: Sequence[Piece],
    speeches: Sequence[Speech],
    sample_rate: int,
    *,
    last: bool,
    seed: int = 0,
) -> AudioSegment:
    """Join sentences and pauses. A pause has its exact number of samples.

    Args:
        pieces: Sentences and pauses, in order.
        speeches: Speech of each sentence, in order.
        sample_rate: Rate of every speech in Hz.
        last: True for the end of the whole text, which no gap follows.
        seed: Of the variation of the pauses between sentences.
    """
    sentences = iter(speeches)
    blocks: list[Samples] = []
    spoken: list[Spoken] = []
    position = 0
    for index, piece in enumerate(pieces):
        following = pieces[index + 1] if index + 1 < len(pieces) else None
        if isinstance(piece, Pause):
            block = np.zeros(round(float(piece.seconds) * sample_rate), np.float32)
        else:
            speech = trim(next(sentences))
            if speech.sample_rate != sample_rate:
                raise ValueError(f"speech at {speech.sample_rate} Hz among {sample_rate} Hz")
            block, start = speech.samples, position / sample_rate
            end = start + len(block) / sample_rate
            spoken.append(Spoken(piece, start, end, speech.words))
            if not isinstance(following, Pause) and not (last and following is None):
                gap = np.zeros(round(pause_after(piece, speech, seed) * sample_rate), np.float32)
                block = np.concatenate([block, gap])
        blocks.append(block)
        position += len(block)
    samples = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    return AudioSegment(samples, sample_rate, tuple(spoken))


def margins(pieces: Sequence[Piece]) -> tuple[float, float]:
    """Return the seconds of silence to add before and after a text, beside its own pauses."""

    def pauses(pieces: Iterable[Piece]) -> float:
        leading = takewhile(lambda piece: isinstance(piece, Pause), pieces)
        return float(sum(piece.seconds for piece in leading if isinstance(piece, Pause)))

    return max(0.0, LEAD - pauses(pieces)), max(0.0, TAIL - pauses(reversed(pieces)))


def trim(speech: Speech) -> Speech:
    """Remove the silence at both ends, so that gaps and pauses have their intended length.

    The beginning is faded over 5 ms and the end over 20 ms, so that no join clicks.
    """
    loud = np.flatnonzero(
        np.abs(speech.samples) > _FLOOR * np.max(np.abs(speech.samples), initial=0)
    )
    if not len(loud):
        return speech
    margin = round(_MARGIN * speech.sample_rate)
    first = max(0, int(loud[0]) - margin)
    samples = speech.samples[first : int(loud[-1]) + 1 + margin].copy()
    for seconds, part in ((_FADE_IN, samples), (_FADE_OUT, samples[::-1])):
        fade = min(round(seconds * speech.sample_rate), len(samples))
        part[:fade] *= np.linspace(0, 1, fade, endpoint=False, dtype=np.float32)
    shift, length = first / speech.sample_rate, len(samples) / speech.sample_rate
    words = tuple(
        replace(
            word,
            start=min(max(word.start - shift, 0.0), length),
            end=min(max(word.end - shift, 0.0), length),
        )
        for word in speech.words
    )
    return replace(speech, samples=samples, words=words)
