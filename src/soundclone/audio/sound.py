"""A recording of any length, read in pieces.

Fifteen minutes of sound fill hundreds of megabytes. `Sound` leaves them in an unnamed file, so that
a worker holds a block of them at a time, and the file ends with the last reference.
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

BLOCK = 1 << 18  # samples that are in memory at once: 1 MB
_LOUDEST = 2.0**16


class Sound:
    """Mono samples. A slice of a sound, `sound[start:end]`, is an array of shape (n,).

    What is not a number in the file reads as 0, and no value is beyond ±65536.
    """

    def __init__(self, file: IO[bytes], length: int, rate: int) -> None:
        """`file` holds `length` samples as float32 at `rate` Hz; it may be closed afterwards."""
        self.rate = rate
        self._length = length
        self._file = os.dup(file.fileno())
        self._gain = np.float32(1)
        self._most = np.float32(_LOUDEST)
        weakref.finalize(self, os.close, self._file)

    @classmethod
    def of(cls, blocks: Iterable[Samples], rate: int) -> Sound:
        """The blocks, one after the other, in a file without a name."""
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
                raise EOFError("a sound's file is shorter than it was")
            left, position = left[count:], position + count
        np.nan_to_num(samples, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        samples *= self._gain
        return np.clip(samples, -self._most, self._most, out=samples)

    @property
    def seconds(self) -> float:
        return self._length / self.rate

    def blocks(self, size: int = BLOCK) -> Iterator[Samples]:
        """All of the sound, in arrays of `size` samples; the last one may be shorter."""
        for start in range(0, self._length, size):
            yield self[start : start + size]

    def resampled(self, rate: int) -> Sound:
        """This sound, resampled to `rate` Hz."""
        return (
            self if rate == self.rate else Sound.of(resampled(self.blocks(), self.rate, rate), rate)
        )

    def within_full_scale(self, gain: float) -> Sound:
        """This sound, `gain` times as loud. Samples beyond full scale are clipped."""
        with os.fdopen(os.dup(self._file), "rb") as file:
            louder = Sound(file, self._length, self.rate)
        louder._gain, louder._most = np.float32(gain), np.float32(1)
        return louder


def resampled(blocks: Iterable[Samples], rate: int, to: int) -> Iterator[Samples]:
    """Blocks at `rate` Hz as blocks at another rate."""
    stream = soxr.ResampleStream(rate, to, 1, dtype="float32")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)
