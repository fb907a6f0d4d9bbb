"""Geometry and keys of the patterns.

A pattern assigns a sign to each tile of time and frequency. A tile lasts two frames and is
`BAND_BINS` bins wide. The tiles alternate like a chessboard between the public and the secret
pattern, so a tile belongs to one of them. Both repeat after `STEPS` tiles.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from .code import CHIPS

FRAME_RATE = 50  # frames a second, half overlapping
FRAMES = 2  # in a tile: 40 ms
STEPS = 128  # tiles in a period: 5.12 s
PERIOD = STEPS * FRAMES  # frames in a period
FIRST_BIN = 12  # 300 Hz, because the bins of a frame are 25 Hz apart
BAND_BINS = 6  # 150 Hz
BANDS = 44  # up to 6.9 kHz

_PUBLIC_KEY = b"soundclone: synthetic speech, public pattern 1"
_TILES = STEPS * BANDS

Signs = NDArray[np.float32]
"""Signs ±1 of the tiles of one pattern, shape (STEPS, BANDS), 0 at the tiles of the other one."""


@dataclass(frozen=True)
class SecretPattern:
    """Secret pattern of one installation. Each tile also belongs to one chip of the payload."""

    signs: Signs
    groups: NDArray[np.intp]
    """Index of each tile's chip, shape (STEPS, BANDS), CHIPS at tiles of the public pattern."""

    def with_chips(self, chips: NDArray[np.float32]) -> Signs:
        """Return the signs multiplied by the chips ±1 of a payload, shape (CHIPS,)."""
        return self.signs * np.append(chips, np.float32(0))[self.groups]


def parity() -> NDArray[np.intp]:
    """Return 0 at the tiles of the public pattern and 1 at those of the secret one."""
    return np.add.outer(np.arange(STEPS), np.arange(BANDS)) % 2


@cache
def public_pattern() -> Signs:
    """Return the pattern that all installations share."""
    return np.where(parity() == 0, _signs(_PUBLIC_KEY), np.float32(0))


@cache
def secret_pattern(secret: bytes) -> SecretPattern:
    """Derive the pattern of an installation from its secret."""
    key = hashlib.sha256(b"soundclone: secret pattern 1:" + secret).digest()
    mine = parity() == 1
    signs = np.where(mine, _signs(key), np.float32(0))
    stream = np.frombuffer(hashlib.shake_256(key + b"order").digest(4 * _TILES), "<u4")
    order = np.argsort(stream.reshape(STEPS, BANDS)[mine], kind="stable")
    groups = np.full((STEPS, BANDS), CHIPS)
    groups[mine] = order % CHIPS
    return SecretPattern(signs, groups)


def _signs(key: bytes) -> Signs:
    bits = np.unpackbits(np.frombuffer(hashlib.shake_256(key).digest(_TILES // 8), np.uint8))
    return (bits * np.float32(2) - np.float32(1)).reshape(STEPS, BANDS)
