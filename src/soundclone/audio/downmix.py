"""The channel of a recording that a voice is made of, at a rate that is heard.

Runs in the decoder's process, block by block: nobody knows which channel has the most sound before
the last block has been read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .samples import Samples
from .sound import BLOCK, resampled

MOST_RATE = 48_000  # Hz; nothing audible is above half of it


class Downmix:
    """Keeps interleaved samples of one channel or more in a file, and reads one channel back.

    Adding channels up would cancel a voice that is inverted in one of them. So the channel with the
    most sound is taken, by the differences between neighbouring samples: the bass channel of a film
    is not the loudest. Its offset is removed.
    """

    def __init__(self, file: int, channels: int, rate: int) -> None:
        """`file` is the descriptor of an empty file, open for reading and writing."""
        self._file = file
        self._rate = rate
        self._waiting = bytearray()
        self._samples = 0
        self._total = np.zeros(channels)
        self._energy = np.zeros(channels)
        self._last: NDArray[np.float32] | None = None

    def write(self, interleaved: bytes | memoryview) -> None:
        """Append float32 samples of all channels."""
        self._waiting += interleaved
        if len(self._waiting) >= 4 * BLOCK:
            self._flush()

    @property
    def rate(self) -> int:
        """Sample rate of the blocks that `read` gives, in Hz."""
        return min(self._rate, MOST_RATE)

    def read(self) -> Iterator[Samples]:
        """The channel with the most sound, in blocks."""
        self._flush()
        blocks = self._channel(int(np.argmax(self._energy)))
        return blocks if self.rate == self._rate else resampled(blocks, self._rate, self.rate)

    def _channel(self, channel: int) -> Iterator[Samples]:
        channels = len(self._total)
        offset = np.float32(self._total[channel] / max(1, self._samples))
        size = BLOCK // channels * channels * 4
        for position in range(0, self._samples * channels * 4, size):
            block = np.frombuffer(os.pread(self._file, size, position), np.float32)
            yield np.ascontiguousarray(block.reshape(-1, channels)[:, channel] - offset)

    def _flush(self) -> None:
        table = np.frombuffer(bytes(self._waiting), np.float32).reshape(-1, len(self._total))
        if not len(table):
            return
        # Floating-point files can hold anything: no number, or an absurd one, is a click.
        table = np.nan_to_num(table, nan=0.0, posinf=0.0, neginf=0.0)
        np.clip(table, -(2.0**16), 2.0**16, out=table)
        self._total += table.sum(axis=0, dtype=np.float64)
        joined = table if self._last is None else np.concatenate((self._last, table))
        self._energy += np.square(np.diff(joined, axis=0), dtype=np.float64).sum(axis=0)
        self._last = table[-1:].copy()
        self._samples += len(table)
        self._waiting.clear()
        left = memoryview(table.tobytes())
        while left:
            left = left[os.write(self._file, left) :]
