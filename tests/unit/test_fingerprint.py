"""Fingerprints of long sounds, which are computed in blocks."""

from __future__ import annotations

import numpy as np
import pytest

from soundclone.audio import fingerprint


@pytest.mark.parametrize("block", [50, 301])
def test_blocks_do_not_change_a_fingerprint(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    random = np.random.default_rng(0)
    time = np.arange(8 * fingerprint.RATE) / fingerprint.RATE
    tones = sum(np.sin(time * hertz * (6 + np.sin(time * 3))) for hertz in (300, 700, 1500))
    sound = (0.1 * tones + 0.01 * random.standard_normal(len(time))).astype(np.float32)
    whole = fingerprint.fingerprint(sound, fingerprint.RATE)
    monkeypatch.setattr(fingerprint, "_BLOCK", block)
    parts = fingerprint.fingerprint(sound, fingerprint.RATE)
    assert len(whole) > 100
    assert np.array_equal(whole.hashes, parts.hashes)
    assert np.array_equal(whole.frames, parts.frames)
