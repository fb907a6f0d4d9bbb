"""Eight hundred mutated recordings from one seed: each decodes or is refused with a sentence."""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from soundclone.audio.decode import decode
from soundclone.audio.limits import DecodeLimits
from soundclone.errors import SourceError
from tests import media_samples

SEED = 20_261_126
FORMS = "mp3 ogg wav m4a aac mp4 avi mov mkv flv flac aiff webm".split()
LIMITS = DecodeLimits(wall_seconds=40)

Mutator = Callable[[bytes, random.Random], bytes]


def flip_bits(whole: bytes, rng: random.Random) -> bytes:
    """Flip bits anywhere."""
    broken = bytearray(whole)
    for _ in range(rng.randint(1, 200)):
        broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
    return bytes(broken)


def flip_head(whole: bytes, rng: random.Random) -> bytes:
    """Change bytes of the head."""
    broken = bytearray(whole)
    for _ in range(rng.randint(1, 12)):
        broken[rng.randrange(min(600, len(broken)))] = rng.randrange(256)
    return bytes(broken)


def cut(whole: bytes, rng: random.Random) -> bytes:
    """End the file early."""
    return whole[: rng.randint(1, len(whole))]


def remove(whole: bytes, rng: random.Random) -> bytes:
    """Take a piece out."""
    start = rng.randrange(len(whole))
    return whole[:start] + whole[start + rng.randint(1, 4000) :]


def repeat(whole: bytes, rng: random.Random) -> bytes:
    """Write a piece twice."""
    start = rng.randrange(len(whole))
    end = start + rng.randint(1, 4000)
    return whole[:end] + whole[start:]


def insert(whole: bytes, rng: random.Random) -> bytes:
    """Insert noise."""
    start = rng.randrange(len(whole))
    return whole[:start] + rng.randbytes(rng.randint(1, 4000)) + whole[start:]


def zero(whole: bytes, rng: random.Random) -> bytes:
    """Overwrite a piece with zeros."""
    start = rng.randrange(len(whole))
    size = min(rng.randint(1, 2000), len(whole) - start)
    return whole[:start] + bytes(size) + whole[start + size :]


def extreme_numbers(whole: bytes, rng: random.Random) -> bytes:
    """Overwrite four bytes here and there with the numbers that break parsers."""
    broken = bytearray(whole)
    for _ in range(rng.randint(1, 8)):
        number = rng.choice([0, 1, 0x7F, 0xFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF])
        place = rng.randrange(max(1, min(2000, len(broken)) - 4))
        broken[place : place + 4] = struct.pack(rng.choice("<>") + "I", number)
    return bytes(broken)


def swap(whole: bytes, rng: random.Random) -> bytes:
    """Exchange two pieces."""
    a, b = sorted(rng.sample(range(len(whole)), 2))
    size = min(rng.randint(1, 2000), b - a, len(whole) - b)
    piece, other = whole[a : a + size], whole[b : b + size]
    return whole[:a] + other + whole[a + size : b] + piece + whole[b + size :]


def prepend(whole: bytes, rng: random.Random) -> bytes:
    """Put another format's magic bytes in front."""
    magic = [b"#EXTM3U\n", b"ffconcat version 1.0\n", b"PK\x03\x04", b"RIFF\xff\xff\xff\xffWAVE"]
    magic += [b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f", b"\x1a\x45\xdf\xa3", b"OggS", b"%PDF-1.7\n"]
    return rng.choice(magic) + whole


def splice(whole: bytes, rng: random.Random) -> bytes:
    """Follow one half of the file by the other one."""
    middle = rng.randrange(1, len(whole))
    return whole[middle:] + whole[:middle]


def grow(whole: bytes, rng: random.Random) -> bytes:
    """Append the file's own bytes many times."""
    return whole + whole[-rng.randint(100, 2000) :] * rng.randint(2, 60)


MUTATORS: tuple[Mutator, ...] = (
    flip_bits, flip_head, cut, remove, repeat, insert, zero, extreme_numbers, swap, prepend,
    splice, grow,
)  # fmt: skip
CASES = [(form, mutate, turn) for turn in range(6) for mutate in MUTATORS for form in FORMS][:800]
QUICK = CASES[:: len(CASES) // 13]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A second of sound in each format."""
    folder = tmp_path_factory.mktemp("recordings")
    tone = media_samples.tone(1.0)
    return {
        form: media_samples.write(folder / f"a.{form}", form, tone, 48_000).read_bytes()
        for form in FORMS
    }


def attempt(recordings: dict[str, bytes], folder: Path, case: tuple[str, Mutator, int]) -> str:
    """Decode one mutated recording; the outcome. Fails on anything but sound or a sentence."""
    form, mutate, turn = case
    rng = random.Random(f"{SEED} {form} {mutate.__name__} {turn}")
    path = folder / f"{form}-{mutate.__name__}-{turn}"
    path.write_bytes(mutate(recordings[form], rng))
    decoded, message = None, ""
    try:
        decoded = decode(path, limits=LIMITS)
    except SourceError as error:
        message = error.message
    finally:
        path.unlink()
    if decoded is None:
        assert "\n" not in message, path.name
        assert 0 < len(message) < 500, path.name
        return "refused"
    assert np.isfinite(decoded.samples).all(), path.name
    assert len(decoded.samples) > 0, path.name
    return "decoded"


def attempt_all(
    recordings: dict[str, bytes], folder: Path, cases: list[tuple[str, Mutator, int]]
) -> list[str]:
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(lambda case: attempt(recordings, folder, case), cases))


def test_mutated_recordings(recordings: dict[str, bytes], tmp_path: Path) -> None:
    outcomes = attempt_all(recordings, tmp_path, QUICK)
    assert set(outcomes) == {"refused", "decoded"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_eight_hundred_mutated_recordings(recordings: dict[str, bytes], tmp_path: Path) -> None:
    outcomes = attempt_all(recordings, tmp_path, CASES)
    assert len(outcomes) == 800
    assert min(outcomes.count("refused"), outcomes.count("decoded")) > 100
    assert list(tmp_path.iterdir()) == []
