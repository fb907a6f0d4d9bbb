"""Long recordings in several files: their samples, their chapters, and their loudness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from ..errors import InternalError
from .encode import FILES, Encoder, Mark
from .loudness import Meter
from .samples import Samples


@dataclass(frozen=True)
class Track:
    """A chapter, whose sound is in files of one sample rate, one after the other."""

    title: str
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Written:
    """A finished file."""

    seconds: float
    starts: tuple[float, ...]  # of the tracks, in seconds
    lufs: float  # integrated loudness of one channel; minus infinity for silence


def write(
    target: Path,
    tracks: Sequence[Track],
    *,
    format: str,
    tags: Mapping[str, str],
    bit_rate: int | None = None,
    cover: bytes = b"",
) -> Written:
    """Encode tracks to one file. A format with chapters gets a mark for each track.

    Args:
        target: The file.
        tracks: Chapters in order, at least one file in all.
        format: Name in `encode.FILES`.
        tags: Metadata such as title and artist.
        bit_rate: Bits per second of MP3, Opus and AAC. None: transparent for speech.
        cover: A picture in JPEG or PNG, for a format with chapters.

    Raises:
        InternalError: A file is damaged.
    """
    rate = sample_rate(tracks[0].files[0])
    starts: list[float] = []
    position = 0
    for track in tracks:
        starts.append(position / rate)
        position += sum(map(length, track.files))
    ends = [*starts[1:], position / rate]
    marks = [
        Mark(start, end, track.title)
        for track, start, end in zip(tracks, starts, ends, strict=True)
        if end > start
    ]
    meter = Meter(rate)
    with Encoder(
        target,
        format,
        sample_rate_in=rate,
        bit_rate=bit_rate,
        tags=tags,
        seconds=position / rate,
        marks=marks if FILES[format].has_chapters else (),
        cover=cover if FILES[format].has_chapters else b"",
    ) as encoder:
        for track in tracks:
            for file in track.files:
                for block in read(file):
                    meter.add(block)
                    encoder.write(block)
    return Written(position / rate, tuple(starts), meter.integrated())


def with_marks(
    target: Path, source: Path, marks: Sequence[Mark], *, format: str, tags: Mapping[str, str]
) -> None:
    """Encode a FLAC or WAV file again, in a format that has marks of chapters.

    Raises:
        InternalError: The source is damaged.
    """
    rate = sample_rate(source)
    seconds = length(source) / rate
    with Encoder(
        target, format, sample_rate_in=rate, tags=tags, seconds=seconds, marks=marks
    ) as encoder:
        for block in read(source):
            encoder.write(block)


def read(path: Path) -> Iterator[Samples]:
    """Yield the samples of the first channel of a file, shape (n,), in blocks."""
    try:
        with av.open(str(path)) as container:
            waiting: list[Samples] = []
            size = 0
            for frame in container.decode(audio=0):
                block = frame.to_ndarray()
                # Packed formats have the channels one after the other in one row.
                packed = not frame.format.is_planar
                row = block[0, :: len(frame.layout.channels)] if packed else block[0]
                waiting.append(_scaled(row))
                size += len(row)
                if size >= 1 << 18:
                    yield np.concatenate(waiting)
                    waiting, size = [], 0
            if waiting:
                yield np.concatenate(waiting)
    except (av.error.FFmpegError, IndexError) as error:
        raise InternalError(f"{path.name} is damaged: {error}") from None


def _scaled(row: NDArray[Any]) -> Samples:
    """Return samples of any type of FFmpeg with a full scale of 1."""
    full = np.iinfo(row.dtype).max if row.dtype.kind == "i" else 1
    return np.asarray(row / np.float64(full), np.float32)


def sample_rate(path: Path) -> int:
    """Return the sample rate of a file in Hz."""
    with _opened(path) as container:
        return int(container.streams.audio[0].sample_rate)


def length(path: Path) -> int:
    """Return the samples of a FLAC or WAV file, as its header states them."""
    with _opened(path) as container:
        stream = container.streams.audio[0]
        if not (stream.duration and stream.time_base):
            raise InternalError(f"{path.name} is damaged: it has no length")
        return round(stream.duration * stream.time_base * stream.sample_rate)


def _opened(path: Path) -> InputContainer:
    try:
        return av.open(str(path))
    except av.error.FFmpegError as error:
        raise InternalError(f"{path.name} is damaged: {error}") from None


def part(path: Path, start: int, end: int) -> Samples:
    """Return the samples `start` to `end` of a file, fewer if the file is shorter."""
    found: list[Samples] = []
    position = 0
    for block in read(path):
        if position >= end:
            break
        found.append(block[max(start - position, 0) : max(end - position, 0)])
        position += len(block)
    return np.concatenate(found) if found else np.zeros(0, np.float32)
