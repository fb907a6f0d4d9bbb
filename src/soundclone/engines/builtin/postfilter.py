"""Correct the vocoder's mix of pulses and noise with a small neural network.

The network (`training/postfilter.py`) reads the vocoder's parameters and the spectrum of the
pulses. Its outputs are a gain and a phase of the pulses, and a gain of the noise, from 75 Hz to
7.6 kHz. Bands above show how a recording was resampled, so the network neither reads nor changes
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import layers
from .layers import Floats, Weights

FFT, HOP, RATE = 960, 240, 24_000  # samples, samples, Hz
BINS = 313  # up to 7.8 kHz, which the network changes
CHANNELS, UNITS, BLOCKS, TAPS = 192, 384, 4, 7
GROUPS = 4  # of channels, in the first convolution
REACH = 1 + BLOCKS * (TAPS // 2)  # frames that the network sees on either side
_SEEN = 77  # bands of the envelope
FEATURES = _SEEN + 4
_EDGES = ((50.0, 50.0), (7400.0, 400.0))  # Hz, start and width of the edges of the mask
_MOST_PULSES, _MOST_NOISE = 3.0, 9.0  # nepers, limits of the gains
_PATH = Path(__file__).parent / "weights" / "postfilter.npz"


@dataclass(frozen=True)
class Correction:
    """Changes of the mix, each (T, BINS)."""

    pulses: Floats  # nepers
    noise: Floats  # nepers
    phase: Floats  # of the pulses, radians


@cache
def weights() -> dict[str, Floats]:
    """Return the packaged weights, read once."""
    return layers.read(_PATH)


@cache
def mask() -> Floats:
    """Return the share of the network's output in each bin: (BINS,)."""
    hertz = np.arange(BINS) * RATE / FFT
    (low, rise), (high, fall) = _EDGES
    below = ((hertz - low) / rise).clip(0, 1)
    return np.asarray(below * ((high + fall - hertz) / fall).clip(0, 1), np.float32)


def inputs(
    envelope: NDArray[np.floating],
    level: NDArray[np.floating],
    f0: NDArray[np.floating],
    aperiodicity: NDArray[np.floating],
) -> Floats:
    """Return the inputs of the network without the spectrum, (T, FEATURES).

    Args:
        envelope: (T, 80), natural log, HOP apart.
        level: (T,), natural log.
        f0: (T,), Hz, 0 where unvoiced.
        aperiodicity: (T,), dB.
    """
    voiced = f0 > 0
    columns = (
        envelope[:, :_SEEN] / 2,
        (level[:, None] + 10) / 3,
        np.where(voiced, 2 * (np.log(np.where(voiced, f0, 1)) - 5), 0)[:, None],
        voiced[:, None],
        aperiodicity[:, None] / 10,
    )
    return np.concatenate(columns, axis=1).astype(np.float32)


def scaled(magnitude: Floats) -> Floats:
    """Return the network's input of magnitudes of the pulses, (T, BINS)."""
    return np.asarray((np.log(magnitude + np.float32(1e-5)) + 4) / 3 * mask())


def correction(rows: Floats, magnitude: Floats, net: Weights | None = None) -> Correction:
    """Return the changes of the mix.

    Args:
        rows: Result of `inputs`, (T, FEATURES).
        magnitude: Of the pulses, (T, BINS).
        net: Weights. None takes the packaged ones.
    """
    net = weights() if net is None else net
    x = layers.linear(net, "into", np.concatenate([rows, scaled(magnitude)], axis=1))
    x = _normed(net, "norm", x + _grouped(net, "near", x))
    for number in range(BLOCKS):
        name = f"blocks.{number}"
        y = _normed(net, f"{name}.norm", _each_channel(net, f"{name}.depth", x))
        y = layers.linear(net, f"{name}.back", _gelu(layers.linear(net, f"{name}.wide", y)))
        x = x + net[f"{name}.scale"] * y
    out = layers.linear(net, "out", _normed(net, "last_norm", x))
    pulses, noise, phase = (part * mask() for part in np.split(out, 3, axis=1))
    return Correction(
        pulses=_MOST_PULSES * np.tanh(pulses / _MOST_PULSES),
        noise=_MOST_NOISE * np.tanh(noise / _MOST_NOISE),
        phase=2 * phase,
    )


def _grouped(net: Weights, name: str, x: Floats) -> Floats:
    """Convolve groups of channels over three frames."""
    kernel = net[f"{name}.weight"]  # (channels, channels of a group, 3)
    size = kernel.shape[1]
    groups = kernel.reshape(GROUPS, size, size, 3).transpose(0, 3, 2, 1)
    around = np.pad(x, ((1, 1), (0, 0))).reshape(len(x) + 2, GROUPS, size).transpose(1, 0, 2)
    beside = np.concatenate([around[:, k : k + len(x)] for k in range(3)], axis=2)
    out = beside @ groups.reshape(GROUPS, 3 * size, size)
    return np.asarray(out.transpose(1, 0, 2).reshape(x.shape) + net[f"{name}.bias"])


def _each_channel(net: Weights, name: str, x: Floats) -> Floats:
    """Convolve each channel over time with its own kernel."""
    kernel = net[f"{name}.weight"][:, 0].T  # (taps, channels)
    half = len(kernel) // 2
    padded = np.pad(x, ((half, half), (0, 0)))
    out = np.broadcast_to(net[f"{name}.bias"], x.shape).copy()
    for k, row in enumerate(kernel):
        out += padded[k : k + len(x)] * row
    return out


def _normed(net: Weights, name: str, x: Floats) -> Floats:
    """Apply layer normalisation (Ba, Kiros and Hinton, 2016)."""
    x = x - x.mean(axis=1, keepdims=True)
    x /= np.sqrt((x * x).mean(axis=1, keepdims=True) + np.float32(1e-5))
    return np.asarray(x * net[f"{name}.weight"] + net[f"{name}.bias"])


def _gelu(x: Floats) -> Floats:
    """Apply the Gaussian error linear unit (Hendrycks and Gimpel, 2016), by its tanh form."""
    inner = np.float32(np.sqrt(2 / np.pi)) * x * (1 + np.float32(0.044715) * x * x)
    return np.asarray(np.float32(0.5) * x * (1 + np.tanh(inner)))
