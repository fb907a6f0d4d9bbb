"""Select the segment of a recording that a model uses as its example of a voice."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..protocol import Samples

_FRAME = 0.02  # seconds
_PAUSE = 0.2  # seconds of silence between two phrases, the least
_MARGIN = 0.1  # seconds of silence that are kept at both ends
_SPEECH = 95  # percentile of the levels that represents speech
_SILENCE = 30.0  # dB below speech


def select_segment(samples: Samples, rate: int, shortest: float, longest: float) -> Samples:
    """Return the segment of a recording with the most speech, at most `longest` seconds long.

    The segment consists of whole phrases if they last `shortest` seconds or more. Speech without a
    pause is cut at its quietest frame. A recording that is short enough is returned unchanged.

    Args:
        samples: Mono, shape (n,).
        rate: Sample rate in Hz.
        shortest: Least length of whole phrases in seconds.
        longest: Greatest length of the segment in seconds.
    """
    if len(samples) <= round(longest * rate):
        return samples
    levels = _levels(samples, rate)
    active = levels > _threshold(levels)
    segments = list(_segments(active, round(shortest / _FRAME), round(longest / _FRAME)))
    if segments:
        first, last = max(segments, key=lambda segment: int(active[slice(*segment)].sum()))
    else:
        first = int(np.argmax(active))
        least, most = (first + round(seconds / _FRAME) for seconds in (shortest, longest))
        last = least + int(np.argmin(levels[least:most])) if least < len(levels) else len(levels)
    margin = min(round(_MARGIN * rate), (round(longest * rate) - _samples(last - first, rate)) // 2)
    start = max(0, _samples(first, rate) - margin)
    return samples[start : min(len(samples), _samples(last, rate) + margin)]


def _samples(frames: int, rate: int) -> int:
    return frames * max(1, round(_FRAME * rate))


def _levels(samples: Samples, rate: int) -> NDArray[np.float64]:
    """Return the level of each frame in dB of full scale."""
    frames = samples[: len(samples) // _samples(1, rate) * _samples(1, rate)].astype(np.float64)
    energy = np.square(frames.reshape(-1, _samples(1, rate))).mean(axis=1)
    return np.asarray(10 * np.log10(energy + 1e-10))


def _threshold(levels: NDArray[np.float64]) -> float:
    """Return the level in dB that separates speech from silence.

    The threshold is 30 dB below speech, or halfway between noise and speech if that is higher.
    """
    noise, speech = np.percentile(levels, [5, _SPEECH])
    return float(max(speech - _SILENCE, (noise + speech) / 2))


def _segments(active: NDArray[np.bool_], shortest: int, longest: int) -> Iterator[tuple[int, int]]:
    """Yield the first and the end frame of each run of whole phrases.

    Runs last from `shortest` to `longest` frames.
    """
    edges = np.flatnonzero(np.diff(active.astype(np.int8), prepend=0, append=0))
    phrases: list[tuple[int, int]] = []
    for start, end in edges.reshape(-1, 2).tolist():
        if phrases and (start - phrases[-1][1]) * _FRAME < _PAUSE:
            phrases[-1] = (phrases[-1][0], end)
        else:
            phrases.append((start, end))
    for index, (start, _) in enumerate(phrases):
        for _, end in phrases[index:]:
            if end - start > longest:
                break
            if end - start >= shortest:
                yield start, end
