"""Detect the watermark, with a p-value that holds for every sound.

The score of a pattern is the sum of the signs times the tiles' levels, over the root of the sum of
the squared levels. For random signs, a score above z is at most 3.18 times as likely as a normal
variable above z, for all levels: V. Bentkus, D. Dzindzalieta, "A tight Gaussian bound for weighted
sums of Rademacher random variables", Bernoulli 21(2), 2015. The p-value multiplies the bound by the
number of alignments and payloads compared, so nothing is fitted to recordings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import soxr
from numpy.typing import NDArray

from ..samples import Samples
from .code import CHIPS, PAYLOADS, compared, decode, encode
from .pattern import (
    BAND_BINS,
    BANDS,
    FIRST_BIN,
    FRAME_RATE,
    FRAMES,
    PERIOD,
    STEPS,
    SecretPattern,
    Signs,
    parity,
    public_pattern,
    secret_pattern,
)

LIMIT = 1e-6
"""Largest p-value of a mark that counts as found."""

_RATE = 16_000  # Hz
_HOP = _RATE // FRAME_RATE
_WINDOW = 2 * PERIOD  # frames searched together, 10.24 s
_SHORT = PERIOD // 2  # frames searched at the original speed only, 2.56 s
_SPEEDS = np.round(np.arange(0.936, 1.0641, 0.004), 3)
_UNCHANGED = len(_SPEEDS) // 2
_AHEAD = (-2, 0, 2)  # frames from a level to the neighbours that predict it, outside its tile
_ASIDE = 5  # bands, at most, from a level to the neighbours that predict it
_RIDGE = 1.0  # dB², added to the variance of the neighbours
_NEARBY = (9, 5)  # frames and bands of the local variance
_VARIANCE = np.float32(16.0)  # dB², added to the local variance
_GROWTH = 0.02  # of the logarithm of a weight, for each decibel below the loudest band
_MOST = 2.5  # weight, at most
_FLOOR = 1e-5  # of the loud frames' mean power in a band
_EMPTY = np.float32(1e-4)  # of the same, mean power of a band that counts half
_SILENCE = 1e-9  # power
_BOUND = 3.18  # of Bentkus and Dzindzalieta
_LIKELY = 1e-3  # p-value of the public pattern in a short window that is decoded, at most
_GUIDES = 3  # alignments of the public pattern at which the secret one is decoded
_GUESSES = 2  # other alignments at which the secret pattern is decoded
_LOCAL = 2 * FRAME_RATE  # frames of a stretch's local score
_LOCAL_SCORE = 3.5
_SMALLEST = 1e-300  # p-value reported

Levels = NDArray[np.float32]
"""Whitened levels of frames, shape (frames, BANDS)."""


@dataclass(frozen=True)
class Mark:
    """Result of the search for one pattern."""

    found: bool
    p_value: float
    """Bound on the probability of such a score in a sound without this pattern."""
    payload: int | None
    """Payload of the secret pattern, if found."""
    stretches: tuple[tuple[float, float], ...]
    """Marked parts, start and end in seconds."""


@dataclass(frozen=True)
class Marks:
    """Results for both patterns."""

    public: Mark
    secret: Mark | None  # None without a secret


@dataclass(frozen=True)
class _Alignment:
    """Position of the pattern in a window."""

    speed: float  # of the sound, over the original's
    pitch: float  # equal to the speed after resampling, 1 after a change of tempo
    origin: float  # frame of the pattern at the first frame of the window


@dataclass(frozen=True)
class _Find:
    """Best score of a pattern in a window."""

    p_value: float
    alignment: _Alignment
    payload: int | None = None

    def signs(self, secret: bytes | None) -> Signs:
        """Return the signs of the pattern that was found."""
        if secret is None or self.payload is None:
            return public_pattern()
        return secret_pattern(secret).with_chips(encode(self.payload))


class _Finds(NamedTuple):
    """Finds of one pattern in the windows of both sizes.

    Speech that was joined from short pieces, such as the clauses of a dialogue, has another
    position of the pattern and another payload in each piece. Only short windows find those.
    """

    long: list[_Find]
    short: list[_Find]


def detect(samples: Samples, sample_rate: int, secret: bytes | None) -> Mark:
    """Search for the secret pattern, or without a secret for the public one.

    Args:
        samples: Mono samples, shape (n,).
        sample_rate: Sample rate in Hz.
        secret: Secret of the installation. None: search for the public pattern.
    """
    marks = detect_both(samples, sample_rate, secret)
    return marks.secret or marks.public


def detect_both(
    samples: Samples, sample_rate: int, secret: bytes | None, payloads: int = PAYLOADS
) -> Marks:
    """Search for the public pattern, and with a secret also for the secret pattern.

    Args:
        samples: Mono samples, shape (n,).
        sample_rate: Sample rate in Hz.
        secret: Secret of the installation. None: search for the public pattern only.
        payloads: Number of payloads in use. Fewer payloads give a smaller p-value.
    """
    sound = _Sound(samples, sample_rate)
    public = _Finds([], [])
    hidden = _Finds([], [])
    for windows, size in ((0, _WINDOW), (1, _SHORT)):
        for start in sound.starts(size):
            search = _Search(sound.power(start, size), all_speeds=size == _WINDOW)
            public[windows].append(search.public())
            if secret is None:
                continue
            if size == _SHORT and _continues(
                public.short[-1], start, hidden.long, sound.starts(_WINDOW)
            ):
                find = _Find(1.0, public.short[-1].alignment)  # decoded already
            else:
                find = search.secret(secret, max(1, payloads))
            hidden[windows].append(find)
    return Marks(
        _mark(sound, public, None),
        None if secret is None else _mark(sound, hidden, secret),
    )


def _continues(short: _Find, start: int, finds: list[_Find], starts: list[int]) -> bool:
    """Tell whether a short window at frame `start` has the alignment of a pattern that was found.

    Args:
        short: Find of the short window.
        start: First frame of the short window.
        finds: Finds of the long windows.
        starts: First frames of the long windows.
    """
    index = min(start // _WINDOW, len(finds) - 1)
    origin = finds[index].alignment.origin + start - starts[index]
    return finds[index].p_value <= LIMIT and (short.alignment.origin - origin) % PERIOD == 0


class _Sound:
    """Samples at the rate of the detector, divided into windows."""

    def __init__(self, samples: Samples, sample_rate: int) -> None:
        mono = np.nan_to_num(np.ascontiguousarray(samples, np.float32))
        if sample_rate != _RATE and len(mono):
            mono = soxr.resample(mono, sample_rate, _RATE)
        self.seconds = len(mono) / _RATE
        self._samples = np.pad(mono, _HOP)  # frame n is centred at n hops
        frames = max(1, (len(self._samples) - 2 * _HOP) // _HOP + 1)
        self._frames = frames

    def starts(self, size: int) -> list[int]:
        """Return the first frames of the windows of a size.

        Short windows overlap by half. A sound that fits into one has none.
        """
        if size == _SHORT:
            if self._frames <= _SHORT:
                return []
            count = math.ceil((self._frames - _SHORT) / (_SHORT // 2)) + 1
            return [min(each * _SHORT // 2, self._frames - _SHORT) for each in range(count)]
        # The last window ends with the sound and overlaps the one before.
        count = max(1, math.ceil((self._frames - FRAME_RATE) / size))
        return [min(each * size, max(0, self._frames - size)) for each in range(count)]

    def power(self, start: int, size: int = _WINDOW) -> NDArray[np.float32]:
        """Return the power spectra of the window at frame `start`, shape (frames, bins)."""
        end = min(start + size, self._frames)
        piece = self._samples[start * _HOP : (end + 1) * _HOP]
        piece = np.pad(piece, (0, max(0, 2 * _HOP - len(piece))))
        frames = np.lib.stride_tricks.sliding_window_view(piece, 2 * _HOP)[::_HOP]
        spectra = np.fft.rfft(frames * _hann())
        return np.square(spectra.real) + np.square(spectra.imag)


class _Search:
    """Search of one window over position, and over speed and pitch if wanted."""

    def __init__(self, power: NDArray[np.float32], *, all_speeds: bool = True) -> None:
        self._speeds = [(1.0, _UNCHANGED)]  # the original comes first
        if all_speeds:
            levels = _levels(power, _all_bands())
            others = [(float(s), i) for i, s in enumerate(_SPEEDS) if i != _UNCHANGED]
            self._speeds += [(speed, _UNCHANGED) for speed, _ in others] + others
            folded = np.stack([_fold(levels[:, pitch], speed) for speed, pitch in self._speeds])
        else:
            levels = _levels(power, _all_bands()[:, _UNCHANGED : _UNCHANGED + 1])
            folded = _fold(levels[:, 0], 1.0)[None]
        self._other_speeds = (len(self._speeds) - 1) * PERIOD  # alignments
        # Level of the tile that begins at each frame of the period.
        self._tiles = folded + np.roll(folded, -1, axis=1)
        by_phase = self._tiles.reshape(-1, STEPS, FRAMES, BANDS).transpose(0, 2, 1, 3)
        self._by_phase = np.ascontiguousarray(by_phase).reshape(-1, STEPS, BANDS)
        self._spectra = np.fft.rfft(self._by_phase, axis=1)  # (speed phase, STEPS / 2 + 1, BANDS)
        squares = np.square(self._by_phase)
        chess = parity()
        even, odd = (np.einsum("htb,tb->h", squares, chess == each) for each in (0, 1))
        # Energy of the public tiles at each shift, and of the secret tiles.
        self._public_energy = _alternating(even, odd)
        self._secret_energy = _alternating(odd, even)
        scores = np.fft.irfft(
            np.einsum("hfb,fb->hf", self._spectra, _public_conjugate()), STEPS, axis=1
        )
        self._scores = scores / np.sqrt(self._public_energy + 1e-6)

    def tried(self, place: int) -> int:
        """Return the number of alignments that an alignment counts as.

        If other speeds are searched, half of the p-value goes to the original speed, which is
        the usual one.
        """
        if not self._other_speeds:
            return PERIOD
        return 2 * (PERIOD if place < PERIOD else self._other_speeds)

    def public(self) -> _Find:
        """Return the best alignment of the public pattern."""
        scores = self._scores.ravel()
        places = [int(np.argmax(scores[:PERIOD]))]
        if self._other_speeds:
            places.append(PERIOD + int(np.argmax(scores[PERIOD:])))
        finds = [
            _Find(_p_value(float(scores[each]), self.tried(each)), self._alignment(each))
            for each in places
        ]
        return min(finds, key=lambda find: find.p_value)

    def secret(self, secret: bytes, payloads: int = PAYLOADS) -> _Find:
        """Return the best alignment and payload of the secret pattern.

        The public pattern suggests some alignments. Its signs are independent of the secret, so
        the p-value counts only those. In case the public pattern was removed, the alignments with
        the most energy in the chips are decoded too, and count as `tried`. Either half spends half
        of the p-value. A short window is decoded once, at the best alignment of the public
        pattern, if that is likely.
        """
        pattern = secret_pattern(secret)
        if not self._other_speeds:
            place = int(np.argmax(self._scores))
            if _p_value(float(self._scores.ravel()[place]), PERIOD) > _LIKELY:
                return _Find(1.0, self._alignment(place))
            return self._decode(pattern, place, 1, payloads)
        guides = np.argpartition(self._scores.ravel(), -_GUIDES)[-_GUIDES:]
        finds = [self._decode(pattern, int(each), 2 * _GUIDES, payloads) for each in guides]
        best = min(finds, key=lambda find: find.p_value)
        if best.p_value <= LIMIT:
            return best
        energy = self._chip_energy(secret)
        guesses = np.argpartition(energy.ravel(), -_GUESSES)[-_GUESSES:]
        for guess in guesses:
            tried = 2 * self.tried(int(guess))
            finds.append(self._decode(pattern, int(guess), tried, payloads))
        return min(finds, key=lambda find: find.p_value)

    def _decode(self, pattern: SecretPattern, place: int, tried: int, payloads: int) -> _Find:
        hypothesis, shift = divmod(place, STEPS)
        tiles = np.roll(self._by_phase[hypothesis], -shift, axis=0)
        weights = (tiles * pattern.signs).ravel()
        chips = np.bincount(pattern.groups.ravel(), weights, CHIPS + 1)[:CHIPS].astype(np.float32)
        payload, value = decode(chips, payloads)
        score = value / math.sqrt(float(self._secret_energy[hypothesis, shift]) + 1e-6)
        return _Find(_p_value(score, tried * compared(payloads)), self._alignment(place), payload)

    def _chip_energy(self, secret: bytes) -> NDArray[np.float32]:
        """Return the energy of all chips over that of the tiles, shape (speed phase, STEPS)."""
        energy = np.zeros(self._scores.shape, np.float32)
        spectra = np.ascontiguousarray(self._spectra.transpose(1, 0, 2))
        products = spectra @ _chip_conjugates(secret)  # (frequency, speed phase, chip)
        for block in np.array_split(np.arange(energy.shape[0]), 8):
            chips = np.fft.irfft(products[:, block], STEPS, axis=0)
            energy[block] = np.square(chips).sum(axis=2).T
        return np.asarray(energy / (self._secret_energy + 1e-6), np.float32)

    def _alignment(self, place: int) -> _Alignment:
        hypothesis, shift = divmod(place, STEPS)
        speed, pitch = self._speeds[hypothesis // FRAMES]
        offset = shift * FRAMES + hypothesis % FRAMES
        return _Alignment(speed, float(_SPEEDS[pitch]), float(-offset))


def _mark(sound: _Sound, finds: _Finds, secret: bytes | None) -> Mark:
    """Combine the windows of a sound."""
    # Windows of both sizes are counted, and each size has half of the p-value.
    counts = [(2 if finds.short else 1) * len(each) for each in finds]
    sized = [
        (find.p_value * count, find)
        for each, count in zip(finds, counts, strict=True)
        for find in each
    ]
    p_value, best = min(sized, key=lambda find: find[0])
    p_value = min(1.0, p_value)
    if p_value > LIMIT:
        return Mark(False, p_value, None, ())
    marked = np.zeros(math.ceil(sound.seconds * FRAME_RATE) + 1, bool)
    starts = sound.starts(_WINDOW)
    for index, start in enumerate(starts):
        power = sound.power(start)
        for near in (index - 1, index, index + 1):
            if 0 <= near < len(starts) and finds.long[near].p_value * counts[0] <= LIMIT:
                find = finds.long[near]
                moved = (start - starts[near]) * find.alignment.speed
                _mark_frames(marked[start:], power, find, moved, find.signs(secret))
    for start, find in zip(sound.starts(_SHORT), finds.short, strict=True):
        if find.p_value * counts[1] <= LIMIT and not marked[start : start + _SHORT].all():
            power = sound.power(start, _SHORT)
            _mark_frames(marked[start:], power, find, 0.0, find.signs(secret))
    return Mark(True, p_value, best.payload, tuple(_stretches(marked, sound.seconds)))


def _mark_frames(
    marked: NDArray[np.bool_],
    power: NDArray[np.float32],
    find: _Find,
    moved: float,
    signs: Signs,
) -> None:
    """Set the frames of a window in which the pattern continues, `moved` frames after its find."""
    alignment = find.alignment
    pitch = int(np.argmin(np.abs(_SPEEDS - alignment.pitch)))
    levels = _levels(power, _all_bands()[:, pitch])[:, 0]
    origin = (alignment.origin + moved) % PERIOD
    first = math.ceil(origin / FRAMES)  # tile
    count = int((len(levels) - 1) * alignment.speed + origin) // FRAMES - first
    if count < 1:
        return
    frames = np.arange(first * FRAMES, (first + count) * FRAMES, dtype=np.float64) - origin
    tiles = _at(levels, frames / alignment.speed).reshape(count, FRAMES, BANDS).sum(axis=1)
    own = signs[(first + np.arange(count)) % STEPS]
    length = min(count, _LOCAL // FRAMES)
    ones = np.ones(length)
    scores = np.convolve((tiles * own).sum(axis=1), ones, "valid")
    energy = np.convolve((np.square(tiles) * np.abs(own)).sum(axis=1), ones, "valid")
    for tile in np.flatnonzero(scores > _LOCAL_SCORE * np.sqrt(energy + 1e-6)):
        begin, end = (
            round(((first + each) * FRAMES - origin) / alignment.speed)
            for each in (tile, tile + length)
        )
        marked[max(0, begin) : end] = True


def _stretches(marked: NDArray[np.bool_], seconds: float) -> Iterator[tuple[float, float]]:
    """Yield the runs of marked frames in seconds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(np.int8)))
    for begin, end in edges.reshape(-1, 2):
        yield round(int(begin) / FRAME_RATE, 2), round(min(int(end) / FRAME_RATE, seconds), 2)


