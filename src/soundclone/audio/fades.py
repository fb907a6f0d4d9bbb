"""Fades at the ends of a sound, which prevent clicks."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray


def fade_ends(samples: NDArray[Any], ramp: NDArray[Any]) -> None:
    """Multiply the beginning of `samples` by `ramp` and the end by its reverse, in place.

    Args:
        samples: Shape (n,).
        ramp: Gains from 0 to 1, at most n of them.
    """
    size = len(ramp)
    samples[:size] *= ramp
    samples[len(samples) - size :] *= ramp[::-1]
