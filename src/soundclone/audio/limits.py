"""Limits of decoding, shared by `decode` and its child process."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DecodeLimits:
    """Limits of decoding one file."""

    seconds: float = 900.0  # duration of the sound
    wall_seconds: float = 60.0
    cpu_seconds: int = 45
    memory_bytes: int = 1 << 30  # address space of the child
    output_bytes: int = 400_000_000  # on disk; 15 minutes of 48 kHz stereo are 346 MB
    sample_rates: tuple[int, int] = (4000, 384_000)  # Hz, least and most
    channels: int = 16
