"""Report on a recording that became a voice: measurements, and advice for the next recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class RecordingReport:
    """Measurements of the speech in a recording, and advice."""

    speech_seconds: float
    level: float  # dBFS RMS of the speech
    snr: float  # approximate level of the voice over the background, in dB
    clipped: float  # share of the samples, 0-1
    echo: bool  # True for the echo of a large, bare room
    telephone: bool  # True if nothing is above 4 kHz
    advice: tuple[str, ...]  # messages for users, empty for a good recording

    def to_json(self) -> dict[str, Any]:
        """Return the report as the database keeps it."""
        return vars(self) | {"advice": list(self.advice)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Self | None:
        """Read a report that `to_json` wrote. None: an earlier release made the voice."""
        return cls(**{**data, "advice": tuple(data["advice"])}) if data else None
