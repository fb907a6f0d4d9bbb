"""Embed the watermark into samples that arrive in blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..samples import Samples
from .code import encode
from .pattern import (
    BAND_BINS,
    BANDS,
    FIRST_BIN,
    FRAME_RATE,
    FRAMES,
    PERIOD,
    public_pattern,
    secret_pattern,
)

_SNR = 23.2  # dB, of each frame, at most
_EXPONENT = 0.35  # growth of the strength with the power of the loudest band over a tile's
_MOST = 8.0  # times the strength in the loudest band
_STRONGEST = np.float32(0.42)  # nepers, 3.6 dB
_PEAK = np.float32(0.5)  # of that, in a band that is louder than both its neighbours
_RISE = 0.3  # growth of this share with the power of the loudest neighbour over a tile's
_SILENCE = 1e-9  # power


class Embedder:
    """Streaming embedder of the public pattern and of the secret pattern with a payload.

    Each tile becomes a little louder or softer, by the sign of the pattern. The mark is loudest in
    bands far below the loudest band of the frame, because louder bands mask them. It is also
    softer in a band that is louder than its neighbours, because the ear and speech recognition
    follow such bands. In each frame the mark is about 24 dB below the speech, or softer.

    The output depends on the input, the secret and the payload only, not on the size of the blocks.
    """

    def __init__(self, sample_rate: int, secret: bytes, payload: int) -> None:
        """Begin a recording.

        Args:
            sample_rate: Sample rate in Hz, 8000 or more.
            secret: Secret of the installation.
            payload: Number from 0 to PAYLOADS - 1.
        """
        hop = round(sample_rate / FRAME_RATE)
        signs = public_pattern() + secret_pattern(secret).with_chips(encode(payload))
        bands = min(BANDS, (hop - FIRST_BIN) // BAND_BINS)  # below half the sample rate
        self._signs = np.repeat(signs[:, :bands], FRAMES, axis=0)
        self._bands = slice(FIRST_BIN, FIRST_BIN + bands * BAND_BINS)
        self._hop = hop
        size = 2 * hop
        self._window = np.sin(np.pi * (np.arange(size) + 0.5) / size).astype(np.float32)
        self._frame = 0  # in the period
        self._input = np.zeros(hop, np.float32)  # the first frame is centred at the first sample
        self._tail: Samples | None = None  # second half of the last frame
        self._lag = 0  # samples received and not returned

    def process(self, samples: Samples) -> Samples:
        """Append samples, shape (n,), and return those that are ready, up to 40 ms fewer."""
        self._lag += len(samples)
        self._input = np.concatenate([self._input, samples]).astype(np.float32, copy=False)
        hop = self._hop
        count = len(self._input) // hop - 1
        if count < 1:
            return np.zeros(0, np.float32)
        halves = self._input[: (count + 1) * hop].reshape(-1, hop)
        marked = self._mark(np.concatenate([halves[:-1], halves[1:]], axis=1))
        self._input = self._input[count * hop :]
        out = marked[:, :hop]
        out[1:] += marked[:-1, hop:]
        first = 0
        if self._tail is None:
            first = 1  # before the first sample
        else:
            out[0] += self._tail
        self._tail = marked[-1, hop:].copy()
        ready = out[first:].reshape(-1)
        self._lag -= len(ready)
        return ready

    def finish(self) -> Samples:
        """Return the remaining samples."""
        lag = self._lag
        rest = self.process(np.zeros(3 * self._hop, np.float32))[:lag]
        self._lag = 0
        return rest

    def _mark(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the marked frames, windowed, shape (n, 2 hop)."""
        spectra: NDArray[np.complex64] = np.fft.rfft(frames * self._window).astype(
            np.complex64, copy=False
        )
        spectra[:, self._bands] *= np.repeat(self._gains(spectra), BAND_BINS, axis=1)
        return np.asarray(np.fft.irfft(spectra, 2 * self._hop) * self._window, np.float32)

    def _gains(self, spectra: NDArray[np.complex64]) -> NDArray[np.float32]:
        """Return the gain of each tile, shape (n, bands)."""
        count = len(spectra)
        power = np.square(spectra.real) + np.square(spectra.imag)
        tiles = power[:, self._bands].reshape(count, -1, BAND_BINS).sum(axis=2) + _SILENCE
        below = tiles.max(axis=1, keepdims=True) / tiles
        strength = np.minimum(below ** np.float32(_EXPONENT), np.float32(_MOST))
        mark = (tiles * np.square(strength)).sum(axis=1)
        scale = np.sqrt(np.float32(10 ** (-_SNR / 10)) * power.sum(axis=1) / mark)
        signs = self._signs[(self._frame + np.arange(count)) % PERIOD]
        self._frame = (self._frame + count) % PERIOD
        padded = np.pad(tiles, ((0, 0), (1, 1)), mode="edge")
        around = np.maximum(padded[:, :-2], padded[:, 2:])
        share = _PEAK * np.maximum(around / tiles, 1) ** np.float32(_RISE)
        strength = np.minimum(strength * scale[:, None], _STRONGEST * np.minimum(share, 1))
        return np.asarray(np.exp(strength * signs), np.float32)