def _levels(power: NDArray[np.float32], bands: NDArray[np.float32]) -> Levels:
    """Return the whitened levels at each pitch, shape (frames, pitches, BANDS).

    A level is in decibels over the level that its neighbours predict. So it shows the pattern and
    little of the speech. Levels weigh more where the prediction is good and the mark is strong.
    """
    tiles = (power @ bands.reshape(len(bands), -1)).reshape(len(power), -1, BANDS)
    loud = np.float32(np.percentile(power.mean(axis=1), 95) * BAND_BINS)
    levels = np.log(tiles + np.float32(_FLOOR * loud + _SILENCE)) * np.float32(10 / math.log(10))
    # The embedder marks soft bands more than loud ones.
    weights = (levels.max(axis=2, keepdims=True) - levels) * np.float32(_GROWTH * math.log(10))
    np.exp(np.minimum(weights, np.float32(math.log(_MOST)), out=weights), out=weights)
    # Bands above the bandwidth of a codec hold only what its filters leave.
    mean = tiles.mean(axis=0)
    weights *= mean / (mean + _EMPTY * loud + np.float32(_SILENCE))
    levels -= levels.mean(axis=0)
    middle = levels.shape[1] // 2
    levels = _unpredicted(levels, _predictor(levels[:, middle]))
    variance = np.square(levels)
    for axis, size in zip((0, 2), _NEARBY, strict=True):
        variance = _local_mean(variance, size, axis)
    return np.asarray(levels * weights / (variance + _VARIANCE), np.float32)


