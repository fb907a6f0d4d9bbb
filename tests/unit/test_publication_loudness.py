"""Loudness for publications, measured by FFmpeg's meter in the finished file."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import av.filter
import numpy as np
import pytest
from numpy.typing import NDArray

from soundclone.audio.encode import Encoder
from soundclone.audio.loudness import STANDARDS, Limiter, Meter, loudness
from soundclone.core.requests import AudioFormat, Loudness, SpeechOptions
from soundclone.jobs.assembly import BLOCK, blocks, ceiling_of, standard_gain
from tests import media_samples

Samples = NDArray[np.float32]


def measured(path: Path) -> tuple[float, float]:
    """Return integrated loudness and true peak of a file (EBU R 128)."""
    graph = av.filter.Graph()
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        source = graph.add_abuffer(
            format=stream.format.name,
            sample_rate=stream.sample_rate,
            layout=stream.layout.name,
            time_base=Fraction(1, stream.sample_rate),
        )
        meter = graph.add("ebur128", "peak=true:metadata=1:framelog=quiet")
        sink = graph.add("abuffersink")
        source.link_to(meter)
        meter.link_to(sink)
        graph.configure()
        last: dict[str, str] = {}
        for frame in [*container.decode(audio=0), None]:
            graph.push(frame)
            try:
                while True:
                    last = dict(graph.pull().metadata) or last
            except (av.error.BlockingIOError, av.error.EOFError):
                pass
    peak = max(float(last[name]) for name in last if "true_peaks_ch" in name)
    return float(last["lavfi.r128.I"]), 20 * np.log10(peak)


def speech() -> tuple[Samples, int]:
    samples, rate = media_samples.said("man")
    return samples[: 12 * rate].astype(np.float32), rate


@pytest.mark.parametrize("kind", list(Loudness))
@pytest.mark.parametrize(("format", "channels"), [("wav", 1), ("mp3", 1), ("ogg", 2)])
def test_a_file_has_the_loudness(
    kind: Loudness, format: str, channels: int, tmp_path: Path
) -> None:
    samples, rate = speech()
    options = SpeechOptions(format=AudioFormat(format), channels=channels, loudness=kind)

    def levelled() -> Iterator[Samples]:
        return blocks(samples)

    gain = standard_gain(options, levelled, rate)
    limiter = Limiter(rate, ceiling_of(options))
    path = tmp_path / "speech"
    with Encoder(path, format, sample_rate_in=rate, channels=channels) as encoder:
        for block in levelled():
            encoder.write(limiter.process(block * np.float32(gain)))
        encoder.write(limiter.flush())
    lufs, peak = measured(path)
    assert lufs == pytest.approx(STANDARDS[kind].lufs, abs=0.5)
    assert peak <= STANDARDS[kind].ceiling + 0.05


def test_silence_is_not_amplified() -> None:
    options = SpeechOptions(loudness=Loudness.PODCAST)
    assert standard_gain(options, lambda: iter([np.zeros(24_000, np.float32)]), 24_000) == 1


@pytest.mark.parametrize("size", [1000, 37_777, BLOCK])
def test_a_meter_takes_blocks_of_any_size(size: int) -> None:
    samples, rate = speech()
    twice = np.concatenate([samples, samples])  # longer than the pieces that are filtered at once
    meter = Meter(rate)
    for start in range(0, len(twice), size):
        meter.add(twice[start : start + size])
    assert meter.integrated() == pytest.approx(loudness(twice, rate), abs=0.001)


def test_options_are_read_as_they_were_written() -> None:
    options = SpeechOptions(loudness=Loudness.BROADCAST)
    assert SpeechOptions.from_json(options.to_json()) == options
    assert "loudness" not in SpeechOptions().to_json()
