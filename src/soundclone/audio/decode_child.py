"""Child process of `decode`: reads a recording from standard input and writes one channel.

A malicious file can only break this process. It has limits of memory, time and file size. On Linux
`confinement` also removes its access to files, the network and other processes.

The first argument is the limits as JSON, the second the descriptor of a scratch file. Standard
output receives float32 samples. The last line of standard error is a JSON object: a description of
the sound, or `{"refused": <word of a SourceError>, "message": …}`. With the argument `--confine`
the process confines itself and prints the parts that the system does not support.
"""

from __future__ import annotations

import io
import json
import os
import resource
import sys
import wave
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.codec.context import CodecContext
from av.container import InputContainer
from av.stream import Disposition

from .confinement import confine
from .downmix import Downmix
from .limits import DecodeLimits
from .sniff import mp4_boxes

CONTAINERS = {
    "mp3": "mp3",
    "ogg": "ogg",
    "wav": "wav",
    "mov,mp4,m4a,3gp,3g2,mj2": "mp4",
    "aac": "aac",
    "avi": "avi",
    "matroska,webm": "mkv",
    "flv": "flv",
    "flac": "flac",
    "aiff": "aiff",
}
"""Allowed demuxers and the names of their formats. None of them opens other files."""

CODECS = frozenset(
    """
    aac aac_fixed ac3 adpcm_ima_qt adpcm_ima_wav adpcm_ms adpcm_swf alac amrnb amrwb eac3 flac
    gsm_ms libopencore_amrnb libopencore_amrwb libopus libspeex libvorbis mp1 mp1float mp2 mp2float
    mp3 mp3float nellymoser opus pcm_alaw pcm_f32be pcm_f32le pcm_f64be pcm_f64le pcm_mulaw
    pcm_s16be pcm_s16le pcm_s24be pcm_s24le pcm_s32be pcm_s32le pcm_s8 pcm_u8 speex vorbis
    """.split()
)
"""Allowed decoders. Without video decoders most of FFmpeg's code is never run."""

UNTIMED = ("mp3", "aac")
"""Formats without a duration in the file. FFmpeg estimates it from the bit rate."""


Report = dict[str, str | int]
"""Description of a decoded sound, or the reason why a file was rejected."""


class MediaRejected(Exception):
    """The recording is rejected. `word` is the word of the SourceError to raise."""

    def __init__(self, word: str, message: str) -> None:
        super().__init__(message)
        self.word = word


class Source(io.BufferedReader):
    """Standard input. Its size is read before the process is confined."""

    def __init__(self) -> None:
        super().__init__(io.FileIO(0, "rb", closefd=False))
        self.size = os.fstat(0).st_size


def main(limits: DecodeLimits, scratch: int) -> Report:
    """Decode standard input to standard output. Raises MediaRejected."""
    with Source() as source, open(1, "wb", closefd=False) as sink:
        _load_all()
        _limit(limits)
        confine()
        if _mp4_audio_encrypted(source):
            raise MediaRejected("source_encrypted", "the sound of this mp4 is encrypted (DRM)")
        source.seek(0)
        try:
            with _open(source) as container:
                return _decode(container, source, sink, scratch, limits)
        except av.error.FFmpegError as error:
            raise _damaged(source, str(error.strerror or error)) from error


def _load_all() -> None:
    """Decode silence and a damaged file, so that PyAV imports all modules it needs.

    A confined process cannot import modules.
    """
    silence = io.BytesIO()
    with wave.open(silence, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(1600))
    silence.seek(0)
    with _open(silence) as container:
        for part in _frames(container, container.streams.audio[0]):
            if isinstance(part, AudioFrame):
                AudioResampler("flt", "mono", 8000).resample(part)
    with suppress(av.error.FFmpegError):
        _open(io.BytesIO(bytes(100)))


def _limit(limits: DecodeLimits) -> None:
    bounds = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 16,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_FSIZE: limits.output_bytes + 65536,  # for the log
        resource.RLIMIT_AS: limits.memory_bytes,  # not enforced by macOS
    }
    for name, bound in bounds.items():
        with suppress(ValueError, OSError):
            resource.setrlimit(name, (bound, bound))
    seconds = limits.cpu_seconds
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))  # SIGXCPU, then SIGKILL


