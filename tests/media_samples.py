"""Recordings in all formats. Human speech is in `recordings/`."""

from __future__ import annotations

import ctypes
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import espeakng_loader
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from numpy.typing import NDArray

from soundclone.audio.encode import STREAMS

FORMATS: dict[str, tuple[str, str, str | None]] = {
    # name: container, sound codec, picture codec
    "mp3": ("mp3", "libmp3lame", None),
    "ogg": ("ogg", "vorbis", None),
    "opus": ("ogg", "libopus", None),
    "wav": ("wav", "pcm_s16le", None),
    "wav_mulaw": ("wav", "pcm_mulaw", None),
    "wav_float": ("wav", "pcm_f32le", None),
    "m4a": ("ipod", "aac", None),
    "alac": ("ipod", "alac", None),
    "aac": ("adts", "aac", None),
    "flac": ("flac", "flac", None),
    "aiff": ("aiff", "pcm_s16be", None),
    "mp4": ("mp4", "aac", "mpeg4"),
    "mov": ("mov", "pcm_s16le", "mpeg4"),
    "avi": ("avi", "libmp3lame", "mpeg4"),
    "mkv": ("matroska", "libopus", "mpeg4"),
    "webm": ("webm", "vorbis", "libvpx"),
    "flv": ("flv", "aac", "flv"),
}
CONTAINER = {  # names in `Decoded.container`
    "opus": "ogg", "wav_mulaw": "wav", "wav_float": "wav", "m4a": "mp4", "alac": "mp4",
    "mov": "mp4", "webm": "mkv",
}  # fmt: skip
PASSAGE = (
    b"In the morning the old fisherman walked down to the harbour. He looked at the sky, counted "
    b"the boats, and wondered whether his brother would come home before the storm. Nobody knew."
)


def write(
    path: Path,
    form: str,
    samples: NDArray[np.float32],
    rate: int,
    *,
    sound: bool = True,
    options: dict[str, str] | None = None,
) -> Path:
    """Write samples of shape (n,) or (n, channels) as one of FORMATS.

    Films have a test picture.
    """
    container_name, codec, picture = FORMATS[form]
    table = samples.reshape(len(samples), -1)
    if codec == "vorbis" and table.shape[1] == 1:  # FFmpeg's own encoder knows stereo only
        table = np.repeat(table, 2, axis=1)
    channels = table.shape[1]
    layout = {1: "mono", 2: "stereo"}.get(channels, f"{channels} channels")
    with av.open(path, "w", format=container_name, options=options or {}) as container:
        video: VideoStream | None = None
        audio: AudioStream | None = None
        if picture:
            added = container.add_stream(picture, rate=5)
            assert isinstance(added, VideoStream)
            video = added
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
            video.bit_rate = 20_000
        if sound:
            track = container.add_stream(codec, rate=rate, layout=layout)
            assert isinstance(track, AudioStream)
            audio = track
            audio.codec_context.options = {"strict": "experimental"}
        shown = 0
        # Alternate picture and sound: some containers reject packets that are seconds older.
        for start in range(0, len(table), 4800):
            while video and shown * rate < (start + 4800) * 5 and shown < len(table) * 5 // rate:
                image = np.full((72, 64), 40 + shown % 100, np.uint8)
                still = av.VideoFrame.from_ndarray(image, "yuv420p")
                still.pts, still.time_base = shown, Fraction(1, 5)
                container.mux(video.encode(still))
                shown += 1
            if audio:
                block = np.ascontiguousarray(table[start : start + 4800], np.float32)
                frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), "flt", layout)
                frame.sample_rate, frame.pts = rate, start
                container.mux(audio.encode(frame))
        for stream in (video, audio):
            if stream:
                container.mux(stream.encode())
    return path


@cache
def said(who: str) -> tuple[NDArray[np.float32], int]:
    """Return the speech of `recordings/<who>.opus`, mono, and its sample rate."""
    with av.open(Path(__file__).parent / "recordings" / f"{who}.opus") as container:
        resampler = av.AudioResampler("flt", "mono", 24_000)
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]), 24_000


def tone(seconds: float, rate: int = 48000, hertz: float = 440.0) -> NDArray[np.float32]:
    """Return a sine of amplitude 0.5 that swells and fades twice a second."""
    time = np.arange(round(seconds * rate)) / rate
    swell = 0.6 - 0.4 * np.cos(2 * np.pi * 2 * time)
    return (0.5 * swell * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


@cache
def _espeak() -> tuple[ctypes.CDLL, int]:
    lib = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = lib.espeak_Initialize(2, 200, espeakng_loader.get_data_path().encode(), 0)
    assert rate > 0, "espeak-ng does not start"
    return lib, rate


def spoken(seconds: float) -> tuple[NDArray[np.float32], int]:
    """Return synthetic English speech, cut to length, and its sample rate.

    Its level is about -18 dBFS RMS.
    """
    lib, rate = _espeak()
    blocks: list[NDArray[np.float32]] = []

    def take(wave: Any, count: int, _events: Any) -> int:
        if count > 0:
            block = np.ctypeslib.as_array(wave, (count,))
            blocks.append(block.astype(np.float32) / np.float32(32768))
        return 0

    kind = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
    )
    callback = kind(take)
    lib.espeak_SetSynthCallback(callback)
    assert lib.espeak_SetVoiceByName(b"en") == 0, "espeak-ng has no English voice"
    while sum(map(len, blocks)) < seconds * rate:
        before = len(blocks)
        lib.espeak_Synth(PASSAGE, len(PASSAGE) + 1, 0, 0, 0, 1, None, None)
        lib.espeak_Synchronize()
        assert len(blocks) > before, "espeak-ng is silent"
    return np.concatenate(blocks)[: round(seconds * rate)], rate


def headerless(
    path: Path, form: str, rate: int | None = None
) -> tuple[NDArray[np.float32], int] | None:
    """Samples and rate of a file without a header, None for other formats."""
    if form not in ("pcm", "ulaw", "alaw"):
        return None
    made = STREAMS[form]
    rate = rate or made.sample_rate
    options = {"sample_rate": str(rate), "ch_layout": "mono"}
    with av.open(str(path), format=made.container, options=options) as container:
        blocks = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    return np.concatenate(blocks).astype(np.float32) / np.float32(2**15), rate
