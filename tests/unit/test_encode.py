from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from soundclone.audio.decode import decode
from soundclone.audio.encode import (
    FORMATS,
    STREAMS,
    SYNTHETIC,
    Encoder,
    Parts,
    pack,
    rounded,
    unpack,
)
from soundclone.errors import InternalError
from tests import media_samples

RATE = 24_000
TONE = media_samples.tone(3.0, RATE)


def encode(path: Path, form: str, block: int = 5000) -> bytes:
    with Encoder(path, form, sample_rate_in=RATE, tags={"title": "声音"}) as encoder:
        for start in range(0, len(TONE), block):
            encoder.write(TONE[start : start + block])
    assert encoder.close().seconds == pytest.approx(3.0, abs=0.001)
    assert encoder.close().bytes == path.stat().st_size
    return path.read_bytes()


@pytest.mark.parametrize("form", FORMATS)
def test_formats(tmp_path: Path, form: str) -> None:
    whole = encode(tmp_path / "one", form)
    assert encode(tmp_path / "two", form, block=777) == whole, "the same in other blocks"
    decoded = decode(tmp_path / "one")
    assert decoded.container == form
    assert decoded.sample_rate == FORMATS[form].sample_rate
    assert decoded.channels == 1
    assert decoded.seconds == pytest.approx(3.0, abs=0.05)
    spectrum = np.abs(np.fft.rfft(decoded.samples[: decoded.sample_rate]))
    assert np.argmax(spectrum) == pytest.approx(440, abs=1)
    level = np.sqrt(np.mean(decoded.samples**2))  # LAME takes 5 % off, against clipping
    assert level == pytest.approx(np.sqrt(np.mean(TONE**2)), rel=0.06)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("form", "rate"), [(name, rate) for name, form in FORMATS.items() for rate in form.sample_rates]
)
def test_rates_and_channels(tmp_path: Path, form: str, rate: int, channels: int) -> None:
    path = tmp_path / "file"
    with Encoder(path, form, sample_rate_in=RATE, sample_rate=rate, channels=channels) as encoder:
        encoder.write(TONE[:RATE])
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        assert stream.channels == channels
        # An Opus decoder always returns 48 kHz.
        assert stream.sample_rate == (48_000 if form == "ogg" else rate)
        resampler = av.AudioResampler("fltp", stream.layout, stream.sample_rate)
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    table = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
    assert table.shape[1] == pytest.approx(stream.sample_rate, rel=0.1)
    assert len(table) == channels
    for channel in table:
        spectrum = np.abs(np.fft.rfft(channel[: stream.sample_rate]))
        assert np.argmax(spectrum) == pytest.approx(440, abs=1)


@pytest.mark.parametrize(
    ("form", "rate", "wanted", "given"),
    [
        ("mp3", 44_100, 192_000, 192_000),
        ("mp3", 22_050, 32_000, 32_000),
        ("mp3", 24_000, 256_000, 160_000),
        ("mp3", 8_000, 128_000, 64_000),
        ("ogg", 48_000, 192_000, 192_000),
        ("ogg", 48_000, 32_000, 32_000),
    ],
)
def test_bit_rates(tmp_path: Path, form: str, rate: int, wanted: int, given: int) -> None:
    path = tmp_path / "file"
    noise = np.random.default_rng(1).normal(0, 0.1, 5 * RATE).astype(np.float32)
    with Encoder(path, form, sample_rate_in=RATE, sample_rate=rate, bit_rate=wanted) as encoder:
        encoder.write(noise)
    # Opus varies the bit rate around the wanted one.
    assert path.stat().st_size * 8 / 5 == pytest.approx(given, rel=0.06 if form == "mp3" else 0.3)


