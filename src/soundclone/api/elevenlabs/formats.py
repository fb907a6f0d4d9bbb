"""Output formats of ElevenLabs' API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, get_args

from pydantic import WithJsonSchema

from ...core.requests import AudioFormat
from ...errors import InvalidParameter
from ..schemas import SampleRate

DEFAULT = "mp3_44100_128"
_RATES = get_args(SampleRate)
_MP3 = ((22_050, (32,)), (24_000, (48,)), (44_100, (32, 64, 96, 128, 192)))
_OPUS = (32, 64, 96, 128, 192)


class MediaType(StrEnum):
    """Media types of the audio."""

    MP3 = "audio/mpeg"
    OPUS = "audio/ogg"
    WAV = "audio/wav"
    PCM = "audio/pcm"
    ULAW = "audio/basic"
    ALAW = "audio/x-alaw-basic"


@dataclass(frozen=True)
class OutputFormat:
    """Encoding of the audio."""

    format: AudioFormat
    sample_rate: int  # Hz
    media_type: MediaType
    bit_rate: int | None = None  # bit/s


def _formats() -> Iterator[tuple[str, OutputFormat]]:
    for rate, bit_rates in _MP3:
        for kbit in bit_rates:
            made = OutputFormat(AudioFormat.MP3, rate, MediaType.MP3, kbit * 1000)
            yield f"mp3_{rate}_{kbit}", made
    for rate in _RATES:
        yield f"pcm_{rate}", OutputFormat(AudioFormat.PCM, rate, MediaType.PCM)
        yield f"wav_{rate}", OutputFormat(AudioFormat.WAV, rate, MediaType.WAV)
    for kbit in _OPUS:
        made = OutputFormat(AudioFormat.OGG, 48_000, MediaType.OPUS, kbit * 1000)
        yield f"opus_48000_{kbit}", made
    yield "ulaw_8000", OutputFormat(AudioFormat.ULAW, 8_000, MediaType.ULAW)
    yield "alaw_8000", OutputFormat(AudioFormat.ALAW, 8_000, MediaType.ALAW)


FORMATS: Mapping[str, OutputFormat] = dict(_formats())
"""Every output format, by its name."""

FormatName = Annotated[str, WithJsonSchema({"type": "string", "enum": list(FORMATS)})]


def format_of(name: str | None) -> OutputFormat:
    """Return the format of a name. Raises InvalidParameter."""
    name = name or DEFAULT
    if name not in FORMATS:
        raise InvalidParameter(
            f"output_format is {name[:40]!r}; it must be one of {', '.join(FORMATS)}",
            param="output_format",
        )
    return FORMATS[name]
