"""Speaker embeddings, and detection of a second speaker.

A small time-delay network (Snyder et al., "X-vectors: robust DNN embeddings for speaker
recognition", ICASSP 2018) with attentive statistics pooling (Okabe, Koshinaka and Shinoda,
Interspeech 2018), trained by `training/speaker.py`; see `weights/README.md`. The windows of a
recording are clustered in two (Tranter and Reynolds, "An overview of automatic speaker diarization
systems", IEEE TASLP 14, 2006). The distance of the clusters decides if they are two people.

Similarities are normalised by a cohort of other speakers, made by `training/cohort.py` (adaptive
symmetric normalisation: Matějka et al., "Analysis of score normalization in multilingual speaker
recognition", Interspeech 2017).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float32]

RATE = 16_000  # Hz, of all samples in this module
HOP = 160  # samples from one frame to the next: 10 ms
BANDS = 48
DILATIONS = (1, 2, 3)  # of the layers after the first, in frames of 20 ms
STRIDE = 2  # of the first layer

_WINDOW, _STEP = 150, 75  # frames
_BATCH = 16  # windows processed at a time, which bounds the memory
_FEWEST = 5  # windows needed to detect a second speaker
_GUARD = 0.3  # seconds added around another speaker, the resolution of the windows
# Logistic regression on 60 held-out speakers and the development speakers, see weights/README.md.
_WEIGHTS, _BIAS = (-6.88, -12.56, 1.51, 15.8), 1.14
_OVERLAPPING = 1.0  # log odds above which two people speak at the same time

NEAREST = 64  # rows of the cohort that are most like a voice

_COHORT_FILE = Path(__file__).parent / "weights" / "cohort.npz"
_WEIGHTS_FILE = Path(__file__).parent / "weights" / "speaker.npz"
_FRAME, _FFT = 400, 512  # samples: 25 ms, zero-padded
_LOWEST, _HIGHEST = 80.0, 7600.0  # Hz
_FLOOR = 1e-4  # of the mean power of a band; 40 dB below the mean counts as silence


@dataclass(frozen=True)
class Network:
    """Weights of the network: C channels, embeddings of E numbers."""

    first: Floats  # (5, BANDS, C)
    first_bias: Floats  # (C,)
    layers: Floats  # (3, 3, C, C): layer, tap, from, to
    layer_biases: Floats  # (3, C)
    attention: Floats  # (C, A)
    attention_bias: Floats  # (A,)
    focus: Floats  # (A, C)
    embedding: Floats  # (2 C, E)
    embedding_bias: Floats  # (E,)
    overlap: Floats  # (2 C, H)
    overlap_bias: Floats  # (H,)
    overlap_out: Floats  # (H + 1,), the last is the bias


@dataclass(frozen=True)
class Cohort:
    """Speakers to whom a pair of voices is compared."""

    centres: Floats  # (n, E)
    mean: float  # usual cosine of a voice and its nearest rows
    deviation: float  # usual standard deviation of these cosines


@dataclass(frozen=True)
class SpeakerCheck:
    """Result of the search for other speakers in speech."""

    others: tuple[tuple[float, float], ...]  # start and end in seconds of the most different parts
    score: float  # approximate log odds that these parts have another speaker
    overlap: float  # share in which two people speak at the same time, 0-1


@dataclass(frozen=True)
class _Split:
    """Division of the windows into two groups, the second being the smaller."""

    second: NDArray[np.bool_]  # (windows,)
    between: float  # variance between the groups
    measures: tuple[float, ...]  # see `_measured`

    @property
    def score(self) -> float:
        """Approximate log odds that the groups are two people."""
        return _BIAS + float(np.dot(_WEIGHTS, self.measures))


@cache
def network() -> Network:
    """Return the network with the weights in the package."""
    with np.load(_WEIGHTS_FILE) as stored:
        return Network(
            **{f.name: stored[stored_name(f.name)].astype(np.float32) for f in fields(Network)}
        )


@cache
def cohort(band: Literal["whole", "telephone"]) -> Cohort:
    """Return the cohort for embeddings of the whole sound or of its telephone band."""
    with np.load(_COHORT_FILE) as stored:
        mean, deviation = stored[f"{band}_scale"].astype(float)
        return Cohort(_unit(stored[band].astype(np.float32)), float(mean), float(deviation))


def similarities(first: Floats, second: Floats, cohort: Cohort) -> Floats:
    """Compare embeddings, (n, E), with other embeddings, (m, E).

    The cosine of two voices is normalised by the cosines of each voice with the rows of the cohort
    that are most like it, so that a common voice needs a higher cosine than a rare one.

    Returns:
        Similarities on the scale of cosines, from -1 to 1, (n, m).
    """
    cosines = first @ second.T
    mean_first, deviation_first = _nearest(first, cohort)
    mean_second, deviation_second = _nearest(second, cohort)
    scores = (cosines - mean_first[:, None]) / deviation_first[:, None]
    scores += (cosines - mean_second) / deviation_second
    return np.asarray(np.clip(cohort.mean + cohort.deviation * scores / 2, -1, 1), np.float32)


def _nearest(embeddings: Floats, cohort: Cohort) -> tuple[Floats, Floats]:
    """Return mean and deviation of the cosines of each voice with its nearest rows, (n,)."""
    near = np.sort(embeddings @ cohort.centres.T, axis=1)[:, -NEAREST:]
    return near.mean(axis=1), near.std(axis=1)


def stored_name(field: str) -> str:
    """Return the name in the weights file of a field of `Network`.

    The names in the file stay as they were, because another file would have another `version`.
    """
    return field.replace("overlap", "crowd")


@cache
def version() -> str:
    """Return a hash of the weights."""
    return hashlib.sha256(_WEIGHTS_FILE.read_bytes()).hexdigest()[:12]


def features(samples: Floats) -> Floats:
    """Return the log power in mel bands of `samples`, (..., n), as (..., frames, BANDS)."""
    frames = sliding_window_view(samples, _FRAME, axis=-1)[..., ::HOP, :]
    spectra = np.fft.rfft(frames * np.hanning(_FRAME).astype(np.float32), _FFT)
    power = (spectra.real**2 + spectra.imag**2).astype(np.float32) @ _mel()
    mean = power.mean(axis=(-1, -2), keepdims=True)
    return np.asarray(np.log(power + _FLOOR * mean + np.float32(1e-12)), np.float32)


def embed(windows: Floats) -> tuple[Floats, Floats]:
    """Compute embeddings of windows of speech.

    Args:
        windows: `features` of at least one window, (n, frames, BANDS).

    Returns:
        Embeddings of length 1, (n, E), and log odds that two people speak at the same time, (n,).
    """
    parts = [_embed_batch(windows[at : at + _BATCH]) for at in range(0, len(windows), _BATCH)]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _embed_batch(windows: Floats) -> tuple[Floats, Floats]:
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
    embeddings = np.concatenate([mean, spread], axis=1) @ net.embedding + net.embedding_bias
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    mean = x.mean(axis=1)
    spread = np.sqrt(np.maximum((x**2).mean(axis=1) - mean**2, 1e-4))
    overlap = np.maximum(np.concatenate([mean, spread], axis=1) @ net.overlap + net.overlap_bias, 0)
    return embeddings, np.asarray(overlap @ net.overlap_out[:-1] + net.overlap_out[-1])


def mean_embedding(speech: Floats) -> Floats:
    """Return the mean embedding of `speech`, the samples of one speaker, with unit norm.

    `similarities` compares embeddings. Speech shorter than 1.5 s is
    padded with silence.
    """
    windows = _windows(features(np.pad(speech, (0, _FRAME + _WINDOW * HOP))))
    mean = embed(windows)[0].mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


def detect_other_speakers(speech: Floats) -> SpeakerCheck:
    """Search `speech`, without its pauses, shape (n,), for a second speaker."""
    frames = features(np.pad(speech, (0, max(0, _FRAME - len(speech)))))
    windows = _windows(frames)
    if len(windows) < _FEWEST:
        return SpeakerCheck((), -np.inf, 0.0)
    embeddings, odds = embed(windows)
    overlap = float(np.mean(odds > _OVERLAPPING))
    split = max(_splits(embeddings, frames), key=lambda split: split.between, default=None)
    if split is None:
        return SpeakerCheck((), -np.inf, overlap)
    parts = tuple(_spans(split.second, len(speech) / RATE))
    return SpeakerCheck(parts, split.score, overlap)


def _windows(frames: Floats) -> Floats:
    """Return overlapping windows of frames, (n, _WINDOW, BANDS); n is 0 for too few frames."""
    if len(frames) < _WINDOW:
        return np.zeros((0, _WINDOW, BANDS), np.float32)
    return np.moveaxis(sliding_window_view(frames, _WINDOW, axis=0)[::_STEP], 2, 1)


def _splits(embeddings: Floats, frames: Floats) -> Iterator[_Split]:
    """Yield divisions of the windows into two groups.

    The windows are clustered into 2, 3, 4 and 6 clusters. The largest cluster is compared with
    each of the others, and each window is moved to the group with the nearer mean.
    """
    padded = np.pad(embeddings, ((1, 1), (0, 0)), mode="edge")
    smooth = _unit((padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4)
    for count in (2, 3, 4, 6):
        if count >= len(embeddings):
            break
        labels = _clusters(smooth, count)
        names, sizes = np.unique(labels, return_counts=True)
        largest = names[np.argmax(sizes)]
        for name in names[names != largest]:
            first, other = (embeddings[labels == each].mean(axis=0) for each in (largest, name))
            second = _nearer(embeddings, smooth, first, other)
            if second is not None:
                yield _measured(embeddings, frames, second)


def _nearer(
    embeddings: Floats, smooth: Floats, first: Floats, other: Floats
) -> NDArray[np.bool_] | None:
    """Return the windows of the smaller of two groups, None if a group has less than two.

    Starts from the groups' means, `first` and `other`, and assigns windows to the nearer mean.
    """
    for _ in range(10):
        second = np.asarray(smooth @ (_unit(other) - _unit(first)) > 0)
        if min(second.sum(), (~second).sum()) < 2:
            return None
        first, other = embeddings[~second].mean(axis=0), embeddings[second].mean(axis=0)
    return second if second.mean() <= 0.5 else ~second


def _measured(embeddings: Floats, frames: Floats, second: NDArray[np.bool_]) -> _Split:
    """Measure a division of the windows.

    The measures are the similarity of the groups, their variance over that within them, the
    Mahalanobis distance of their mean cepstra, and the rate of turns between them.
    """
    share = float(second.mean())
    first, other = embeddings[~second].mean(axis=0), embeddings[second].mean(axis=0)
    between = share * (1 - share) * float(np.sum((first - other) ** 2))
    within = 1 - float(np.sum(embeddings.mean(axis=0) ** 2)) - between
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


def _clusters(embeddings: Floats, count: int) -> NDArray[np.intp]:
    """Cluster agglomeratively by mean inner product. Returns a label for each window."""
    labels = np.arange(len(embeddings))
    sizes = np.ones(len(embeddings))
    near = embeddings @ embeddings.T
    np.fill_diagonal(near, -np.inf)
    for _ in range(len(embeddings) - count):
        a, b = np.unravel_index(np.argmax(near), near.shape)
        merged = (sizes[a] * near[a] + sizes[b] * near[b]) / (sizes[a] + sizes[b])
        near[a], near[:, a] = merged, merged
        near[a, a] = near[b] = near[:, b] = -np.inf
        sizes[a] += sizes[b]
        labels[labels == b] = a
    return labels


def _spans(second: NDArray[np.bool_], length: float) -> Iterator[tuple[float, float]]:
    """Yield start and end in seconds of the second group's windows, with a guard around them."""
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
    """Convolve x, (n, frames, from), zero-padded, with weights, (taps, from, to), over frames."""
    taps, frames = len(weights), x.shape[1]
    reach = dilation * (taps // 2)
    padded = np.pad(x, ((0, 0), (reach, reach), (0, 0)))
    # One matrix product per tap: many small products cost more in threads than in arithmetic.
    shifted = (padded[:, tap * dilation : tap * dilation + frames] for tap in range(taps))
    parts = (_product(each, matrix) for each, matrix in zip(shifted, weights, strict=True))
    out = next(parts)
    for part in parts:
        out += part
    return out


def _product(x: Floats, matrix: Floats) -> Floats:
    """Multiply x, (..., from), by matrix, (from, to)."""
    flat = np.ascontiguousarray(x).reshape(-1, x.shape[-1]) @ matrix
    return np.asarray(flat.reshape(*x.shape[:-1], matrix.shape[1]), np.float32)


@cache
def _mel() -> Floats:
    """Return triangular mel filters, (bins, BANDS) (Davis and Mermelstein, 1980)."""
    bins = np.fft.rfftfreq(_FFT, 1 / RATE)
    low, high = 1127 * np.log1p(np.array([_LOWEST, _HIGHEST]) / 700)
    edges = 700 * np.expm1(np.linspace(low, high, BANDS + 2) / 1127)
    rise = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    return np.asarray(np.clip(np.minimum(rise, fall), 0, None), np.float32)


@cache
def _cosines() -> Floats:
    """Return the matrix from log powers to cepstral coefficients 1 to 16, (BANDS, 16)."""
    rows = np.cos(np.pi * np.outer(np.arange(BANDS) + 0.5, np.arange(1, 17)) / BANDS)
    return np.asarray(rows * np.sqrt(2 / BANDS), np.float32)
