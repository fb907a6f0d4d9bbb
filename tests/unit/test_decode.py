from __future__ import annotations

import socket
import struct
import subprocess
import sys
import threading
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soundclone.audio import decode as decoding
from soundclone.audio.decode import Decoded, decode, join
from soundclone.audio.limits import DecodeLimits
from soundclone.audio.sound import Sound
from soundclone.errors import (
    InternalError,
    SourceEncrypted,
    SourceError,
    SourceNoAudio,
    SourceNotMedia,
    SourceTimeout,
    SourceTooLarge,
    SourceTruncated,
)
from tests import media_samples

TONE = media_samples.tone(2.0)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("samples")
    return {
        form: media_samples.write(folder / f"{form}.txt", form, TONE, 48000)
        for form in media_samples.FORMATS
    }


@pytest.mark.parametrize("form", media_samples.FORMATS)
def test_formats(samples: dict[str, Path], form: str) -> None:
    decoded = decode(samples[form])
    assert decoded.container == media_samples.CONTAINER.get(form, form)
    assert decoded.sample_rate == 48000
    assert decoded.samples.dtype == np.float32
    assert decoded.seconds == pytest.approx(2.0, abs=0.1)
    spectrum = np.abs(np.fft.rfft(decoded.samples[:48000]))
    assert np.argmax(spectrum) == pytest.approx(440, abs=2)
    assert np.sqrt(np.mean(decoded.samples**2)) == pytest.approx(np.sqrt(np.mean(TONE**2)), rel=0.1)


def test_the_channel_with_the_most_sound(tmp_path: Path) -> None:
    """Adding channels up would leave nothing of one that is inverted."""
    for channels in ([TONE, -TONE], [0.1 * TONE, TONE, np.full_like(TONE, 0.3)]):
        table = np.stack(channels, axis=1)
        decoded = decode(media_samples.write(tmp_path / "s", "wav_float", table, 48000))
        assert decoded.channels == len(channels)
        np.testing.assert_allclose(decoded.samples, TONE, atol=1e-6)


def test_an_offset_is_removed(tmp_path: Path) -> None:
    decoded = decode(media_samples.write(tmp_path / "s", "wav_float", TONE + 0.3, 48000))
    np.testing.assert_allclose(decoded.samples, TONE, atol=1e-6)


def test_a_high_rate_comes_down(tmp_path: Path) -> None:
    high = media_samples.tone(2.0, 192_000)
    decoded = decode(media_samples.write(tmp_path / "s", "wav_float", high, 192_000))
    assert decoded.sample_rate == 48_000
    np.testing.assert_array_equal(decoded.samples, soxr.resample(high, 192_000, 48_000))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "empty"),
        (b" \n\n", "blank"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "HTML page"),
        (b'<?xml version="1.0"?><MPD/>', "XML"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "PDF"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "PNG"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "JPEG"),
        (b"PK\x03\x04" + bytes(100), "zip"),
        (b"#EXTM3U\n#EXT-X-VERSION:3\nhttp://127.0.0.1/a.ts\n", "playlist"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "playlist"),
        (b'{"detail": "Not Found"}', "JSON"),
        ("你好，这不是录音。".encode(), "plain text"),
        (bytes(5000), "cannot be read"),
        (zlib.compress(bytes(range(256)) * 999) * 9, "cannot be read"),
    ],
)
def test_not_media(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "recording.mp3"
    path.write_bytes(content)
    with pytest.raises(SourceNotMedia, match=what) as caught:
        decode(path)
    assert str(tmp_path) not in str(caught.value)


def test_no_audio(tmp_path: Path) -> None:
    path = media_samples.write(tmp_path / "film", "mp4", TONE, 48000, sound=False)
    with pytest.raises(SourceNoAudio, match=r"mp4 .* only video \(mpeg4\)"):
        decode(path)


@pytest.mark.parametrize("form", ["m4a", "mp4", "mov"])
def test_cut_off_mp4_without_index(samples: dict[str, Path], tmp_path: Path, form: str) -> None:
    whole = samples[form].read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceTruncated, match="moov"):
        decode(tmp_path / "cut")


@pytest.mark.parametrize("form", ["m4a", "flac", "mkv", "wav", "aiff"])
def test_cut_off(tmp_path: Path, form: str) -> None:
    options = {"movflags": "faststart"} if form == "m4a" else {}
    path = media_samples.write(
        tmp_path / "whole", form, media_samples.tone(8.0), 48000, options=options
    )
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    with pytest.raises(SourceTruncated, match=r"ends after \d\.\d s of the 8\.0 s|cut off"):
        decode(path)