def _open(source: BinaryIO) -> InputContainer:
    return av.open(
        source,
        "r",
        metadata_errors="replace",
        options={
            "format_whitelist": ",".join(CONTAINERS),
            "codec_whitelist": ",".join(sorted(CODECS)),
            "protocol_whitelist": "none",
        },
    )


def _decode(
    container: InputContainer,
    source: Source,
    sink: BinaryIO,
    scratch: int,
    limits: DecodeLimits,
) -> Report:
    form = CONTAINERS[container.format.name]
    stream = _audio_stream(container, form)
    # The context is None for a codec that FFmpeg does not know, unlike in PyAV's types.
    context: CodecContext | None = stream.codec_context
    codec = context.name if context else "something unknown"
    if codec not in CODECS:
        raise MediaRejected(
            "source_not_media", f"the sound is coded as {codec}, which is not supported"
        )
    stream.codec_context.thread_count = 1
    writer = _Writer(scratch, limits)
    stated = 0.0 if form in UNTIMED else _stated_seconds(container, stream)
    bad, reached = 0, 0.0
    for part in _frames(container, stream):
        if part is None:
            bad += 1
        elif isinstance(part, float):
            reached = max(reached, part)
        else:
            writer.write(part)
    if not writer.frames:
        if form == "mkv" and _mkv_encrypted(source):
            raise MediaRejected("source_encrypted", "the sound of this mkv is encrypted")
        raise _damaged(source, "no sound in it can be decoded")
    if bad > writer.frames:
        raise MediaRejected(
            "source_not_media",
            f"the {form} file is damaged: {bad} of {bad + writer.frames} parts cannot be decoded",
        )
    seconds = writer.samples / writer.rate
    reached = max(reached, seconds)
    if form == "wav":
        stated = seconds * _wav_stated_share(source)
    if reached < 0.9 * stated - 1:
        raise MediaRejected(
            "source_truncated",
            f"the {form} file ends after {reached:.1f} s of the {stated:.1f} s that it states",
        )
    written = 0
    for block in writer.channel.read():
        sink.write(block.data)
        written += len(block)
    sink.flush()
    return {
        "sample_rate": writer.channel.rate,
        "channels": writer.channels,
        "samples": written,
        "container": form,
        "codec": codec,
    }


def _audio_stream(container: InputContainer, form: str) -> AudioStream:
    streams = container.streams.audio
    if not streams:
        others = ", ".join(
            f"{stream.type} ({stream.codec_context.name})" if stream.codec_context else stream.type
            for stream in container.streams
        )
        raise MediaRejected(
            "source_no_audio", f"the {form} file holds no sound, only {others or 'data'}"
        )
    default = [stream for stream in streams if stream.disposition & Disposition.default]
    return (default or list(streams))[0]


def _stated_seconds(container: InputContainer, stream: AudioStream) -> float:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / 1e6


def _wav_stated_share(source: Source) -> float:
    """Return the length in the header of a wav file over the length of the file.

    FFmpeg reports the duration of the existing samples. Programs that write to a pipe set the
    length in the header to 0 or about 2 or 4 GB, which is ignored.
    """
    source.seek(4)
    stated = int.from_bytes(source.read(4), "little")
    return stated / source.size if stated < 0x7FFF0000 else 1.0


def _frames(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame | float | None]:
    """Yield decoded frames, seconds reached in the file, and None for a damaged part.

    All streams are read, because the sound of a film may be shorter than the film.
    """
    packets = container.demux()
    start = (container.start_time or 0) / 1e6
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except av.error.FFmpegError:
            yield None
            return
        if packet.pts is not None and packet.time_base:
            end = packet.pts + (packet.duration or 0)
            yield float(end * packet.time_base) - start
        if packet.stream is not stream:
            continue
        try:
            for frame in packet.decode():
                assert isinstance(frame, AudioFrame)
                yield frame
        except av.error.FFmpegError:
            yield None


