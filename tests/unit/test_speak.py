from __future__ import annotations

import numpy as np
import pytest

from soundclone.audio import loudness
from soundclone.jobs.assembly import level_gain, title
from soundclone.jobs.chunks import Chunk, SentenceTimes, groups_of


def chunk(level: float, seconds: float = 30.0) -> Chunk:
    return Chunk("work/audio_1/chunk-0000", 1, round(seconds * 24_000), 24_000, level, ())


def test_a_chunk_is_read_as_it_was_written() -> None:
    """Also the record of the release before this one, which the literal here shows."""
    record = {
        "key": "work/audio_1/chunk-0000",
        "seed": 7,
        "samples": 10,
        "sample_rate": 24_000,
        "loudness": -23.5,
        "spoken": [[0.0, 2.0, [[0, 5, 0.1, 0.4], [6, 3, 0.5, 0.9]]], [3.0, 4.0, []]],
    }
    read = Chunk.from_json(record)
    assert read.to_json() == record
    assert read.spoken[1] == SentenceTimes(3.0, 4.0, ())
    assert read.seconds_spoken == 3.0


def test_a_voice_that_drifts_is_levelled() -> None:
    chunks = [chunk(level) for level in (-22.0, -23.5, -21.0, -22.3)]
    after = [each.loudness + 20 * np.log10(level_gain(each, chunks)) for each in chunks]
    assert after == pytest.approx([loudness.TARGET] * 4)


def test_a_whisper_stays_one() -> None:
    chunks = [chunk(-20), chunk(-20), chunk(-35, 2)]
    after = [each.loudness + 20 * np.log10(level_gain(each, chunks)) for each in chunks]
    assert after[0] == pytest.approx(loudness.TARGET, abs=0.2)
    assert after[2] == pytest.approx(loudness.TARGET - 12, abs=0.3)


def test_silence_has_nolevel_gain() -> None:
    assert level_gain(chunk(-np.inf), [chunk(-np.inf)]) == 1
    assert np.isfinite(level_gain(chunk(-np.inf), [chunk(-np.inf), chunk(-20)]))


def test_titles() -> None:
    assert title(groups_of("<#1#>\n Good  morning. Next.")) == "Good morning."
    long = title(groups_of("word " * 100))
    assert len(long) <= 60
    assert long.endswith("word…")