@pytest.mark.parametrize("form", ["mp3", "aac", "ogg"])
def test_cut_off_stream_has_no_end_to_miss(
    samples: dict[str, Path], tmp_path: Path, form: str
) -> None:
    whole = samples[form].read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) * 2 // 3])
    assert 0.5 < decode(tmp_path / "cut").seconds < 2


def test_encrypted(samples: dict[str, Path], tmp_path: Path) -> None:
    clear = samples["m4a"].read_bytes()
    assert clear.count(b"mp4a") == 1
    (tmp_path / "drm").write_bytes(clear.replace(b"mp4a", b"enca"))
    with pytest.raises(SourceEncrypted, match="mp4"):
        decode(tmp_path / "drm")


def test_too_long_and_too_large(tmp_path: Path) -> None:
    silence = np.zeros(100 * 8000, np.float32)
    path = media_samples.write(tmp_path / "bomb", "flac", silence, 8000)
    assert path.stat().st_size < 30_000
    with pytest.raises(SourceTooLarge, match="more than 60 s"):
        decode(path, limits=DecodeLimits(seconds=60))
    with pytest.raises(SourceTooLarge, match="more than 2 MB"):
        decode(path, limits=DecodeLimits(output_bytes=2_000_000))


def wav(rate: int, channels: int, data: bytes, kind: int = 1, bits: int = 16) -> bytes:
    block = channels * bits // 8
    head = struct.pack("<HHIIHH", kind, channels, rate, rate * block & 0xFFFFFFFF, block, bits)
    body = b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", len(data))
    return b"RIFF" + struct.pack("<I", len(body) + len(data)) + body + data


@pytest.mark.parametrize(
    ("rate", "channels", "why"),
    [(2_000_000_000, 1, "2000000000 Hz"), (100, 1, "100 Hz"), (8000, 60, "60 channels")],
)
def test_absurd_header(tmp_path: Path, rate: int, channels: int, why: str) -> None:
    (tmp_path / "odd").write_bytes(wav(rate, channels, bytes(120_000)))
    with pytest.raises(SourceNotMedia, match=why):
        decode(tmp_path / "odd")


def test_floats_that_are_no_numbers(tmp_path: Path) -> None:
    values = np.tile(np.array([0.5, np.nan, np.inf, -np.inf, 1e30], "<f4"), 4000)
    (tmp_path / "odd").write_bytes(wav(16000, 1, values.tobytes(), kind=3, bits=32))
    decoded = decode(tmp_path / "odd")
    assert np.isfinite(decoded.samples).all()
    assert decoded.samples[0] - decoded.samples[1] == pytest.approx(0.5, rel=0.1)
    assert np.abs(decoded.samples).max() <= 2**16


def test_playlist_opens_no_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "describe_other", lambda head: None)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        contents = (
            f"#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:{port}/a.mp3\n",
            f"ffconcat version 1.0\nfile http://127.0.0.1:{port}/a.mp3\n",
            "ffconcat version 1.0\nfile /etc/hostname\n",
        )
        for content in contents:
            (tmp_path / "list").write_text(content)
            with pytest.raises(SourceNotMedia):
                decode(tmp_path / "list")
        # The decoder has ended: a connection that it had opened would wait here.
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_timeout(samples: dict[str, Path]) -> None:
    with pytest.raises(SourceTimeout, match=r"more than 0\.01 s"):
        decode(samples["mp3"], limits=DecodeLimits(wall_seconds=0.01))


def test_nobody_wants_it_any_more(
    samples: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check() -> None:
        raise SourceError("nobody wants it")

    child = tmp_path / "child"
    child.write_text("#!/bin/sh\nexec sleep 600\n")
    child.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(child))
    with pytest.raises(SourceError, match="nobody wants it"):
        decode(samples["wav"], limits=DecodeLimits(wall_seconds=600), check=check)