def _predictor(levels: Levels) -> NDArray[np.float32]:
    """Fit the prediction of a level from its neighbours by ridge regression.

    High voices have harmonics in one band of two or three, so their levels follow other rules than
    those of low voices. The neighbours belong to other tiles, so the prediction keeps the mark.

    Args:
        levels: Levels of one pitch, shape (frames, BANDS).

    Returns:
        Weights, shape (len(_AHEAD), BANDS, BANDS), from the bands of a neighbouring frame to the
        predicted bands.
    """
    places = [(index, each) for index in range(len(_AHEAD)) for each in range(-_ASIDE, _ASIDE + 1)]
    places = [(index, each) for index, each in places if _AHEAD[index] or each]
    bands = np.arange(BANDS)
    # At the edges the bands are mirrored, because no level may predict itself.
    sources = [(BANDS - 1) - np.abs((BANDS - 1) - np.abs(bands + each)) for _, each in places]
    moved = [_moved(levels, frames) for frames in _AHEAD]
    columns = np.stack(
        [
            moved[index][:, source].ravel()
            for (index, _), source in zip(places, sources, strict=True)
        ]
    )
    products = columns @ columns.T + np.float32(_RIDGE * levels.size) * np.eye(
        len(places), dtype=np.float32
    )
    fitted = np.linalg.solve(products, columns @ levels.ravel())
    weights = np.zeros((len(_AHEAD), BANDS, BANDS), np.float32)
    for (index, _), source, weight in zip(places, sources, fitted, strict=True):
        np.add.at(weights[index], (source, bands), weight)
    return weights


