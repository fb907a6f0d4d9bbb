"""Encoding of samples to files, to streams, and to lossless bytes between two steps of a task."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import av
import numpy as np
import soxr
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.stream import Disposition
from av.video.stream import VideoStream
from numpy.typing import NDArray

from ..errors import InternalError
from .samples import Samples

if TYPE_CHECKING:
    from av.container.core import Chapter


@dataclass(frozen=True)
class Format:
    """Parameters of an audio format."""

    container: str  # FFmpeg's name
    codec: str  # FFmpeg's name
    sample_format: str
    sample_rate: int  # Hz
    options: Mapping[str, str]
    sample_rates: tuple[int, ...] = ()  # Hz, that a request may name
    has_chapters: bool = False


RATES = (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)

FORMATS: Mapping[str, Format] = {
    "mp3": Format("mp3", "libmp3lame", "fltp", 44_100, {"compression_level": "5"}, RATES),
    "wav": Format("wav", "pcm_s16le", "s16", 44_100, {}, RATES),
    "flac": Format("flac", "flac", "s16", 44_100, {}, RATES),
    # Sample rates of Opus, RFC 6716, section 2.
    "ogg": Format("ogg", "libopus", "flt", 48_000, {}, (8_000, 16_000, 24_000, 48_000)),
}
STREAMS: Mapping[str, Format] = {
    **FORMATS,
    # Without "bitexact" the first frame names the version of the library.
    "aac": Format("adts", "aac", "fltp", 44_100, {"b": "128k", "flags": "+bitexact"}),
    "pcm": Format("s16le", "pcm_s16le", "s16", 24_000, {}, RATES),
    # ITU-T G.711, as telephone networks send it.
    "ulaw": Format("mulaw", "pcm_mulaw", "s16", 8_000, {}, RATES),
    "alaw": Format("alaw", "pcm_alaw", "s16", 8_000, {}, RATES),
    "ulaw_wav": Format("wav", "pcm_mulaw", "s16", 8_000, {}, RATES),
}
"""Formats that can be streamed.

These are FORMATS, AAC in ADTS, raw 16-bit little-endian samples, raw µ-law and A-law, and µ-law in
WAV.

The header of a stream is written before its length is known. WAV states a length of 0xFFFFFFFF
bytes, FLAC and MP3 state none.
"""

FILES: Mapping[str, Format] = {
    **STREAMS,
    # The index comes first, so that a player can begin before it has the whole file.
    "m4b": Format("ipod", "aac", "fltp", 44_100, {"b": "80k", "flags": "+bitexact"}, RATES, True),
}
"""Formats of files: STREAMS, and AAC in MPEG-4 with marks of chapters."""

SYNTHETIC = {
    "comment": "Synthetic speech in a cloned voice",
    "DigitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
}
"""Tags that mark a file as synthetic, for people and in IPTC's vocabulary for programs.

MP3 stores them as two TXXX frames, FLAC and Ogg as two Vorbis comments. WAV stores the comment.
"""

_LAYOUTS = {1: "mono", 2: "stereo"}
_HIGHEST_BIT_RATE = 256_000  # bit/s
_PAGE = "200000"  # microseconds of Opus in a page
_HEADROOM = 4.0  # 12 dB, because samples between steps are not limited yet


@dataclass(frozen=True)
class Encoded:
    """Length of a finished file."""

    seconds: float
    bytes: int


@dataclass(frozen=True)
class Mark:
    """A chapter of a file."""

    start: float  # seconds
    end: float
    title: str


class Parts:
    """Buffer of an encoder's output, read in parts while the encoder runs."""

    def __init__(self) -> None:
        self.total = 0  # bytes written so far
        self._waiting = bytearray()

    def write(self, data: bytes) -> int:
        """Append bytes. Called by the encoder."""
        self._waiting += data
        self.total += len(data)
        return len(data)

    def take(self) -> bytes:
        """Return and remove the bytes written since the last call."""
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


