"""Seal the bytes of a voice with a checksum.

    8 bytes    magic, which names the format
    32 bytes   SHA-256 of the body
    the rest   body

Nothing in a voice is executed, and nothing is parsed before the checksum is verified.
"""

from __future__ import annotations

import hashlib

from ..errors import SynthesisError

CHECKSUM = 32  # bytes


def seal(magic: bytes, body: bytes) -> bytes:
    """Return the bytes of a voice."""
    return magic + hashlib.sha256(body).digest() + body


def unseal(magic: bytes, data: bytes, largest: int, engine: str) -> bytes:
    """Return the body of a voice.

    Raises SynthesisError if the voice is larger than `largest` bytes, has another format or is
    damaged.
    """
    if len(data) > largest:
        raise SynthesisError(f"the voice has {len(data)} bytes; at most {largest} are expected")
    if not data.startswith(magic):
        raise SynthesisError(f"the voice is not one of the engine {engine!r}; clone it again")
    start = len(magic) + CHECKSUM
    body = data[start:]
    if hashlib.sha256(body).digest() != data[len(magic) : start]:
        raise SynthesisError("the voice is damaged: its checksum does not match; clone it again")
    return body