def _unpredicted(levels: Levels, predictor: NDArray[np.float32]) -> Levels:
    """Return the levels minus their predictions."""
    rest = levels.copy()
    for frames, weights in zip(_AHEAD, predictor, strict=True):
        rest -= _moved(levels, frames) @ weights
    return rest


def _moved(levels: Levels, frames: int) -> Levels:
    """Return the levels some frames later. The first and last frames repeat."""
    return levels[np.clip(np.arange(len(levels)) + frames, 0, len(levels) - 1)]


def _local_mean(values: Levels, size: int, axis: int) -> Levels:
    """Return the mean of each value and its neighbours along an axis, `size` values together."""
    half = size // 2
    pads = [(0, 0)] * values.ndim
    pads[axis] = (half + 1, half)
    sums = np.cumsum(np.pad(values, pads, mode="edge"), axis=axis)
    ahead = [slice(None)] * values.ndim
    behind = list(ahead)
    ahead[axis], behind[axis] = slice(size, None), slice(None, -size)
    return np.asarray((sums[tuple(ahead)] - sums[tuple(behind)]) / np.float32(size))


def _fold(levels: Levels, speed: float) -> Levels:
    """Return the sum over all periods at the original speed, shape (PERIOD, BANDS)."""
    original = _at(levels, np.arange(int((len(levels) - 1) * speed) + 1) / speed)
    padded = np.pad(original, ((0, -len(original) % PERIOD), (0, 0)))
    return np.asarray(padded.reshape(-1, PERIOD, BANDS).sum(axis=0))


