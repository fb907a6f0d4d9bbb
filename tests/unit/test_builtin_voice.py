"""The voice file: damaged files raise an error with a clear message."""

from __future__ import annotations

import hashlib
import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundclone.engines.builtin import voice
from soundclone.errors import SynthesisError

RNG = np.random.default_rng(0)
ORIGINAL = voice._voice(
    {name: RNG.normal(size=shape).astype(np.float32) for name, shape in voice._shapes().items()},
    language="German",
)
DATA = voice.pack(ORIGINAL)
START = len(voice.MAGIC) + 32


def resealed(body: bytes) -> bytes:
    return voice.MAGIC + hashlib.sha256(body).digest() + body


def test_there_and_back() -> None:
    read = voice.unpack(DATA)
    assert read.language == "German"
    for name, values in voice._arrays(ORIGINAL).items():
        np.testing.assert_array_equal(voice._arrays(read)[name], values)
    assert len(DATA) < voice.LARGEST


@given(st.binary(max_size=200))
def test_foreign_bytes(data: bytes) -> None:
    with pytest.raises(SynthesisError):
        voice.unpack(data)


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_one_changed_byte(position: int, change: int) -> None:
    damaged = bytearray(DATA)
    damaged[position] ^= change
    with pytest.raises(SynthesisError):
        voice.unpack(bytes(damaged))


@given(st.integers(0, len(DATA) - 1))
def test_cut_short(size: int) -> None:
    with pytest.raises(SynthesisError):
        voice.unpack(DATA[:size])


@given(st.binary(max_size=100))
def test_a_body_with_the_right_checksum(body: bytes) -> None:
    with pytest.raises(SynthesisError):
        voice.unpack(resealed(body))


HEADER = json.loads(DATA[START + 4 : START + 4 + struct.unpack_from("<I", DATA, START)[0]])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
        max_leaves=8,
    )
)
def test_a_header_of_any_json(arrays: object) -> None:
    for header in (arrays, HEADER | {"arrays": arrays}, {"version": arrays, "arrays": []}):
        data = json.dumps(header).encode()
        with pytest.raises(SynthesisError):
            voice.unpack(resealed(struct.pack("<I", len(data)) + data + b"\0" * 64))


def test_another_version_is_named() -> None:
    data = json.dumps(HEADER | {"version": "0-older"}).encode()
    with pytest.raises(SynthesisError, match="'0-older'"):
        voice.unpack(resealed(struct.pack("<I", len(data)) + data))


def test_not_finite() -> None:
    with pytest.raises(SynthesisError, match="not finite"):
        voice.unpack(resealed(DATA[START:-4] + struct.pack("<f", float("nan"))))


def test_too_large() -> None:
    with pytest.raises(SynthesisError, match="bytes"):
        voice.unpack(voice.MAGIC + bytes(voice.LARGEST))
