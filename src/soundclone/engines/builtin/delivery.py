"""Small variations of a reading, its pauses within a sentence, and the decay at its end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from . import vocoder
from .vocoder import Array, Parameters
from .voice import Floats

_RATE = 0.03  # largest deviation of the rate, as a share
_F0 = 0.035  # largest deviation of natural log F0
_LEVEL = 0.23  # largest deviation of the level, natural log of power: 1 dB
_SLOW = 0.8  # seconds between the points of a slow contour

_LEAST_PAUSE = 0.1  # seconds; shorter silences of espeak-ng are closures
_COMMA = (0.12, 0.4)  # seconds, limits of a pause within a sentence
_STOP = 0.3  # seconds of espeak-ng after a full stop; pauses after commas are shorter
_STOPS = (0.25, 0.8)  # seconds, limits of a pause after a full stop
AFTER_COMMA, AFTER_SENTENCE = 0.6, 1.15  # shares of the median pause, which is of both kinds
_PAUSES = (0.1, 1.2)  # seconds, limits of any pause within a sentence
_RAREST = 1.8  # largest deviation of a pause, in standard deviations

_NEPER = np.log(10) / 10  # natural log of power, in a dB
_LOUD = 12.0  # dB below the loudest frame, where the decay may begin
_FALL = 23.0 / 0.08  # dB a second, of a voiced end
_UNVOICED_FALL = 23.0 / 0.06
_DEPTH = 46.0  # dB, to which the end decays
_NOISIER = 60.0  # dB a second, by which the aperiodicity rises
_DULLER = 12.0  # dB a second and octave, by which the spectrum falls


@dataclass(frozen=True)
class Variation:
    """Deviations of one reading."""

    rate: float  # factor
    seed: tuple[int, int]

    @classmethod
    def of(cls, seed: int, place: int) -> Variation:
        """Draw the deviations of the text at a place."""
        random = np.random.default_rng([seed, place])
        return cls(1 + _RATE * random.uniform(-1, 1), (seed, place))

    def applied(self, parameters: Parameters) -> Parameters:
        """Vary F0 and level with slow contours."""
        count = len(parameters.f0)
        random = np.random.default_rng([*self.seed, 1])
        points = int(count * vocoder.HOP / _SLOW) + 2
        frames = np.linspace(0, count - 1, points)

        def contour(largest: float) -> Array:
            values = random.uniform(-largest, largest, points)
            return np.interp(np.arange(count), frames, values)

        return replace(
            parameters,
            f0=parameters.f0 * np.exp(contour(_F0)),
            level=parameters.level + contour(_LEVEL),
        )

    def pause(self, usual: Floats, spoken: float, index: int) -> float:
        """Return the seconds of a pause for one of `spoken` seconds of espeak-ng.

        Pauses are log-normal, as people's are. `usual` is `VoiceData.pauses`.
        """
        random = np.random.default_rng([*self.seed, 2, index])
        share, limits = (AFTER_COMMA, _COMMA) if spoken < _STOP else (AFTER_SENTENCE, _STOPS)
        centre = np.clip(share * usual[0], *limits)
        deviation = usual[1] * np.clip(random.standard_normal(), -_RAREST, _RAREST)
        return float(np.clip(centre * np.exp(deviation), *_PAUSES))


@dataclass(frozen=True)
class Warp:
    """Changed lengths of pauses: frames to keep or repeat, and the times before and after."""

    frames: NDArray[np.int64]
    before: Array  # seconds
    after: Array  # seconds

    def applied(self, parameters: Parameters) -> Parameters:
        """Change the lengths of the pauses."""
        return Parameters(
            f0=parameters.f0[self.frames],
            envelope=parameters.envelope[self.frames],
            level=parameters.level[self.frames],
            aperiodicity=parameters.aperiodicity[self.frames],
        )

    def time(self, seconds: float) -> float:
        """Return the new time of a moment."""
        return float(np.interp(seconds, self.before, self.after))


def pause_warp(
    phones: tuple[tuple[float, str], ...],
    count: int,
    variation: Variation,
    usual: Floats,
    speed: float,
) -> Warp:
    """Give the pauses within a sentence the speaker's length.

    Args:
        phones: Start in seconds and symbol of each phone; "" is a pause.
        count: Frames of the parameters.
        variation: Of this reading.
        usual: The speaker's pauses, `VoiceData.pauses`.
        speed: Factor on the rate, which shortens the pauses.
    """
    parts: list[Array] = []
    before, after = [0.0], [0.0]
    done = 0
    spoken = [k for k, (_, symbol) in enumerate(phones) if symbol]
    inner = range(spoken[0], spoken[-1]) if spoken else range(0)
    # The number of sounds before a pause identifies the pause at every speed.
    heard = np.cumsum([bool(symbol) for _, symbol in phones]).tolist()
    for index, ((start, symbol), (end, _)) in enumerate(pairwise(phones)):
        if symbol or index not in inner or end - start < _LEAST_PAUSE / speed:
            continue
        first, last = (min(round(time / vocoder.HOP), count) for time in (start, end))
        wanted = max(
            round(
                variation.pause(usual, (end - start) * speed, heard[index]) / speed / vocoder.HOP
            ),
            1,
        )
        if last - first < 2 or first < done:
            continue
        parts += [
            np.arange(done, first, dtype=np.float64),
            np.linspace(first, last - 1, wanted).round(),
        ]
        length = sum(len(part) for part in parts)
        before += [first * vocoder.HOP, last * vocoder.HOP]
        after += [(length - wanted) * vocoder.HOP, length * vocoder.HOP]
        done = last
    parts.append(np.arange(done, count, dtype=np.float64))
    frames = np.concatenate(parts).astype(np.int64)
    before.append(count * vocoder.HOP)
    after.append(len(frames) * vocoder.HOP)
    return Warp(frames, np.array(before), np.array(after))


def with_release(parameters: Parameters, speed: float = 1.0) -> Parameters:
    """Let the last sound decay, where the source breaks it off. `speed` shortens the decay."""
    power = parameters.level + np.log(np.exp(parameters.envelope).mean(axis=1))
    loud = np.flatnonzero(power > power.max(initial=-np.inf) - _LOUD * _NEPER)
    if not len(loud):
        return parameters
    start = int(loud[-1])
    voiced = bool(parameters.f0[start] > 0)
    fall = (_FALL if voiced else _UNVOICED_FALL) * speed * vocoder.HOP  # dB a frame
    size = start + int(np.ceil(_DEPTH / fall)) + 1
    frames = np.arange(max(size, len(power))).clip(0, len(power) - 1)
    longer = [np.array(rows[frames]) for rows in (parameters.envelope, parameters.aperiodicity)]
    envelope, aperiodicity = longer
    f0, level = parameters.f0[frames], power[frames]
    level[len(power) :] = -np.inf
    steps = np.arange(len(frames)) - start
    line = power[start] - _NEPER * fall * steps
    held = (steps > 0) & (level < line)
    if not held.any():
        return parameters
    # The decay keeps the envelope of the sound that it continues.
    seconds = steps[held, None] * vocoder.HOP
    octaves = np.log2(vocoder.band_centres().clip(250) / 250)
    envelope[held] = parameters.envelope[start] - _NEPER * _DULLER * seconds * octaves
    noise = parameters.aperiodicity[start] + _NOISIER * seconds
    aperiodicity[held] = noise.clip(max=-1.5) if voiced else noise.clip(max=0)
    f0[held] = parameters.f0[start]
    level[held] = line[held]
    inside = level - np.log(np.exp(envelope).mean(axis=1))
    kept = ~held & (np.arange(len(frames)) < len(power))
    inside[kept] = parameters.level[frames][kept]
    return Parameters(f0=f0, envelope=envelope, level=inside, aperiodicity=aperiodicity)
