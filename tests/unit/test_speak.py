from __future__ import annotations

import numpy as np
import pytest

from soundclone.audio import loudness
from soundclone.jobs.speak import groups_of, levelling, title


def chunk(level: float, seconds: float = 30.0) -> dict[str, float]:
    return {"loudness": level, "samples": seconds * 24_000}


def test_a_voice_that_drifts_is_levelled() -> None:
    chunks = [chunk(level) for level in (-22.0, -23.5, -21.0, -22.3)]
    after = [each["loudness"] + 20 * np.log10(levelling(each, chunks)) for each in chunks]
    assert after == pytest.approx([loudness.TARGET] * 4)


def test_a_whisper_stays_one() -> None:
    chunks = [chunk(-20), chunk(-20), chunk(-35, 2)]
    after = [each["loudness"] + 20 * np.log10(levelling(each, chunks)) for each in chunks]
    assert after[0] == pytest.approx(loudness.TARGET, abs=0.2)
    assert after[2] == pytest.approx(loudness.TARGET - 12, abs=0.3)


def test_silence_has_nolevelling() -> None:
    assert levelling(chunk(-np.inf), [chunk(-np.inf)]) == 1
    assert np.isfinite(levelling(chunk(-np.inf), [chunk(-np.inf), chunk(-20)]))


def test_titles() -> None:
    assert title(groups_of("<#1#>\n Good  morning. Next.")) == "Good morning."
    long = title(groups_of("word " * 100))
    assert len(long) <= 60
    assert long.endswith("word…")
