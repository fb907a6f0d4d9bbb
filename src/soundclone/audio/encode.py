"""Samples to a file that people download, and to bytes that wait between two steps of a task."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
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
from .samples import Samples


@dataclass(frozen=True)
class Format:
    """How a file of a kind is written."""

    container: str  # FFmpeg's names
    codec: str
    sample_format: str
    sample_rate: int  # Hz
    options: Mapping[str, str]
    sample_rates: tuple[int, ...] = ()  # Hz, that can be asked for


RATES = (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)

FORMATS: Mapping[str, Format] = {
    "mp3": Format("mp3", "libmp3lame", "fltp", 44_100, {"compression_level": "2"}, RATES),
    "wav": Format("wav", "pcm_s16le", "s16", 44_100, {}, RATES),
    "flac": Format("flac", "flac", "s16", 44_100, {}, RATES),
    # Opus has no others (RFC 6716, 2).
    "ogg": Format("ogg", "libopus", "flt", 48_000, {}, (8_000, 16_000, 24_000, 48_000)),
}
STREAMS: Mapping[str, Format] = {
    **FORMATS,
    # Without "bitexact" its first frame names the version of the library.
    "aac": Format("adts", "aac", "fltp", 44_100, {"b": "128k", "flags": "+bitexact"}),
    "pcm": Format("s16le", "pcm_s16le", "s16", 24_000, {}),
}
"""What can be sent on while it is being written: those of FORMATS, AAC in ADTS, and bare samples,
16 bits, little-endian. As nobody goes back to its header, WAV says that it is 0xFFFFFFFF bytes
long, FLAC and MP3 do not say how long they are."""

SYNTHETIC = {
    "comment": "Synthetic speech in a cloned voice",
    "DigitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
}
"""The mark that a file is synthetic, for people and, as IPTC's vocabulary has it, for programs. In
MP3 it is two TXXX frames, in FLAC and Ogg two Vorbis comments; WAV has room for the comment."""

_LAYOUTS = {1: "mono", 2: "stereo"}
_PAGE = "200000"  # microseconds of Opus that wait for their page
_HEADROOM = 4.0  # 12 dB: what waits between steps has not been limited yet


@dataclass(frozen=True)
class Encoded:
    """What was written."""

    seconds: float
    bytes: int


class Parts:
    """What an encoder has written and nobody has taken yet."""

    def __init__(self) -> None:
        self.total = 0  # bytes so far, taken or not
        self._waiting = bytearray()

    def write(self, data: bytes) -> int:
        self._waiting += data
        self.total += len(data)
        return len(data)

    def take(self) -> bytes:
        """All that was written since the last time."""
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


class Encoder:
    """Writes mono samples to a file, block by block, in one of FORMATS, or to `Parts` in one of
    STREAMS. Memory is that of a block, and of what nobody takes.

    The same samples, in whatever blocks, and the same tags make the same bytes. As a context
    manager it closes the file, which is complete only if no exception passed.
    """

    def __init__(
        self,
        target: Path | Parts,
        format: str = "mp3",
        *,
        sample_rate_in: int,
        sample_rate: int | None = None,
        channels: int = 1,
        tags: Mapping[str, str] | None = None,
        seconds: float | None = None,
    ) -> None:
        """`sample_rate_in` is that of the samples to come, in Hz; `sample_rate` that of the file,
        one of the format's, its usual one left out. Of two channels, both are the same. `tags`
        are such as title, artist, comment; `seconds` how long it will be, for the tag of an MP3
        that says so (others say it anyway). Raises KeyError for a format that is not in STREAMS,
        ValueError for a rate that it does not have."""
        form = STREAMS[format]
        if sample_rate is not None and sample_rate not in form.sample_rates:
            rates = ", ".join(map(str, form.sample_rates))
            raise ValueError(f"{format} has no sample rate {sample_rate}; it has {rates}")
        rate = sample_rate or form.sample_rate
        self._format = replace(
            form, sample_rate=rate, options={**form.options, **_bit_rate(format, rate, channels)}
        )
        self._channels = channels
        self._target = target
        self._encoded: Encoded | None = None
        self._written = 0  # samples, at the rate of the file
        self._waiting: list[Samples] = []
        self._resampler = soxr.ResampleStream(
            sample_rate_in, self._format.sample_rate, 1, dtype="float32", quality="VHQ"
        )
        # "bitexact" leaves out random serial numbers and the version of the library.
        options = {"fflags": "+bitexact"}
        if isinstance(target, Parts):
            options["flush_packets"] = "1"
            if format == "ogg":
                options["page_duration"] = _PAGE
        self._container: OutputContainer = av.open(
            str(target) if isinstance(target, Path) else target,
            "w",
            format=self._format.container,
            options=options,
        )
        self._container.metadata.update(tags or {})
        if seconds is not None and format == "mp3":
            self._container.metadata["TLEN"] = str(round(1000 * seconds))
        self._stream = _add_stream(self._container, self._format, channels)

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
            target = self._target
            size = target.total if isinstance(target, Parts) else target.stat().st_size
            self._encoded = Encoded(self._written / self._format.sample_rate, size)
        return self._encoded

    def _append(self, samples: Samples) -> None:
        if not len(samples):
            return
        frame = _frame(
            samples, self._format.sample_format, self._format.sample_rate, self._channels
        )
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


def _bit_rate(format: str, sample_rate: int, channels: int) -> dict[str, str]:
    """Transparent for speech in one channel; the second one, the same again, costs little."""
    if format == "ogg":
        return {"b": "64k" if channels == 1 else "96k"}
    if format != "mp3":
        return {}
    # MPEG-2 and 2.5 go up to 160 and 64 kbit/s.
    return {"b": "128k" if sample_rate >= 32_000 else "96k" if sample_rate > 16_000 else "64k"}


def _add_stream(container: OutputContainer, form: Format, channels: int = 1) -> AudioStream:
    layout = _LAYOUTS[channels]
    stream = container.add_stream(form.codec, rate=form.sample_rate, layout=layout)
    assert isinstance(stream, AudioStream)
    stream.codec_context.format = form.sample_format
    stream.codec_context.options = dict(form.options)
    stream.codec_context.thread_count = 1
    return stream


def _frame(samples: Samples, sample_format: str, rate: int, channels: int = 1) -> av.AudioFrame:
    finite = np.clip(np.nan_to_num(samples, nan=0.0), -1, 1)
    block: NDArray[Any]
    if sample_format == "s16":
        block = np.round(finite * 32767).astype(np.int16)
    elif sample_format == "s32":
        # FLAC takes the upper 24 bits.
        block = np.round(finite.astype(np.float64) * (2**23 - 1)).astype(np.int32) << 8
    else:
        block = finite
    planes = channels if sample_format.endswith("p") else 1
    block = np.repeat(block, channels // planes)
    frame = av.AudioFrame.from_ndarray(
        np.tile(block, (planes, 1)), sample_format, _LAYOUTS[channels]
    )
    frame.sample_rate = rate
    frame.time_base = Fraction(1, rate)
    return frame


def pack(samples: Samples, rate: int) -> bytes:
    """Mono `samples`, shape (n,), as 24-bit FLAC with 12 dB of headroom. See `unpack`."""
    buffer = io.BytesIO()
    form = Format("flac", "flac", "s32", rate, {})
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
