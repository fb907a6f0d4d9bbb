"""Samples of the documentation end in silence, not in the middle of a word."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from .pages import ROOT

CLONES = sorted(
    path
    for path in (ROOT / "docs" / "samples").glob("*.mp3")
    if not path.name.startswith("original-")
)


@pytest.mark.parametrize("path", CLONES, ids=lambda path: path.stem)
def test_a_clone_is_whole(path: Path) -> None:
    with av.open(path) as recording:
        stream = recording.streams.audio[0]
        blocks = [frame.to_ndarray().ravel() for frame in recording.decode(stream)]
        samples = np.concatenate(blocks)[-round(0.15 * stream.rate) :]
    assert 20 * np.log10(np.sqrt(np.mean(samples.astype(np.float64) ** 2)) + 1e-6) < -40
