"""Voice activity detection by the network of `silero`: one probability per 32 ms of sound."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .silero import WINDOW, Network
from .sound import Sound

RATE = 16_000  # Hz, of the sound that the network was trained on

# Values of the network's authors: speech begins above one threshold and ends below a lower one.
_BEGIN, _END = 0.5, 0.35
_PAUSE = 0.1  # seconds; shorter gaps belong to a word
_SHORTEST = 0.25  # seconds; shorter sounds are coughs and clicks
_CERTAIN = 0.9
_LEVEL = 10 ** (-20 / 20)  # RMS of the loudest parts after normalisation
_MOST_GAIN = 10 ** (60 / 20)
_SILENCE = 1e-4  # RMS after normalisation, -80 dBFS, below which the network is not run
_PART = 256  # windows between two calls of `pause`, which the network takes at once


@dataclass(frozen=True)
class SpeechActivity:
    """Speech in a recording."""

    segments: tuple[tuple[float, float], ...]  # start and end in seconds, in order
    certainty: float  # share of the speech windows that are certain, 0-1
    sparse: bool = False  # True if the search stopped because the beginning has hardly any speech

    @property
    def seconds(self) -> float:
        """Seconds of speech without pauses of 0.1 s and more."""
        return sum(end - start for start, end in self.segments)


_PIECE = 512  # windows in memory at a time
# A voice changes its level by more than this within a second. Windows of a steady tone are skipped
# in recordings that are longer than _LONG: the network needs two seconds for a quarter of an hour.
_STEADY, _AROUND = 2.0, 15  # dB, windows on both sides
_LONG = 150 * RATE  # samples


def detect_speech(
    samples: NDArray[np.float32] | Sound,
    rate: int,
    *,
    most: float = 120.0,
    sparse: tuple[float, float] = (0.0, math.inf),
    pause: Callable[[], None] = lambda: None,
) -> SpeechActivity:
    """Find the speech in mono samples, shape (n,), of any level.

    Args:
        samples: Array or Sound.
        rate: Sample rate in Hz.
        most: Seconds of speech after which the search stops.
        sparse: Seconds of speech, and of sound. The search stops when the first `sparse[1]`
            seconds have less than `sparse[0]` seconds of speech.
        pause: Called before every 8 s of sound. An exception ends the search.
    """
    sound = samples if rate == RATE else soxr.resample(samples[:], rate, RATE)
    probabilities: list[float] = []
    segments: list[tuple[float, float]] = []
    seconds = 0.0
    for start, end in _segments(_probabilities(sound, probabilities, most, sparse, pause)):
        if end - start >= _SHORTEST:
            segments.append((start, min(end, len(samples) / rate)))
            seconds += end - start
            if seconds > most:
                break
    taken = [probability for probability in probabilities if probability >= _BEGIN]
    certain = sum(probability >= _CERTAIN for probability in taken)
    certainty = certain / len(taken) if taken else 0.0
    return SpeechActivity(tuple(segments), certainty, _is_sparse(probabilities, sparse))


def _levels(sound: NDArray[np.float32] | Sound) -> NDArray[np.float64]:
    """Return the RMS of each window."""
    pieces = [np.mean(np.square(each, dtype=np.float64), axis=1) for each in _windows(sound)]
    return np.sqrt(np.concatenate(pieces)) if pieces else np.zeros(0)


def _gain(level: NDArray[np.float64]) -> float:
    """Return the factor that brings the sound to the level of ordinary speech."""
    # Not the level of the loudest window, which may be a slammed door.
    loud = float(np.quantile(level, 0.995)) if len(level) else 0.0
    return min(_MOST_GAIN, _LEVEL / loud) if loud > 0 else 1.0


def _steady(level: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Mark windows whose level stays the same for a second, as that of tones and noise."""
    padded = np.pad(20 * np.log10(np.maximum(level, 1e-9)), _AROUND, mode="edge")
    near = sliding_window_view(padded, 2 * _AROUND + 1)
    return np.asarray(near.max(axis=1) - near.min(axis=1) < _STEADY)


def _windows(
    sound: NDArray[np.float32] | Sound, count: int = _PIECE
) -> Iterator[NDArray[np.float32]]:
    """Yield arrays of up to `count` windows, (n, WINDOW). The last window is padded with zeros."""
    for start in range(0, len(sound), count * WINDOW):
        piece = sound[start : start + count * WINDOW]
        yield np.pad(piece, (0, -len(piece) % WINDOW)).reshape(-1, WINDOW)


def _probabilities(
    sound: NDArray[np.float32] | Sound,
    memory: list[float],
    most: float,
    sparse: tuple[float, float],
    pause: Callable[[], None],
) -> Iterator[float]:
    """Yield the probability of speech in each window and append it to `memory`."""
    network = Network()
    level = _levels(sound)
    gain = _gain(level)
    steady = _steady(level) if len(sound) > _LONG else np.zeros(len(level), bool)
    spoken = 0
    for part in _windows(sound, _PART):
        pause()
        # Stop within a segment too, which may be as long as the recording.
        if spoken * WINDOW / RATE > most or _is_sparse(memory, sparse):
            return
        windows = np.asarray(np.clip(part * gain, -1, 1), np.float32)
        start = len(memory)
        silent = np.square(windows).sum(axis=1) < WINDOW * _SILENCE**2
        asked = ~(silent | steady[start : start + len(windows)])
        found = np.zeros(len(windows))
        if asked.any():
            found[asked] = network.probabilities(windows[asked])
        spoken += int((found >= _BEGIN).sum())
        memory.extend(found.tolist())
        yield from memory[start:]


def _is_sparse(probabilities: list[float], sparse: tuple[float, float]) -> bool:
    least, within = sparse
    count = within * RATE / WINDOW
    if len(probabilities) < count:
        return False
    spoken = sum(probability >= _BEGIN for probability in probabilities[: math.ceil(count)])
    return spoken * WINDOW / RATE < least


def _segments(probabilities: Iterator[float]) -> Iterator[tuple[float, float]]:
    step = WINDOW / RATE
    begin: float | None = None
    end = 0.0
    for index, probability in enumerate(probabilities):
        if begin is None and probability >= _BEGIN:
            begin = index * step
        if begin is None:
            continue
        if probability >= _END:
            end = (index + 1) * step
        elif (index + 1) * step - end >= _PAUSE:
            yield begin, end
            begin = None
    if begin is not None:
        yield begin, end
