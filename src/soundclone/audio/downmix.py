"""Reduction of a recording to one channel at 48 kHz or less.

Runs in the decoder process. The samples are kept in a file, because the channel with the most
sound is known only after the last block.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .samples import Samples
from .sound import BLOCK, resample_blocks

MOST_RATE = 48_000  # Hz, which covers all audible frequencies


class Downmix:
    """Store of interleaved samples that returns the channel with the most sound.

    Channels are not added up, because a voice that is inverted in one of them would cancel out.
    The channel is chosen by the energy of the differences between neighbouring samples, which
    passes over the bass channel of a film. Its DC offset is removed.
    """

    def __init__(self, file: int, channels: int, rate: int) -> None:
        """Create a store in the empty file of descriptor `file`, open for reading and writing."""
        self._file = file
        self._rate = rate
        self._waiting = bytearray()
        self._samples = 0
        self._total = np.zeros(channels)
        self._energy = np.zeros(channels)
        self._last: NDArray[np.float32] | None = None

    def write(self, interleaved: bytes | memoryview) -> None:
        """Append interleaved float32 samples of all channels."""
        self._waiting += interleaved
        if len(self._waiting) >= 4 * BLOCK:
            self._flush()

    @property
    def rate(self) -> int:
        """Sample rate of the blocks that `read` yields, in Hz."""
        return min(self._rate, MOST_RATE)

    def read(self) -> Iterator[Samples]:
        """Yield the channel with the most sound in blocks."""
        self._flush()
        blocks = self._channel(int(np.argmax(self._energy)))
        return blocks if self.rate == self._rate else resample_blocks(blocks, self._rate, self.rate)

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
        # Floating-point files may hold NaN, infinities and absurdly large values.
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
