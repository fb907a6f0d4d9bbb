"""Who speaks: what a voice is like, whether somebody else is heard, and when.

A small time-delay network (Snyder et al., "X-vectors: robust DNN embeddings for speaker
recognition", ICASSP 2018) with attentive statistics pooling (Okabe, Koshinaka and Shinoda,
Interspeech 2018), trained by `training/speaker.py`; see `weights/README.md`. Windows of a recording
are clustered in two (Tranter and Reynolds, "An overview of automatic speaker diarization systems",
IEEE TASLP 14, 2006); how unlike the clusters are says whether they are two people.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float32]

RATE = 16_000  # Hz, of everything that is asked
HOP = 160  # samples from one frame to the next: 10 ms
BANDS = 48
DILATIONS = (1, 2, 3)  # frames of 20 ms, of the layers after the first
STRIDE = 2  # of the first layer

_WINDOW, _STEP = 150, 75  # frames
_BATCH = 16  # windows at a time: memory does not grow with the recording
_FEWEST = 5  # windows, to tell two speakers
_GUARD = 0.3  # seconds around what somebody else says: windows do not tell it finer
# Logistic regression on 60 held-out speakers and the development speakers: see weights/README.md.
_WEIGHTS, _BIAS = (-6.88, -12.56, 1.51, 15.8), 1.14
_CROWDED = 1.0  # log odds, from which two speak at once

_FRAME, _FFT = 400, 512  # samples: 25 ms, zero-padded
_LOWEST, _HIGHEST = 80.0, 7600.0  # Hz
_FLOOR = 1e-4  # of the mean power of a band: what is 40 dB below is as good as nothing


@dataclass(frozen=True)
class Network:
    """Weights; C channels, E numbers of an embedding."""

    first: Floats  # (5, BANDS, C)
    first_bias: Floats  # (C,)
    layers: Floats  # (3, 3, C, C): layer, tap, from, to
    layer_biases: Floats  # (3, C)
    attention: Floats  # (C, A)
    attention_bias: Floats  # (A,)
    focus: Floats  # (A, C)
    embedding: Floats  # (2 C, E)
    embedding_bias: Floats  # (E,)
    crowd: Floats  # (2 C, H)
    crowd_bias: Floats  # (H,)
    crowd_out: Floats  # (H + 1,), the last is the bias


@dataclass(frozen=True)
class Company:
    """Who else is heard in a piece of speech."""

    others: tuple[tuple[float, float], ...]  # start and end in seconds of what is least like most
    score: float  # log odds, roughly, that it is by somebody else
    together: float  # share in which two speak at once, 0-1


@dataclass(frozen=True)
class _Split:
    """Windows in two groups, the second the smaller."""

    second: NDArray[np.bool_]  # (windows,)
    between: float  # variance between the groups
    measures: tuple[float, ...]  # see `_split`

    @property
    def score(self) -> float:
        """Log odds, roughly, that they are two people."""
        return _BIAS + float(np.dot(_WEIGHTS, self.measures))


@cache
def network() -> Network:
    """The weights that come with the package."""
    with np.load(Path(__file__).parent / "weights" / "speaker.npz") as kept:
        return Network(**{f.name: kept[f.name].astype(np.float32) for f in fields(Network)})


@cache
def version() -> str:
    """Name of these weights, which changes with them."""
    weights = Path(__file__).parent / "weights" / "speaker.npz"
    return hashlib.sha256(weights.read_bytes()).hexdigest()[:12]


def features(samples: Floats) -> Floats:
    """Log power in mel bands of `samples` at RATE, shape (..., n): (..., frames, BANDS)."""
    frames = sliding_window_view(samples, _FRAME, axis=-1)[..., ::HOP, :]
    spectra = np.fft.rfft(frames * np.hanning(_FRAME).astype(np.float32), _FFT)
    power = (spectra.real**2 + spectra.imag**2).astype(np.float32) @ _mel()
    mean = power.mean(axis=(-1, -2), keepdims=True)
    return np.asarray(np.log(power + _FLOOR * mean + np.float32(1e-12)), np.float32)


def hear(windows: Floats) -> tuple[Floats, Floats]:
    """Listen to stretches of speech, (n, frames, BANDS) as `features` gives them; n at least 1.

    Returns embeddings of length 1, (n, E), and log odds that two people speak at once, (n,).
    """
    parts = [_hear(windows[at : at + _BATCH]) for at in range(0, len(windows), _BATCH)]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _hear(windows: Floats) -> tuple[Floats, Floats]:
    net = network()
    x = windows - windows.mean(axis=1, keepdims=True)
    x = np.maximum(_convolved(x, net.first, 1)[:, ::STRIDE] + net.first_bias, 0)
    for dilation, weights, bias in zip(DILATIONS, net.layers, net.layer_biases, strict=True):
        x = x + np.maximum(_convolved(x, weights, dilation) + bias, 0)
    scores = _product(np.tanh(_product(x, net.attention) + net.attention_bias), net.focus)
    share = np.exp(scores - scores.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    mean = (share * x).sum(axis=1)
    spread = np.sqrt(np.maximum((share * x**2).sum(axis=1) - mean**2, 1e-4))
    voices = np.concatenate([mean, spread], axis=1) @ net.embedding + net.embedding_bias
    voices /= np.linalg.norm(voices, axis=1, keepdims=True)
    mean = x.mean(axis=1)
    spread = np.sqrt(np.maximum((x**2).mean(axis=1) - mean**2, 1e-4))
    crowd = np.maximum(np.concatenate([mean, spread], axis=1) @ net.crowd + net.crowd_bias, 0)
    return voices, np.asarray(crowd @ net.crowd_out[:-1] + net.crowd_out[-1])


def voice(speech: Floats) -> Floats:
    """What the voice of one speaker is like: the mean embedding of `speech` at RATE, shape (n,),
    brought to length 1. The inner product of two is high for the same speaker. Less than 1.5 s is
    taken for as much with silence."""
    mean = hear(_windows(features(np.pad(speech, (0, _FRAME + _WINDOW * HOP)))))[0].mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


def company(speech: Floats) -> Company:
    """Who else is heard in `speech`: without its pauses, at RATE, shape (n,)."""
    frames = features(np.pad(speech, (0, max(0, _FRAME - len(speech)))))
    windows = _windows(frames)
    if len(windows) < _FEWEST:
        return Company((), -np.inf, 0.0)
    voices, crowd = hear(windows)
    together = float(np.mean(crowd > _CROWDED))
    split = max(_splits(voices, frames), key=lambda split: split.between, default=None)
    if split is None:
        return Company((), -np.inf, together)
    parts = tuple(_stretches(split.second, len(speech) / RATE))
    return Company(parts, split.score, together)


def _windows(frames: Floats) -> Floats:
    """(n, _WINDOW, BANDS); none when there are not frames enough for one."""
    if len(frames) < _WINDOW:
        return np.zeros((0, _WINDOW, BANDS), np.float32)
    return np.moveaxis(sliding_window_view(frames, _WINDOW, axis=0)[::_STEP], 2, 1)


def _splits(voices: Floats, frames: Floats) -> Iterator[_Split]:
    """Ways to split the windows in two: the largest cluster against each other one, of 2, 3, 4 and
    6 clusters, then each window to the nearer mean until that changes nothing."""
    padded = np.pad(voices, ((1, 1), (0, 0)), mode="edge")
    smooth = _unit((padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4)
    for count in (2, 3, 4, 6):
        if count >= len(voices):
            break
        labels = _clusters(smooth, count)
        names, sizes = np.unique(labels, return_counts=True)
        largest = names[np.argmax(sizes)]
        for name in names[names != largest]:
            means = voices[labels == largest].mean(axis=0), voices[labels == name].mean(axis=0)
            second = _nearer(voices, smooth, *means)
            if second is not None:
                yield _split(voices, frames, second)


def _nearer(
    voices: Floats, smooth: Floats, first: Floats, other: Floats
) -> NDArray[np.bool_] | None:
    """Which windows are nearer to the smaller of two groups, at least two of each."""
    for _ in range(10):
        second = np.asarray(smooth @ (_unit(other) - _unit(first)) > 0)
        if min(second.sum(), (~second).sum()) < 2:
            return None
        first, other = voices[~second].mean(axis=0), voices[second].mean(axis=0)
    return second if second.mean() <= 0.5 else ~second


def _split(voices: Floats, frames: Floats, second: NDArray[np.bool_]) -> _Split:
    """Measure a split: how near the groups are, how much of all variance is between them, how far
    their mean cepstra are apart (Mahalanobis), and how often they take turns."""
    share = float(second.mean())
    first, other = voices[~second].mean(axis=0), voices[second].mean(axis=0)
    between = share * (1 - share) * float(np.sum((first - other) ** 2))
    within = 1 - float(np.sum(voices.mean(axis=0) ** 2)) - between
    cepstra = frames[: len(second) * _STEP] @ _cosines()
    there = np.repeat(second, _STEP)[: len(cepstra)]
    groups = cepstra[~there], cepstra[there]
    spread = (1 - share) * np.cov(groups[0].T) + share * np.cov(groups[1].T)
    apart = groups[0].mean(axis=0) - groups[1].mean(axis=0)
    measures = (
        float(_unit(first) @ _unit(other)),
        between / max(within, 1e-6),
        float(np.sqrt(apart @ np.linalg.solve(spread + 1e-6 * np.eye(len(spread)), apart))),
        float(np.mean(second[1:] != second[:-1])),
    )
    return _Split(second, between, measures)


def _clusters(voices: Floats, count: int) -> NDArray[np.intp]:
    """Agglomerative clustering by mean inner product: a label for each window."""
    labels = np.arange(len(voices))
    sizes = np.ones(len(voices))
    near = voices @ voices.T
    np.fill_diagonal(near, -np.inf)
    for _ in range(len(voices) - count):
        a, b = np.unravel_index(np.argmax(near), near.shape)
        merged = (sizes[a] * near[a] + sizes[b] * near[b]) / (sizes[a] + sizes[b])
        near[a], near[:, a] = merged, merged
        near[a, a] = near[b] = near[:, b] = -np.inf
        sizes[a] += sizes[b]
        labels[labels == b] = a
    return labels


def _stretches(second: NDArray[np.bool_], length: float) -> Iterator[tuple[float, float]]:
    """Where the windows of the second group lie, in seconds, with a guard around."""
    step, half = _STEP * HOP / RATE, (_WINDOW - _STEP) * HOP / RATE / 2
    index = 0
    for there, run in groupby(second):
        first, index = index, index + len(list(run))
        if there:
            start = first * step + half - _GUARD if first else 0.0
            end = index * step + half + _GUARD if index < len(second) else length
            yield max(0.0, start), min(length, end)


def _unit(vectors: NDArray[np.floating]) -> Floats:
    norm = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norm, 1e-6), np.float32)


def _convolved(x: Floats, weights: Floats, dilation: int) -> Floats:
    """Convolution over frames with zeros around: x (n, frames, from), weights (taps, from, to)."""
    taps, frames = len(weights), x.shape[1]
    reach = dilation * (taps // 2)
    padded = np.pad(x, ((0, 0), (reach, reach), (0, 0)))
    # One matrix product a tap: many small ones cost more in threads than in arithmetic.
    shifted = (padded[:, tap * dilation : tap * dilation + frames] for tap in range(taps))
    parts = (_product(each, matrix) for each, matrix in zip(shifted, weights, strict=True))
    out = next(parts)
    for part in parts:
        out += part
    return out


def _product(x: Floats, matrix: Floats) -> Floats:
    """x (..., from) times matrix (from, to)."""
    flat = np.ascontiguousarray(x).reshape(-1, x.shape[-1]) @ matrix
    return np.asarray(flat.reshape(*x.shape[:-1], matrix.shape[1]), np.float32)


@cache
def _mel() -> Floats:
    """Triangular filters, (bins, BANDS) (Davis and Mermelstein, 1980)."""
    bins = np.fft.rfftfreq(_FFT, 1 / RATE)
    low, high = 1127 * np.log1p(np.array([_LOWEST, _HIGHEST]) / 700)
    edges = 700 * np.expm1(np.linspace(low, high, BANDS + 2) / 1127)
    rise = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    return np.asarray(np.clip(np.minimum(rise, fall), 0, None), np.float32)


@cache
def _cosines() -> Floats:
    """From log powers to cepstral coefficients 1 to 16: (BANDS, 16)."""
    rows = np.cos(np.pi * np.outer(np.arange(BANDS) + 0.5, np.arange(1, 17)) / BANDS)
    return np.asarray(rows * np.sqrt(2 / BANDS), np.float32)
