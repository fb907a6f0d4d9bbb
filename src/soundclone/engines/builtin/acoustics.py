"""Phone posteriors of speech, from a US-English acoustic model.

The model is the context-independent part of pocketsphinx's phonetically tied mixtures (written by
`training/acoustic_model.py`); the front end is sphinxbase's: pre-emphasis, 25 mel bands, 13
liftered cepstra, mean normalisation, first and second differences. The posteriors come from the
forward-backward algorithm (Baum et al., 1970) over a loop of three-state phones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...audio.threads import map_in_threads
from .phones import STOPS, neighbours

SAMPLE_RATE = 16_000  # Hz
HOP = 0.01  # seconds between frames

_WINDOW, _FFT, _BANDS, _CEPSTRA = 410, 512, 25, 13
_LOW, _HIGH = 130.0, 6800.0  # Hz, of the filter bank
_LIFTER = 22
_PRE_EMPHASIS = 0.97
_DITHER = 1 / 32768  # keeps digital silence from becoming minus infinity
_WEIGHT_STEP = 1024 * np.log(1.0001)  # of the quantised mixture weights

_SCALE = 0.3  # of the log-likelihoods, because neighbouring frames are not independent
_ENTER = 0.3  # probability mass of going from one phone's end to any phone
_UNLIKELY = 0.15  # prior of phones that are not in the labels
_CLOSURE = 0.5  # prior of silence within a stop
_PAUSE = 40.0  # of the zeroth cepstrum (35 dB) below loud frames; quieter frames are a pause
_PAUSES = 0.3  # greatest weight of pauses in the mean, relative to speech
_BLOCK = 512  # frames evaluated at once, to bound the memory

STATES = 3  # of each phone

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Model:
    """Parameters of the acoustic model: P phones, M densities, three streams."""

    phones: tuple[str, ...]
    linear: NDArray[np.float32]  # (3, 26, P * M): of the features and of their squares
    constant: NDArray[np.float32]  # (3, P * M)
    weights: NDArray[np.float32]  # (3, P, M, STATES)
    loops: Array  # (P, STATES), probability of staying

    @property
    def silence(self) -> int:
        """Index of silence among the phones."""
        return self.phones.index("SIL")


@cache
def model() -> Model:
    """Return the packaged model, read once."""
    with np.load(Path(__file__).parent / "weights" / "acoustic.npz") as file:
        means = file["means"].astype(np.float64)
        variances = np.exp(file["log_variances"].astype(np.float64))
        steps = file["weights"].astype(np.float64)
        phones = tuple(str(name) for name in file["phones"])
        loops = file["loops"].astype(np.float64).clip(0.3, 0.95)
    count, streams, densities, size = means.shape
    linear = np.concatenate([means / variances, -0.5 / variances], axis=3)
    constant = -0.5 * (np.log(2 * np.pi * variances) + means**2 / variances).sum(axis=3)
    weights = np.exp(-_WEIGHT_STEP * steps).reshape(streams, densities, count, STATES)
    return Model(
        phones=phones,
        linear=linear.transpose(1, 3, 0, 2).reshape(streams, 2 * size, -1).astype(np.float32),
        constant=constant.transpose(1, 0, 2).reshape(streams, -1).astype(np.float32),
        weights=weights.transpose(0, 2, 1, 3).astype(np.float32),
        loops=loops,
    )


@cache
def _filters() -> Array:
    """Return triangles of unit area on the mel scale, edges on FFT bins: (bins, bands)."""
    bottom, top = 2595 * np.log10(1 + np.array([_LOW, _HIGH]) / 700)
    mel = np.linspace(bottom, top, _BANDS + 2)
    edges = np.round(700 * (10 ** (mel / 2595) - 1) * _FFT / SAMPLE_RATE)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    bins = np.arange(_FFT // 2 + 1)[:, None]
    rise, fall = (bins - low) / (centre - low), (high - bins) / (high - centre)
    width = (high - low) * SAMPLE_RATE / _FFT
    return np.asarray(np.minimum(rise, fall).clip(0) * 2 / width)


def dct_matrix(size: int, count: int) -> Array:
    """Return the orthonormal DCT-II from `size` values to `count` coefficients: (size, count)."""
    matrix = np.cos(np.pi * np.outer(np.arange(size) + 0.5, np.arange(count)) / size)
    matrix[:, 0] *= np.sqrt(0.5)
    return np.asarray(matrix * np.sqrt(2 / size))


def cepstra(samples: Array) -> Array:
    """Return the mel cepstra (T, 13) of samples at SAMPLE_RATE. Frame t is centred at t * HOP."""
    hop = round(HOP * SAMPLE_RATE)
    noisy = samples + _DITHER * np.random.default_rng(0).standard_normal(len(samples))
    emphasised = np.append(noisy[:1], noisy[1:] - _PRE_EMPHASIS * noisy[:-1]) * 32768
    padded = np.pad(emphasised, (_WINDOW // 2, _WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[: len(samples) + 1 : hop]
    power = np.abs(np.fft.rfft(frames * np.hamming(_WINDOW), _FFT)) ** 2
    lifter = 1 + _LIFTER / 2 * np.sin(np.pi * np.arange(_CEPSTRA) / _LIFTER)
    energies = np.log(np.maximum(power @ _filters(), 1e-4))
    return np.asarray(energies @ dct_matrix(_BANDS, _CEPSTRA) * lifter)


def _weights(energy: Array) -> Array:
    """Return the weights of frames in the cepstral mean.

    All pauses together weigh no more than those of fluent speech.
    """
    quiet = energy < np.percentile(energy, 97) - _PAUSE
    share = _PAUSES * (~quiet).sum() / max(quiet.sum(), 1)
    return np.where(quiet, min(share, 1.0), 1.0)


def log_likelihoods(samples: Array) -> Array:
    """Return the log-likelihoods of the states of each phone, (T, P, STATES)."""
    static = cepstra(samples)
    static = static - np.average(static, axis=0, weights=_weights(static[:, 0]))
    index = np.arange(len(static))

    def shifted(frames: int) -> Array:
        return np.asarray(static[(index + frames).clip(0, len(static) - 1)])

    delta = shifted(2) - shifted(-2)
    double = (shifted(3) - shifted(-1)) - (shifted(1) - shifted(-3))
    parameters = model()
    count = len(parameters.phones)
    inputs = [
        np.concatenate([features, features**2], axis=1).astype(np.float32)
        for features in (static, delta, double)
    ]

    def scores(start: int) -> NDArray[np.float32]:
        total = np.float32(0)
        for stream, rows in enumerate(inputs):
            block = rows[start : start + _BLOCK]
            density = block @ parameters.linear[stream]
            density += parameters.constant[stream]
            density = density.reshape(len(density), count, -1)
            best = density.max(axis=2, keepdims=True)
            # A block takes 11 MB, so it is changed in place.
            density -= best
            np.exp(density, out=density)
            mixture = density.transpose(1, 0, 2) @ parameters.weights[stream]
            total = total + (np.log(mixture.transpose(1, 0, 2) + 1e-30) + best)
        return np.asarray(total)

    blocks = map_in_threads(scores, range(0, len(static), _BLOCK))
    return np.concatenate(blocks).astype(np.float64)


def label_prior(phones: tuple[tuple[float, str], ...], frames: int) -> Array:
    """Return the prior of each phone of the model, (T, P), from the labels of espeak-ng.

    `phones` are starts in seconds and IPA. A symbol of several sounds is divided evenly.
    """
    parameters = model()
    number = {name: index for index, name in enumerate(parameters.phones)}
    prior = np.full((frames, len(number)), _UNLIKELY)
    edges = [round(start / HOP) for start, _ in phones] + [frames]
    prior[: edges[0], parameters.silence] = 1
    for (_, symbol), first, last in zip(phones, edges, edges[1:], strict=False):
        sounds = neighbours(symbol) or (("SIL",),)
        cuts = np.linspace(first, last, len(sounds) + 1).round().astype(int)
        for names, left, right in zip(sounds, cuts, cuts[1:], strict=False):
            prior[left:right, [number[name] for name in names]] = 1
            if STOPS.intersection(names):
                prior[left:right, parameters.silence] = _CLOSURE
    return prior


def posteriors(scores: Array, prior: Array | None = None) -> NDArray[np.float32]:
    """Return the probability of each state, (T, P * STATES). Each row sums to 1.

    Args:
        scores: Result of `log_likelihoods`.
        prior: Factor of each phone, (T, P).
    """
    logs = _SCALE * scores
    if prior is not None:
        logs = logs + np.log(prior)[:, :, None]
    emission = np.exp(logs - logs.max(axis=(1, 2), keepdims=True)) + 1e-12
    stay = model().loops
    leave = 1 - stay
    enter = _ENTER / len(stay)

    forward = np.empty_like(emission)
    now = emission[0] / emission[0].sum()
    forward[0] = now
    for t in range(1, len(emission)):
        moved = now * leave
        now = now * stay
        now[:, 1:] += moved[:, :-1]
        now[:, 0] += moved[:, -1].sum() * enter
        now *= emission[t]
        now /= now.sum()
        forward[t] = now

    backward = np.empty_like(emission)
    after = np.ones_like(stay)
    backward[-1] = after
    for t in range(len(emission) - 2, -1, -1):
        ahead = emission[t + 1] * after
        after = stay * ahead
        after[:, :-1] += leave[:, :-1] * ahead[:, 1:]
        after[:, -1] += leave[:, -1] * (ahead[:, 0].sum() * enter)
        after /= after.sum()
        backward[t] = after

    joint = forward * backward
    joint /= joint.sum(axis=(1, 2), keepdims=True)
    return np.asarray(joint.reshape(len(joint), -1), np.float32)