class _Writer:
    """Writer of frames at the sample rate and layout of the first frame."""

    channel: Downmix

    def __init__(self, scratch: int, limits: DecodeLimits) -> None:
        self._scratch, self.limits = scratch, limits
        self.rate = self.channels = self.samples = self.frames = 0
        self._resampler: AudioResampler | None = None
        self._layout = ""
        self._source: tuple[str, str, int] | None = None

    def write(self, frame: AudioFrame) -> None:
        """Convert and write a frame. Raises MediaRejected."""
        source = (frame.format.name, frame.layout.name, frame.sample_rate)
        if not self._resampler:
            self.rate, self.channels = frame.sample_rate, frame.layout.nb_channels
            self._layout = frame.layout.name
            self._check()
            self.channel = Downmix(self._scratch, self.channels, self.rate)
        if source != self._source:  # damaged and concatenated files change their format
            self._source = source
            self._resampler = AudioResampler("flt", self._layout, self.rate)
        assert self._resampler
        frame.pts = None  # prevents the resampler from filling gaps between time stamps
        for part in self._resampler.resample(frame):
            self.samples += part.samples
            if self.samples > self.limits.seconds * self.rate:
                most = f"lasts more than {self.limits.seconds:g} s"
                raise MediaRejected("source_too_large", f"the recording {most}")
            if self.samples * self.channels * 4 > self.limits.output_bytes:
                most = f"unpacks to more than {self.limits.output_bytes / 1e6:.0f} MB"
                raise MediaRejected("source_too_large", f"the recording {most}")
            self.channel.write(memoryview(part.planes[0])[: part.samples * self.channels * 4])
        self.frames += 1

    def _check(self) -> None:
        low, high = self.limits.sample_rates
        if not low <= self.rate <= high:
            raise MediaRejected(
                "source_not_media",
                f"sample rate {self.rate} Hz is not between {low} and {high} Hz",
            )
        if self.channels > self.limits.channels:
            raise MediaRejected(
                "source_not_media",
                f"the recording has {self.channels} channels; "
                f"at most {self.limits.channels} are supported",
            )


def _mp4_audio_encrypted(source: Source) -> bool:
    """Return True if a sample entry is protected (ISO/IEC 14496-12, section 8.12)."""
    for kind, offset, length in list(mp4_boxes(source, source.size)):
        if kind == b"moov":
            source.seek(offset)
            tables = source.read(min(length, 16_000_000)).split(b"stsd")[1:]
            # After version, flags and number of entries: size and type of the first entry.
            return any(table[12:16] in (b"enca", b"drms", b"aavd") for table in tables)
    return False


def _mkv_encrypted(source: Source) -> bool:
    """Return True if a track has a ContentEncryption (RFC 9559, section 5.1.4)."""
    source.seek(0)
    _, encodings, rest = source.read(1_000_000).partition(b"\x6d\x80")
    return bool(encodings) and b"\x50\x35" in rest[:256]


def _damaged(source: Source, reason: str) -> MediaRejected:
    size = source.size
    boxes = list(mp4_boxes(source, size))
    if boxes and boxes[0][0] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        if not any(kind == b"moov" for kind, _, _ in boxes):
            return MediaRejected(
                "source_truncated",
                "the mp4 file has no index (moov): it was cut off or not finished",
            )
        _, offset, length = boxes[-1]
        if offset + length > size:
            return MediaRejected(
                "source_truncated",
                f"the mp4 file is cut off: it has {size} of at least {offset + length} bytes",
            )
    return MediaRejected("source_not_media", f"the file cannot be read as a recording: {reason}")


if __name__ == "__main__":
    av.logging.set_level(None)
    if sys.argv[1] == "--confine":
        print(json.dumps(confine()), flush=True)
        os._exit(0)
    try:
        report = main(DecodeLimits(**json.loads(sys.argv[1])), int(sys.argv[2]))
    except MediaRejected as refusal:
        report = {"refused": refusal.word, "message": str(refusal)}
    except MemoryError:
        report = {"refused": "source_too_large", "message": "decoding needs too much memory"}
    except (OSError, ImportError):
        raise  # an error of the disk or the installation, not of the file
    except Exception as error:
        message = f"the file is damaged: the decoder stumbled over it ({type(error).__name__})"
        report = {"refused": "source_not_media", "message": message}
    print("\n" + json.dumps(report), file=sys.stderr, flush=True)
    # Exit at once: a library whose memory ran out may crash at a normal exit.
    os._exit(0)
