"""The stretch of a recording that a model takes for its example of a voice."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..protocol import Samples

_FRAME = 0.02  # seconds
_PAUSE = 0.2  # seconds of silence that part two phrases
_MARGIN = 0.1  # seconds of silence that are kept at the ends
_LOUD = 95  # percentile of the levels that stands for speech
_BELOW = 30.0  # dB under it begins silence; less where the noise is higher than that


def best(samples: Samples, rate: int, shortest: float, longest: float) -> Samples:
    """The part of `samples` (mono, shape (n,), `rate` in Hz) that lasts at most `longest` seconds
    and has the most speech in it, in whole phrases if any are between `shortest` and `longest`.

    Speech without a pause in `longest` seconds is cut where it is quietest. What lasts no longer
    than `longest` comes back as it is.
    """
    if len(samples) <= round(longest * rate):
        return samples
    levels = _levels(samples, rate)
    active = levels > _threshold(levels)
    stretches = list(_stretches(active, round(shortest / _FRAME), round(longest / _FRAME)))
    if stretches:
        first, last = max(stretches, key=lambda stretch: int(active[slice(*stretch)].sum()))
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
    """Of each frame, in dB of full scale."""
    frames = samples[: len(samples) // _samples(1, rate) * _samples(1, rate)].astype(np.float64)
    energy = np.square(frames.reshape(-1, _samples(1, rate))).mean(axis=1)
    return np.asarray(10 * np.log10(energy + 1e-10))


def _threshold(levels: NDArray[np.float64]) -> float:
    """Between what is said and what is not: 30 dB under the loudest, or half-way down to the noise
    where that is nearer."""
    noise, loud = np.percentile(levels, [5, _LOUD])
    return float(max(loud - _BELOW, (noise + loud) / 2))


def _stretches(active: NDArray[np.bool_], shortest: int, longest: int) -> Iterator[tuple[int, int]]:
    """(first, end) of each run of whole phrases of `shortest` to `longest` frames."""
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