class Encoder:
    """Encoder of mono samples in blocks, to a file in one of FILES or to `Parts` in STREAMS.

    The same samples and tags make the same bytes, independently of the size of the blocks. As a
    context manager the encoder closes the file, which is incomplete after an exception.
    """

    def __init__(
        self,
        target: Path | Parts,
        format: str = "mp3",
        *,
        sample_rate_in: int,
        sample_rate: int | None = None,
        channels: int = 1,
        bit_rate: int | None = None,
        tags: Mapping[str, str] | None = None,
        seconds: float | None = None,
        marks: Sequence[Mark] = (),
        cover: bytes = b"",
    ) -> None:
        """Open the target.

        Args:
            target: File or buffer.
            format: Name in FILES.
            sample_rate_in: Sample rate in Hz of the samples passed to `write`.
            sample_rate: Sample rate in Hz of the file. None: the usual one of the format.
            channels: 1 or 2. Two channels are identical.
            bit_rate: Bits per second of MP3 and Opus, reduced to the highest bit rate that the
                format allows at the sample rate. None: a bit rate that is transparent for speech.
            tags: Metadata such as title, artist, comment.
            seconds: Duration, for the tag of an MP3. Other formats have it in their header.
            marks: Chapters, for a format that has them.
            cover: A picture in JPEG or PNG, for a format that has chapters. It is not decoded.

        Raises:
            KeyError: FILES has no such format.
            ValueError: The format does not have this sample rate.
        """
        form = FILES[format]
        if sample_rate is not None and sample_rate not in form.sample_rates:
            rates = ", ".join(map(str, form.sample_rates))
            raise ValueError(f"{format} has no sample rate {sample_rate}; it has {rates}")
        rate = sample_rate or form.sample_rate
        self._format = replace(
            form,
            sample_rate=rate,
            options={**form.options, **_bit_rate(format, rate, channels, bit_rate)},
        )
        self._channels = channels
        self._target = target
        self._encoded: Encoded | None = None
        self._written = 0  # samples at the rate of the file
        self._waiting: list[Samples] = []
        self._resampler = soxr.ResampleStream(
            sample_rate_in, self._format.sample_rate, 1, dtype="float32", quality="VHQ"
        )
        # "bitexact" omits random serial numbers and the version of the library.
        options = {"fflags": "+bitexact"}
        if form.has_chapters:
            options["movflags"] = "+faststart"
        container = self._format.container
        if cover:  # FFmpeg's "ipod" is MPEG-4 with the brand of Apple, and refuses pictures
            container, options["brand"] = "mp4", "M4A "
        if isinstance(target, Parts):
            options["flush_packets"] = "1"
            if format == "ogg":
                options["page_duration"] = _PAGE
        self._container: OutputContainer = av.open(
            str(target) if isinstance(target, Path) else target,
            "w",
            format=container,
            options=options,
        )
        self._container.metadata.update(tags or {})
        if seconds is not None and format == "mp3":
            self._container.metadata["TLEN"] = str(round(1000 * seconds))
        self._stream = _add_stream(self._container, self._format, channels)
        if marks:
            self._container.set_chapters(
                [_chapter(number, mark) for number, mark in enumerate(marks)]
            )
        if cover:
            _add_cover(self._container, cover)

    def write(self, samples: Samples) -> None:
        """Append mono samples, shape (n,). Values beyond full scale are clipped."""
        if self._encoded:
            raise ValueError("the encoder is closed")
        if len(samples):
            self._append(self._resampler.resample_chunk(np.ascontiguousarray(samples, np.float32)))

    def close(self) -> Encoded:
        """Finish the file and return its length. Further calls return the same."""
        if not self._encoded:
            self._append(self._resampler.resample_chunk(np.zeros(0, np.float32), last=True))
            if not self._written:  # the header is written with the first packet
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


def _chapter(number: int, mark: Mark) -> Chapter:
    return {
        "id": number,
        "start": round(1000 * mark.start),
        "end": round(1000 * mark.end),
        "time_base": Fraction(1, 1000),
        "metadata": {"title": mark.title},
    }


def _bit_rate(
    format: str, sample_rate: int, channels: int, wanted: int | None = None
) -> dict[str, str]:
    """Return options of the wanted bit rate, or of one that is transparent for speech."""
    if wanted is not None and format in ("ogg", "mp3", "m4b"):
        return {"b": str(min(wanted, highest_bit_rate(format, sample_rate)))}
    if format == "ogg":
        return {"b": "64k" if channels == 1 else "96k"}
    if format != "mp3":
        return {}
    # MPEG-2 and MPEG-2.5 allow up to 160 and 64 kbit/s.
    return {"b": "128k" if sample_rate >= 32_000 else "96k" if sample_rate > 16_000 else "64k"}