def test_memory(samples: dict[str, Path]) -> None:
    with pytest.raises((SourceError, InternalError)):
        decode(samples["webm"], limits=DecodeLimits(memory_bytes=1 << 20))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("kill -SEGV $$", SourceNotMedia),
        ("kill -KILL $$", InterruptedError),
        ("kill -TERM $$", InterruptedError),
        ("kill -XCPU $$", SourceTimeout),
        ("echo out; echo garbage >&2", SourceNotMedia),
        ("echo '{' >&2", SourceNotMedia),
        ("echo '[]' >&2", SourceNotMedia),
        ('echo \'{"sample_rate": 1e99, "channels": [], "samples": null}\' >&2', SourceNotMedia),
        (
            'echo \'{"sample_rate": 8000, "channels": 1, "samples": 9999999999999, '
            '"container": "", "codec": ""}\' >&2',
            SourceNotMedia,
        ),
        ('echo \'{"refused": {}, "message": 1}\' >&2', SourceNotMedia),
        ("head -c 100000 /dev/urandom >&2", SourceNotMedia),
        ("exit 3", InternalError),
    ],
)
def test_child_does_anything(
    samples: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    body: str,
    error: type[Exception],
) -> None:
    child = tmp_path / "child"
    child.write_text(f"#!/bin/sh\n{body}\n")
    child.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(child))
    with pytest.raises(error):
        decode(samples["wav"], limits=DecodeLimits(wall_seconds=20))


def test_child_sees_no_secrets(
    samples: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = tmp_path / "child"
    child.write_text(f"#!/bin/sh\nenv > {tmp_path}/env\nexit 3\n")
    child.chmod(0o755)
    monkeypatch.setenv("SOUNDCLONE_SECRET_KEY", "hidden")
    monkeypatch.setattr(sys, "executable", str(child))
    with pytest.raises(InternalError):
        decode(samples["wav"])
    assert "hidden" not in (tmp_path / "env").read_text()


def test_from_several_threads(samples: dict[str, Path]) -> None:
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append(decode(samples["mp3"]))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({decoded.samples.tobytes() for decoded in found}) == 1
    assert len(found) == 4


def damage(whole: bytes, cut: float, flips: list[tuple[float, int]]) -> bytes:
    broken = bytearray(whole[: max(1, int(len(whole) * cut))])
    for where, value in flips:
        broken[int(where * (len(broken) - 1))] ^= value
    return bytes(broken)


# Headers matter most: half of the flips fall into the first hundredth of the file.
PLACES = st.floats(0, 1) | st.floats(0, 0.01)
DAMAGE = {
    "form": st.sampled_from(sorted(media_samples.FORMATS)),
    "cut": st.just(1.0) | st.floats(0, 1),
    "flips": st.lists(st.tuples(PLACES, st.integers(1, 255)), max_size=40),
}


def check_damage(
    samples: dict[str, Path], form: str, cut: float, flips: list[tuple[float, int]]
) -> None:
    path = samples["wav"].with_name("broken")
    path.write_bytes(damage(samples[form].read_bytes(), cut, flips))
    result: Decoded | str
    try:
        result = decode(path, limits=DecodeLimits(wall_seconds=20))
    except SourceError as error:
        result = error.message
    if isinstance(result, Decoded):
        assert np.isfinite(result.samples).all()
    else:
        assert "\n" not in result
        assert not result.endswith(".")


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(**DAMAGE)
def test_damaged(samples: dict[str, Path], **damaged: Any) -> None:
    check_damage(samples, **damaged)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(**DAMAGE)
def test_damaged_at_length(samples: dict[str, Path], **damaged: Any) -> None:
    check_damage(samples, **damaged)


def test_a_bomb_stays_on_disk(tmp_path: Path) -> None:
    """25 KB unpack to 184 MB, which the process that wants them reads in blocks."""
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from soundclone.audio.decode import decode\n"
        "from soundclone.audio.recording import examine\n"
        "from soundclone.errors import NoSpeech\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n"
        "    examine(decode(Path(sys.argv[1])))\n"
        "except NoSpeech:\n"
        "    pass\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    bomb = np.zeros(120 * 384_000, np.float32)
    path = media_samples.write(tmp_path / "bomb", "flac", bomb, 384_000)
    assert path.stat().st_size < 100_000
    done = subprocess.run(
        [sys.executable, "-c", script, path], capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stderr
    grown = int(done.stdout) / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    assert grown < 90  # MB


def test_recordings_are_joined_in_order(tmp_path: Path) -> None:
    one = Sound.from_blocks([np.full(8_000, 0.25, np.float32)], 8_000)
    two = Sound.from_blocks([np.full(48_000, -0.5, np.float32)], 24_000)
    whole = join([Decoded(one, 1, "wav", "pcm_s16le"), Decoded(two, 2, "mp3", "mp3")])
    assert (whole.container, whole.sample_rate) == ("wav", 24_000)
    assert whole.seconds == pytest.approx(1.0 + 0.5 + 2.0, abs=0.001)
    middles = [whole.samples[round(at * 24_000)] for at in (0.5, 1.25, 2.5)]
    assert middles == pytest.approx([0.25, 0.0, -0.5], abs=0.01)