def _at(levels: Levels, frames: NDArray[np.float64]) -> Levels:
    """Interpolate the levels at fractional frames."""
    before = frames.astype(np.intp)
    after = np.minimum(before + 1, len(levels) - 1)
    weight = (frames - before).astype(np.float32)[:, None]
    return np.asarray(levels[before] * (1 - weight) + levels[after] * weight)


def _alternating(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return values that alternate over the shifts, shape (speed phase, STEPS)."""
    return np.asarray(np.tile(np.stack([first, second], axis=1), STEPS // 2), np.float32)


def _p_value(score: float, compared: int) -> float:
    """Bound the probability that the best of `compared` random patterns has such a score."""
    tail = math.erfc(max(0.0, score) / math.sqrt(2)) / 2
    return min(1.0, max(_SMALLEST, _BOUND * compared * tail))


@cache
def _hann() -> NDArray[np.float32]:
    return np.asarray(np.hanning(2 * _HOP + 1)[:-1], np.float32)


@cache
def _all_bands() -> NDArray[np.float32]:
    """Return the share of each bin in each band at each pitch, shape (bins, pitches, BANDS)."""
    bins = np.arange(_HOP + 1)[:, None, None]
    edges = FIRST_BIN - 0.5 + BAND_BINS * np.arange(BANDS + 1)
    scaled = edges * _SPEEDS[:, None]
    low = np.maximum(bins - 0.5, scaled[:, :-1])
    high = np.minimum(bins + 0.5, scaled[:, 1:])
    return np.asarray(np.maximum(high - low, 0), np.float32)


@cache
def _public_conjugate() -> NDArray[np.complex64]:
    """Return the conjugate spectrum of the public pattern, shape (STEPS / 2 + 1, BANDS)."""
    return np.conj(np.fft.rfft(public_pattern(), axis=0)).astype(np.complex64)


@cache
def _chip_conjugates(secret: bytes) -> NDArray[np.complex64]:
    """Return the conjugate spectra of the secret pattern, (STEPS / 2 + 1, BANDS, CHIPS)."""
    pattern = secret_pattern(secret)
    chips = np.zeros((STEPS, BANDS, CHIPS + 1), np.float32)
    np.put_along_axis(chips, pattern.groups[:, :, None], pattern.signs[:, :, None], axis=2)
    return np.conj(np.fft.rfft(chips[:, :, :CHIPS], axis=0)).astype(np.complex64)