def test_a_rate_that_a_format_has_not(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ogg has no sample rate 44100"):
        Encoder(tmp_path / "x", "ogg", sample_rate_in=RATE, sample_rate=44_100)


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_says_that_it_is_synthetic(tmp_path: Path, form: str) -> None:
    path = tmp_path / "file"
    tags = {"title": "声音", **SYNTHETIC}
    with Encoder(path, form, sample_rate_in=RATE, tags=tags, seconds=3.0) as encoder:
        encoder.write(TONE)
    with av.open(str(path)) as container:
        found = dict(container.metadata) | dict(container.streams.audio[0].metadata)
        assert container.duration == pytest.approx(3e6, abs=1e5)
    found = {name.lower(): value for name, value in found.items()}
    assert found["title"] == "声音"
    assert found["comment"] == SYNTHETIC["comment"]
    if form != "wav":
        assert found["digitalsourcetype"] == SYNTHETIC["DigitalSourceType"]
    if form == "mp3":
        assert found["tlen"] == "3000"
        assert b"TXXX" in path.read_bytes()[:1000]


@pytest.mark.parametrize("form", FORMATS)
def test_time_is_kept(tmp_path: Path, form: str) -> None:
    """Decoders skip what encoders put before the first sample."""
    burst = np.zeros(RATE, np.float32)
    burst[RATE // 2 :] = TONE[: RATE // 2]
    with Encoder(tmp_path / "file", form, sample_rate_in=RATE) as encoder:
        encoder.write(burst)
    decoded = decode(tmp_path / "file")
    onset = np.flatnonzero(np.abs(decoded.samples) > 0.05)[0] / decoded.sample_rate
    assert onset == pytest.approx(0.5, abs=0.005)


def test_mp3_is_what_the_contract_says(tmp_path: Path) -> None:
    encode(tmp_path / "speech.mp3", "mp3")
    with av.open(str(tmp_path / "speech.mp3")) as container:
        assert container.metadata["title"] == "声音"
        stream = container.streams.audio[0]
        assert (stream.sample_rate, stream.channels, stream.codec_context.bit_rate) == (
            44_100,
            1,
            128_000,
        )


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_written(tmp_path: Path, form: str) -> None:
    encoder = Encoder(tmp_path / "empty", form, sample_rate_in=RATE)
    encoder.write(np.zeros(0, np.float32))
    assert encoder.close().seconds < 0.1
    assert decode(tmp_path / "empty").seconds < 0.1
    with pytest.raises(ValueError, match="closed"):
        encoder.write(TONE)


def test_wild_samples(tmp_path: Path) -> None:
    with Encoder(tmp_path / "wild", "flac", sample_rate_in=44_100) as encoder:
        encoder.write(np.array([np.nan, 5.0, -np.inf] * 1000, np.float32))
    assert np.abs(decode(tmp_path / "wild").samples).max() <= 1


def test_unknown_format(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        Encoder(tmp_path / "x", "exe", sample_rate_in=RATE)


def test_error_inside_closes(tmp_path: Path) -> None:
    encoder = Encoder(tmp_path / "x", sample_rate_in=RATE)
    with pytest.raises(TypeError), encoder:
        encoder.write(None)  # type: ignore[arg-type]


@settings(max_examples=50, deadline=None)
@given(
    arrays.arrays(np.float32, st.integers(0, 9000), elements=st.floats(-4, 4, width=32)),
    st.sampled_from([8000, 22_050, 24_000, 44_100, 48_000]),
)
def test_pack_and_unpack(samples: np.ndarray, rate: int) -> None:
    packed = pack(samples, rate)
    assert packed == pack(samples, rate)
    again, again_rate = unpack(packed)
    assert again_rate == rate
    assert again.dtype == np.float32
    np.testing.assert_allclose(again, samples, atol=2**-20)


@pytest.mark.parametrize("data", [b"", b"fLaC", b"nonsense" * 100])
def test_unpack_damaged(data: bytes) -> None:
    with pytest.raises(InternalError, match="damaged"):
        unpack(data)


@pytest.mark.parametrize("form", STREAMS)
def test_what_is_sent_on_while_it_is_written(tmp_path: Path, form: str) -> None:
    whole = []
    for block in (5000, 777):
        parts = Parts()
        with Encoder(parts, form, sample_rate_in=RATE, tags=SYNTHETIC) as encoder:
            taken = []
            for start in range(0, len(TONE), block):
                encoder.write(TONE[start : start + block])
                taken.append(parts.take())
            encoder.close()
            taken.append(parts.take())
        whole.append(b"".join(taken))
        assert encoder.close().bytes == parts.total == len(whole[-1])
        if block == 5000:
            middle = sum(map(len, taken[: len(taken) // 2]))
            assert middle > 0.3 * len(whole[-1]), "half of it has come by then"
    assert whole[0] == whole[1], "the same in other blocks"
    path = tmp_path / "stream"
    path.write_bytes(whole[0])
    samples: NDArray[np.float32]
    if raw := media_samples.headerless(path, form):
        samples, rate = raw
        assert len(samples) == 3 * rate
    else:
        if form in ("wav", "ulaw_wav"):
            assert whole[0][4:8] == b"\xff\xff\xff\xff"
        decoded = decode(path)
        samples, rate = decoded.samples, decoded.sample_rate
        assert len(samples) / rate == pytest.approx(3.0, abs=0.1)
    spectrum = np.abs(np.fft.rfft(samples[:rate]))
    assert np.argmax(spectrum) == pytest.approx(440, abs=1)


def test_samples_are_rounded_as_their_bytes_are() -> None:
    noise = np.random.default_rng(3).standard_normal(24_000).astype(np.float32)
    noise[:4] = np.nan, np.inf, -np.inf, 5.0
    np.testing.assert_array_equal(rounded(noise), unpack(pack(noise, 24_000))[0])
    assert len(rounded(noise[:0])) == 0
