"""Recordings of any length, read from a file in blocks.

Fifteen minutes of sound take hundreds of megabytes. `Sound` keeps them in an unnamed file, so that
a worker has only one block in memory. The file is deleted with the last reference to the sound.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from typing import IO

import numpy as np
import soxr

from .samples import Samples

BLOCK = 1 << 18  # samples in memory at a time: 1 MB
_LOUDEST = 2.0**16


class Sound:
    """Mono samples in a file. A slice, `sound[start:end]`, is an array of shape (n,).

    NaN in the file is read as 0. Values are clipped to ±65536.
    """

    def __init__(self, file: IO[bytes], length: int, rate: int) -> None:
        """Open a sound of `length` float32 samples at `rate` Hz.

        The descriptor of `file` is duplicated, so the caller may close it.
        """
        self.rate = rate
        self._length = length
        self._file = os.dup(file.fileno())
        self._gain = np.float32(1)
        self._most = np.float32(_LOUDEST)
        weakref.finalize(self, os.close, self._file)

    @classmethod
    def from_blocks(cls, blocks: Iterable[Samples], rate: int) -> Sound:
        """Write blocks of samples at `rate` Hz to an unnamed file."""
        length = 0
        with tempfile.TemporaryFile() as file:
            for block in blocks:
                file.write(np.ascontiguousarray(block, np.float32).data)
                length += len(block)
            file.flush()
            return cls(file, length, rate)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, part: slice) -> Samples:
        start, end, _ = part.indices(self._length)
        samples = np.zeros(max(0, end - start), np.float32)
        left, position = samples.view(np.uint8), 4 * start
        while len(left):
            count = os.preadv(self._file, [left.data], position)
            if not count:
                raise EOFError("the file of a sound was truncated")
            left, position = left[count:], position + count
        np.nan_to_num(samples, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        samples *= self._gain
        return np.clip(samples, -self._most, self._most, out=samples)

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return self._length / self.rate

    def blocks(self, size: int = BLOCK) -> Iterator[Samples]:
        """Yield the sound in arrays of `size` samples. The last one may be shorter."""
        for start in range(0, self._length, size):
            yield self[start : start + size]

    def resampled(self, rate: int) -> Sound:
        """Return the sound at `rate` Hz."""
        if rate == self.rate:
            return self
        return Sound.from_blocks(resample_blocks(self.blocks(), self.rate, rate), rate)

    def amplified(self, gain: float) -> Sound:
        """Return the sound multiplied by `gain` and clipped to full scale."""
        with os.fdopen(os.dup(self._file), "rb") as file:
            louder = Sound(file, self._length, self.rate)
        louder._gain, louder._most = np.float32(gain), np.float32(1)
        return louder


def resample_blocks(blocks: Iterable[Samples], rate: int, to: int) -> Iterator[Samples]:
    """Yield blocks of samples at `rate` Hz resampled to `to` Hz."""
    stream = soxr.ResampleStream(rate, to, 1, dtype="float32")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)
