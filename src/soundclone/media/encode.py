"""Samples to a file that people download, and to bytes that wait between two steps of a task."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
import soxr
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from numpy.typing import NDArray

from ..errors import InternalError

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Format:
    """How a file of a kind is written."""

    container: str  # FFmpeg's names
    codec: str
    sample_format: str
    sample_rate: int  # Hz
    options: Mapping[str, str]
    media_type: str


FORMATS: Mapping[str, Format] = {
    "mp3": Format(
        "mp3", "libmp3lame", "fltp", 44_100, {"b": "128k", "compression_level": "2"}, "audio/mpeg"
    ),
    "wav": Format("wav", "pcm_s16le", "s16", 44_100, {}, "audio/wav"),
    "flac": Format("flac", "flac", "s16", 44_100, {}, "audio/flac"),
    "ogg": Format("ogg", "libopus", "flt", 48_000, {"b": "64k"}, "audio/ogg"),
}

_HEADROOM = 4.0  # 12 dB: what waits between steps has not been limited yet


@dataclass(frozen=True)
class Encoded:
    """What was written."""

    seconds: float
    bytes: int


class Encoder:
    """Writes mono samples to a file, block by block, in one of FORMATS.

    The same samples, in whatever blocks, and the same tags make the same bytes. As a context
    manager it closes the file, which is complete only if no exception passed.
    """

    def __init__(
        self,
        path: Path,
        format: str = "mp3",
        *,
        sample_rate_in: int,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """`sample_rate_in` is that of the samples to come, in Hz; `tags` are such as title,
        artist, comment. Raises KeyError for a format that is not in FORMATS."""
        self._format = FORMATS[format]
        self._path = path
        self._encoded: Encoded | None = None
        self._written = 0  # samples, at the rate of the file
        self._waiting: list[Samples] = []
        self._resampler = soxr.ResampleStream(
            sample_rate_in, self._format.sample_rate, 1, dtype="float32", quality="VHQ"
        )
        # "bitexact" leaves out random serial numbers and the version of the library.
        self._container: OutputContainer = av.open(
            str(path), "w", format=self._format.container, options={"fflags": "+bitexact"}
        )
        self._container.metadata.update(tags or {})
        self._stream = _add_stream(self._container, self._format)

    def write(self, samples: Samples) -> None:
        """Append mono `samples`, shape (n,); what is beyond full scale is cut."""
        if self._encoded:
            raise ValueError("the encoder is closed")
        if len(samples):
            self._append(self._resampler.resample_chunk(np.ascontiguousarray(samples, np.float32)))

    def close(self) -> Encoded:
        """Finish the file. May be called again, with the same answer."""
        if not self._encoded:
            self._append(self._resampler.resample_chunk(np.zeros(0, np.float32), last=True))
            if not self._written:  # a header is only written with the first packet
                self._append(np.zeros(self._format.sample_rate // 100, np.float32))
            self._container.mux(self._stream.encode(None))
            self._container.close()
            self._encoded = Encoded(
                self._written / self._format.sample_rate, self._path.stat().st_size
            )
        return self._encoded

    def _append(self, samples: Samples) -> None:
        if not len(samples):
            return
        frame = _frame(samples, self._format.sample_format, self._format.sample_rate)
        frame.pts = self._written
        self._written += len(samples)
        self._container.mux(self._stream.encode(frame))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._container.close()


def _add_stream(container: OutputContainer, form: Format) -> AudioStream:
    stream = container.add_stream(form.codec, rate=form.sample_rate, layout="mono")
    assert isinstance(stream, AudioStream)
    stream.codec_context.format = form.sample_format
    stream.codec_context.options = dict(form.options)
    stream.codec_context.thread_count = 1
    return stream


def _frame(samples: Samples, sample_format: str, rate: int) -> av.AudioFrame:
    finite = np.clip(np.nan_to_num(samples, nan=0.0), -1, 1)
    block: NDArray[Any]
    if sample_format == "s16":
        block = np.round(finite * 32767).astype(np.int16)
    elif sample_format == "s32":
        # FLAC takes the upper 24 bits.
        block = np.round(finite.astype(np.float64) * (2**23 - 1)).astype(np.int32) << 8
    else:
        block = finite
    frame = av.AudioFrame.from_ndarray(block[None, :], sample_format, "mono")
    frame.sample_rate = rate
    frame.time_base = Fraction(1, rate)
    return frame


def pack(samples: Samples, rate: int) -> bytes:
    """Mono `samples`, shape (n,), as 24-bit FLAC with 12 dB of headroom. See `unpack`."""
    buffer = io.BytesIO()
    form = Format("flac", "flac", "s32", rate, {}, "audio/flac")
    with av.open(buffer, "w", format="flac", options={"fflags": "+bitexact"}) as container:
        stream = _add_stream(container, form)
        if len(samples):
            container.mux(stream.encode(_frame(samples / _HEADROOM, "s32", rate)))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def unpack(data: bytes) -> tuple[Samples, int]:
    """Samples and rate in Hz of what `pack` made, within 2^-21 of what they were."""
    try:
        with av.open(io.BytesIO(data), "r", format="flac") as container:
            assert isinstance(container, InputContainer)
            rate = container.streams.audio[0].sample_rate
            blocks = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
            if not rate:
                raise IndexError("no stream info")
    except (av.error.FFmpegError, IndexError) as error:
        raise InternalError("a stored piece of speech is damaged") from error
    whole = np.concatenate(blocks) if blocks else np.zeros(0, np.int32)
    return (whole * (_HEADROOM / (2**31 - 2**8))).astype(np.float32), rate
