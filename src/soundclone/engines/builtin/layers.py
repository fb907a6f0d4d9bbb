"""Layers of neural networks in numpy, with the weights of the torch modules of the same names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Weights = Mapping[str, Floats]


def read(path: Path) -> dict[str, Floats]:
    """Read the arrays of numbers of a file of weights, in float32."""
    with np.load(path) as file:
        return {
            name: file[name].astype(np.float32)
            for name in file.files
            if np.issubdtype(file[name].dtype, np.floating)
        }


def linear(weights: Weights, name: str, rows: Floats) -> Floats:
    """Apply an affine map to rows (T, I): (T, O)."""
    out = rows @ weights[f"{name}.weight"].T
    out += weights[f"{name}.bias"]
    return np.asarray(out)


def convolution(weights: Weights, name: str, rows: Floats, dilation: int = 1) -> Floats:
    """Convolve rows (T, I) in time, with zeros beyond both ends: (T, O)."""
    kernel = weights[f"{name}.weight"]  # (O, I, taps)
    taps = kernel.shape[2]
    reach = dilation * (taps // 2)
    padded = np.pad(rows, ((reach, reach), (0, 0)))
    # One product of matrices is faster than one for each tap.
    beside = np.concatenate(
        [padded[k * dilation : k * dilation + len(rows)] for k in range(taps)], axis=1
    )
    flat = kernel.transpose(2, 1, 0).reshape(-1, kernel.shape[0])
    out = beside @ flat
    out += weights[f"{name}.bias"]
    return np.asarray(out)


def relu(rows: Floats) -> Floats:
    """Replace negative numbers by zero."""
    return np.maximum(rows, 0)


def gru(weights: Weights, name: str, rows: Floats, layers: int) -> Floats:
    """Apply bidirectional gated recurrent layers (Cho et al., 2014) to rows (T, I): (T, 2 H)."""
    for layer in range(layers):
        rows = np.concatenate(
            [
                _one_way(weights, f"{name}.", f"_l{layer}", rows),
                _one_way(weights, f"{name}.", f"_l{layer}_reverse", rows[::-1])[::-1],
            ],
            axis=1,
        )
    return rows


def _one_way(weights: Weights, name: str, suffix: str, rows: Floats) -> Floats:
    recurrent = weights[f"{name}weight_hh{suffix}"].T
    bias = weights[f"{name}bias_hh{suffix}"]
    inputs = rows @ weights[f"{name}weight_ih{suffix}"].T + weights[f"{name}bias_ih{suffix}"]
    size = len(recurrent)
    state = np.zeros(size, np.float32)
    out = np.empty((len(rows), size), np.float32)
    for t in range(len(rows)):
        told = state @ recurrent + bias
        gates = 1 / (1 + np.exp(-(inputs[t, : 2 * size] + told[: 2 * size])))
        reset, update = gates[:size], gates[size:]
        new = np.tanh(inputs[t, 2 * size :] + reset * told[2 * size :])
        state = new + update * (state - new)
        out[t] = state
    return out