def highest_bit_rate(format: str, sample_rate: int) -> int:
    """Return the highest bit rate of an MP3 or Opus file in bits per second."""
    if format != "mp3" or sample_rate >= 32_000:
        return _HIGHEST_BIT_RATE
    return 160_000 if sample_rate > 12_000 else 64_000


def _add_stream(container: OutputContainer, form: Format, channels: int = 1) -> AudioStream:
    layout = _LAYOUTS[channels]
    stream = container.add_stream(form.codec, rate=form.sample_rate, layout=layout)
    assert isinstance(stream, AudioStream)
    stream.codec_context.format = form.sample_format
    stream.codec_context.options = dict(form.options)
    stream.codec_context.thread_count = 1
    return stream


def _add_cover(container: OutputContainer, picture: bytes) -> None:
    """Attach a picture, which the file gets as it is."""
    codec = "png" if picture.startswith(b"\x89PNG") else "mjpeg"
    stream = container.add_stream(codec)
    assert isinstance(stream, VideoStream)
    # FFmpeg wants a size and a pixel format, and writes neither.
    stream.width = stream.height = 16
    stream.pix_fmt = "rgb24" if codec == "png" else "yuvj420p"
    stream.disposition = Disposition.attached_pic
    packet = av.Packet(picture)
    packet.stream = stream
    packet.pts = packet.dts = 0
    container.mux(packet)


def _frame(samples: Samples, sample_format: str, rate: int, channels: int = 1) -> av.AudioFrame:
    block = _frame_samples(samples, sample_format)
    planes = channels if sample_format.endswith("p") else 1
    block = np.repeat(block, channels // planes)
    frame = av.AudioFrame.from_ndarray(
        np.tile(block, (planes, 1)), sample_format, _LAYOUTS[channels]
    )
    frame.sample_rate = rate
    frame.time_base = Fraction(1, rate)
    return frame


def _frame_samples(samples: Samples, sample_format: str) -> NDArray[Any]:
    """Return samples in a format of FFmpeg, without its layout."""
    finite = np.clip(np.nan_to_num(samples, nan=0.0), -1, 1)
    if sample_format == "s16":
        return np.asarray(np.round(finite * 32767).astype(np.int16))
    if sample_format == "s32":
        # FLAC uses the upper 24 bits.
        return np.asarray(np.round(finite.astype(np.float64) * (2**23 - 1)).astype(np.int32) << 8)
    return finite


def pack(samples: Samples, rate: int) -> bytes:
    """Encode mono samples, shape (n,), as 24-bit FLAC with 12 dB of headroom. See `unpack`."""
    buffer = io.BytesIO()
    form = Format("flac", "flac", "s32", rate, {})
    with av.open(buffer, "w", format="flac", options={"fflags": "+bitexact"}) as container:
        stream = _add_stream(container, form)
        if len(samples):
            container.mux(stream.encode(_frame(samples / _HEADROOM, "s32", rate)))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def rounded(samples: Samples) -> Samples:
    """Return what `unpack` returns for the bytes of `pack`, without the coding between them."""
    return _restored(_frame_samples(samples / _HEADROOM, "s32"))


def read_flac(data: bytes) -> tuple[Samples, int]:
    """Return samples and rate in Hz of a mono FLAC file that `Encoder` wrote.

    Encoding the samples again in 16 bits gives the same numbers.
    """
    try:
        with av.open(io.BytesIO(data), "r", format="flac") as container:
            assert isinstance(container, InputContainer)
            rate = container.streams.audio[0].sample_rate
            blocks = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
            if not rate or not blocks:
                raise IndexError("no samples")
    except (av.error.FFmpegError, IndexError) as error:
        raise InternalError("a stored piece of speech is damaged") from error
    return (np.concatenate(blocks) / np.float32(32767)).astype(np.float32), rate


def unpack(data: bytes) -> tuple[Samples, int]:
    """Return samples and rate in Hz of bytes from `pack`, with an error below 2^-21."""
    try:
        with av.open(io.BytesIO(data), "r", format="flac") as container:
            assert isinstance(container, InputContainer)
            rate = container.streams.audio[0].sample_rate
            blocks = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
            if not rate:
                raise IndexError("no stream info")
    except (av.error.FFmpegError, IndexError) as error:
        raise InternalError("a stored piece of speech is damaged") from error
    return _restored(np.concatenate(blocks) if blocks else np.zeros(0, np.int32)), rate


def _restored(block: NDArray[np.int32]) -> Samples:
    return (block * (_HEADROOM / (2**31 - 2**8))).astype(np.float32)
