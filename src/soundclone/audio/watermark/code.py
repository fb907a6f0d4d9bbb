"""Error-correcting code of the payload: the extended dual BCH code (128, 22, 48).

A payload is 22 bits: a sign e and three elements a, b, c of GF(128). Its chip at the field
element x is (-1) ** (e + Tr(a x + b x^3 + c x^5)). Two payloads differ in at least 48 of the 128
chips. F. J. MacWilliams, N. J. A. Sloane, "The Theory of Error-Correcting Codes", chapters 9, 21.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

_FIELD_BITS = 7
_POLYNOMIAL = 0b10000011  # x^7 + x + 1, primitive
CHIPS = 1 << _FIELD_BITS
PAYLOAD_BITS = 1 + 3 * _FIELD_BITS
PAYLOADS = 1 << PAYLOAD_BITS
"""Number of payloads: 0 to PAYLOADS - 1."""
_COSET = 2 * CHIPS  # payloads with the same b and c

Chips = NDArray[np.float32]
"""Values of the chips, shape (CHIPS,)."""


def encode(payload: int) -> Chips:
    """Return the chips ±1 of a payload.

    Raises:
        ValueError: The payload is not between 0 and PAYLOADS - 1.
    """
    if not 0 <= payload < PAYLOADS:
        raise ValueError(f"the payload is {payload}; it must be between 0 and {PAYLOADS - 1}")
    linear, cosets = _tables()
    sign = -1 if payload & 1 else 1
    row, coset = (payload >> 1) % CHIPS, payload >> 1 + _FIELD_BITS
    return np.asarray(sign * linear[row] * cosets[coset], np.float32)


def compared(payloads: int) -> int:
    """Return the number of payloads that `decode` compares if only `payloads` are in use."""
    return math.ceil(payloads / _COSET) * _COSET


def decode(received: Chips, payloads: int = PAYLOADS) -> tuple[int, float]:
    """Return the payload whose chips correlate most with the received ones, and the correlation.

    The first `compared(payloads)` payloads are compared, so the decision is the most likely one
    under Gaussian noise.
    """
    linear, cosets = _tables()
    cosets = cosets[: compared(payloads) // _COSET]
    correlations = (cosets * received.astype(np.float32)) @ linear
    best = int(np.argmax(np.abs(correlations)))
    coset, row = divmod(best, CHIPS)
    value = float(correlations[coset, row])
    payload = coset << 1 + _FIELD_BITS | row << 1 | (value < 0)
    return payload, abs(value)


@cache
def _tables() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the signs of Tr(a x), shape (a, x), and of Tr(b x^3 + c x^5), shape (b c, x)."""
    elements = np.arange(CHIPS)
    cubes = _multiply(elements, _multiply(elements, elements))
    fifths = _multiply(cubes, _multiply(elements, elements))
    linear, cubic, quintic = (
        _trace_signs(_multiply(elements[:, None], power[None, :]))
        for power in (elements, cubes, fifths)
    )
    return linear, (cubic[:, None, :] * quintic[None, :, :]).reshape(-1, CHIPS)


def _multiply(left: NDArray[np.intp], right: NDArray[np.intp]) -> NDArray[np.intp]:
    """Multiply elements of GF(128), which are polynomials over GF(2) written as integers."""
    left, right = np.broadcast_arrays(left, right)
    product = np.zeros_like(left)
    for bit in range(_FIELD_BITS):
        product ^= np.where(right >> bit & 1, left << bit, 0)
    for bit in reversed(range(_FIELD_BITS, 2 * _FIELD_BITS - 1)):
        product ^= np.where(product >> bit & 1, _POLYNOMIAL << bit - _FIELD_BITS, 0)
    return product


def _trace_signs(elements: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return (-1) ** Tr(element)."""
    trace, power = elements, elements
    for _ in range(_FIELD_BITS - 1):
        power = _multiply(power, power)
        trace = trace ^ power
    return (1 - 2 * trace).astype(np.float32)
