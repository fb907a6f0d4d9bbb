"""Watermark: the code, the embedder and the detector on recordings of people."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from soundclone.audio.decode import decode
from soundclone.audio.encode import STREAMS, Encoder
from soundclone.audio.samples import Samples
from soundclone.audio.watermark import LIMIT, PAYLOADS, Embedder, detect, detect_both
from soundclone.audio.watermark import code as payload_code
from soundclone.audio.watermark.pattern import public_pattern, secret_pattern
from tests import media_samples

RECORDINGS = Path(__file__).parents[1] / "recordings"
RATE = 24_000
SECRET = b"secret of one installation"
PAYLOAD = 1_234_567


@cache
def recording(name: str, rate: int = RATE) -> Samples:
    decoded = decode(RECORDINGS / f"{name}.opus")
    return np.asarray(soxr.resample(decoded.samples, decoded.sample_rate, rate), np.float32)


def embed(samples: Samples, rate: int = RATE, payload: int = PAYLOAD, block: int = 0) -> Samples:
    embedder = Embedder(rate, SECRET, payload)
    step = block or max(1, len(samples))
    parts = [embedder.process(samples[at : at + step]) for at in range(0, len(samples), step)]
    return np.concatenate([*parts, embedder.finish()])


@cache
def marked(name: str, rate: int = RATE) -> Samples:
    return embed(recording(name, rate), rate)


def test_payloads_differ_in_many_chips() -> None:
    random = np.random.default_rng(0)
    pairs = random.integers(0, PAYLOADS, (300, 2))
    for one, other in pairs[pairs[:, 0] != pairs[:, 1]]:
        chips = [payload_code.encode(int(each)) for each in (one, other)]
        assert np.count_nonzero(chips[0] != chips[1]) >= 48


@settings(max_examples=30, deadline=None)
@given(st.integers(0, PAYLOADS - 1), st.permutations(range(payload_code.CHIPS)))
def test_code_corrects_23_wrong_chips(payload: int, order: list[int]) -> None:
    chips = payload_code.encode(payload)
    chips[order[:23]] *= -1
    assert payload_code.decode(chips) == (payload, payload_code.CHIPS - 46)


@pytest.mark.parametrize("payload", [-1, PAYLOADS])
def test_payloads_are_bounded(payload: int) -> None:
    with pytest.raises(ValueError, match=f"the payload is {payload}"):
        Embedder(RATE, SECRET, payload)


def test_tiles_belong_to_one_pattern() -> None:
    secret = secret_pattern(SECRET)
    assert np.array_equal(np.abs(public_pattern()) + np.abs(secret.signs), np.ones((128, 44)))
    sizes = np.bincount(secret.groups.ravel())
    assert sizes[:-1].tolist() == [22] * 128, "each chip of the payload has as many tiles"


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 9_000), max_size=12), st.sampled_from([8_000, 22_050, RATE]))
def test_output_does_not_depend_on_the_blocks(sizes: list[int], rate: int) -> None:
    samples = recording("man", rate)[: 2 * rate]
    embedder = Embedder(rate, SECRET, PAYLOAD)
    cuts = np.minimum(np.cumsum([0, *sizes]), len(samples))
    parts = [embedder.process(samples[a:b]) for a, b in pairwise(cuts)]
    parts += [embedder.process(samples[cuts[-1] :]), embedder.finish()]
    whole = np.concatenate(parts)
    assert len(whole) == len(samples)
    assert np.array_equal(whole, embed(samples, rate))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 5_000), st.sampled_from([8_000, 11_025, 16_000, 44_100, 48_000]))
def test_any_length_and_rate(length: int, rate: int) -> None:
    samples = np.random.default_rng(length).normal(0, 0.1, length).astype(np.float32)
    out = embed(samples, rate)
    assert out.shape == samples.shape
    assert out.dtype == np.float32
    assert np.isfinite(out).all()


@pytest.mark.parametrize("rate", [16_000, RATE, 48_000])
@pytest.mark.parametrize("name", ["man", "woman"])
def test_mark_is_soft(name: str, rate: int) -> None:
    samples = recording(name, rate)
    mark = marked(name, rate) - samples
    assert 10 * np.log10(np.sum(samples**2) / np.sum(mark**2)) >= 24


def test_silence_stays_silent() -> None:
    assert not embed(np.zeros(RATE, np.float32)).any()
    mark = detect(np.zeros(RATE, np.float32), RATE, SECRET)
    assert not mark.found
    assert mark.p_value == 1


def test_nothing_to_detect() -> None:
    assert not detect(np.zeros(0, np.float32), RATE, None).found


@pytest.mark.parametrize("name", ["man", "woman"])
def test_recordings_are_not_marked(name: str) -> None:
    marks = detect_both(recording(name), RATE, SECRET)
    assert marks.secret is not None
    for mark in (marks.public, marks.secret):
        assert not mark.found
        assert mark.p_value > 0.01
        assert mark.payload is None
        assert mark.stretches == ()


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, RATE, 48_000])
@pytest.mark.parametrize("name", ["man", "woman"])
def test_marks_are_found(name: str, rate: int) -> None:
    marks = detect_both(marked(name, rate), rate, SECRET)
    assert marks.public.found
    assert marks.public.payload is None
    assert marks.secret is not None
    assert marks.secret.found
    assert marks.secret.payload == PAYLOAD
    assert max(marks.public.p_value, marks.secret.p_value) < LIMIT


def test_fewer_payloads_are_more_certain() -> None:
    samples = embed(recording("man"), payload=300)
    wide, narrow = (detect_both(samples, RATE, SECRET, each).secret for each in (PAYLOADS, 301))
    assert wide is not None
    assert narrow is not None
    assert (wide.payload, narrow.payload) == (300, 300)
    assert narrow.p_value < wide.p_value / 1000
    missed = detect_both(samples, RATE, SECRET, 256).secret
    assert missed is not None
    assert missed.payload != 300


def test_other_installations_find_only_the_public_pattern() -> None:
    marks = detect_both(marked("man"), RATE, b"secret of another installation")
    assert marks.public.found
    assert marks.secret is not None
    assert not marks.secret.found
    assert detect(marked("man"), RATE, None) == marks.public


def test_payload_without_the_public_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    from soundclone.audio.watermark import embedder

    monkeypatch.setattr(embedder, "public_pattern", lambda: 0 * public_pattern())
    samples = embed(recording("man"))
    marks = detect_both(samples, RATE, SECRET)
    assert not marks.public.found
    assert marks.secret is not None
    assert marks.secret.found
    assert marks.secret.payload == PAYLOAD


@pytest.mark.parametrize("form", STREAMS)
def test_formats_keep_the_mark(tmp_path: Path, form: str) -> None:
    path = tmp_path / "speech"
    with Encoder(path, form, sample_rate_in=RATE) as encoder:
        encoder.write(marked("man"))
    if raw := media_samples.headerless(path, form):
        mark = detect(*raw, SECRET)
    else:
        decoded = decode(path)
        mark = detect(decoded.samples, decoded.sample_rate, SECRET)
    assert mark.payload == PAYLOAD


@pytest.mark.parametrize("speed", [0.95, 0.973, 1.05])
def test_other_speeds(speed: float) -> None:
    faster = soxr.resample(marked("man"), RATE * speed, RATE)
    assert detect(faster, RATE, SECRET).payload == PAYLOAD


def test_noise_and_level() -> None:
    clean = marked("man")
    noise = np.random.default_rng(0).normal(0, np.std(clean) / 10, len(clean))
    assert detect((0.25 * (clean + noise)).astype(np.float32), RATE, SECRET).payload == PAYLOAD


def test_marked_stretch_is_located() -> None:
    spoken, real = marked("man"), recording("woman")
    samples = np.concatenate([real, spoken, real])
    mark = detect(samples, RATE, None)
    assert mark.found
    start, end = len(real) / RATE, (len(real) + len(spoken)) / RATE
    covered = sum(max(0, min(b, end) - max(a, start)) for a, b in mark.stretches)
    outside = sum(b - a for a, b in mark.stretches) - covered
    assert covered > 0.8 * (end - start)
    assert outside < 3


@pytest.mark.parametrize("name", ["man", "woman"])
def test_joined_pieces_are_found(name: str) -> None:
    """Clauses of a dialogue are tasks with their own payload and position of the pattern."""
    length = 2 * RATE
    pieces = recording(name)[: 5 * length].reshape(5, length)
    joined = np.concatenate([embed(each, payload=100 + n) for n, each in enumerate(pieces)])
    marks = detect_both(joined, RATE, SECRET, payloads=1000)
    assert marks.secret is not None
    assert marks.secret.payload in range(100, 105)
    for mark in (marks.public, marks.secret):
        assert mark.p_value < 1e-9
        assert sum(end - start for start, end in mark.stretches) > 7
