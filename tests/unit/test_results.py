from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from soundclone.audio import encode
from soundclone.core import results
from soundclone.core.requests import AudioFormat, SpeechOptions, SubtitleUnit
from soundclone.errors import Unavailable
from soundclone.storage import Storage
from soundclone.text.duration import Length


@pytest.mark.parametrize("form", encode.STREAMS)
@pytest.mark.parametrize(("rate", "channels"), [(None, 1), (48_000, 2), (8_000, 1)])
def test_no_format_takes_more_than_is_estimated(
    form: str, rate: int | None, channels: int, tmp_path: Path
) -> None:
    if form not in encode.FORMATS:
        rate, channels = None, 1
    noise = np.random.default_rng(1).standard_normal(20 * 24_000).astype(np.float32) * 0.2
    path = tmp_path / "noise"
    with encode.Encoder(
        path, form, sample_rate_in=24_000, sample_rate=rate, channels=channels
    ) as encoder:
        encoder.write(noise)
    options = SpeechOptions(format=AudioFormat(form), sample_rate=rate, channels=channels)
    # 7 s of speech that lasts twice as long as was estimated, 5 s of pauses and a second.
    most = results.estimate(options, 100, Length(7.0, 5.0))
    assert path.stat().st_size <= most


def test_the_estimate_goes_with_speed_and_subtitles() -> None:
    plain = results.estimate(SpeechOptions(format=AudioFormat.WAV), 100, Length(10.0, 0.0))
    assert plain == 21 * 88_200 + 4_096
    slow = results.estimate(
        SpeechOptions(format=AudioFormat.WAV, speed=0.5), 100, Length(10.0, 0.0)
    )
    assert slow == 41 * 88_200 + 4_096
    options = SpeechOptions(format=AudioFormat.WAV, subtitles=SubtitleUnit.WORD)
    word = results.estimate(options, 100, Length(10.0, 0.0))
    assert word == plain + 10_000


def test_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    storage = Storage.open(tmp_path.as_uri(), [b"x" * 32])
    storage.check_free(0)
    with pytest.raises(Unavailable, match=r"bytes free; new tasks need 1,000,000,000,000,000,000"):
        storage.check_free(10**18)
    Storage.open("s3://bucket/prefix?region=us-east-1", [b"x" * 32]).check_free(10**18)
