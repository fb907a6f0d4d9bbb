"""The register of results: enter, find, forget."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from soundclone.audio.fingerprint import excerpt_fingerprint, fingerprint
from soundclone.core import register
from soundclone.core.register import Result
from soundclone.db.session import Database

RATE = 16_000


def babble(seed: int, seconds: float = 8.0) -> NDArray[np.float32]:
    """Return a sound of random tones, 60 ms each, which has as many peaks as speech."""
    draw = np.random.default_rng(seed)
    parts = []
    for _ in range(round(seconds / 0.06)):
        time = np.arange(round(0.06 * RATE)) / RATE
        tones = draw.uniform(300, 3200, 3)
        parts.append(sum(np.sin(2 * np.pi * tone * time) for tone in tones) * np.hanning(len(time)))
    sound: NDArray[np.float32] = (0.1 * np.concatenate(parts)).astype(np.float32)
    return sound


def enter(database: Database, task: str, sound: NDArray[np.float32]) -> None:
    made = Result(f"hash of {task}", len(sound) / RATE, fingerprint(sound, RATE))
    with database.transaction() as session:
        register.add(session, task, made)


def test_an_excerpt_is_found_among_others(database: Database) -> None:
    for number in range(20):
        enter(database, f"audio_{number}", babble(number))
    noise = np.random.default_rng(99).normal(0, 0.01, 4 * RATE).astype(np.float32)
    cut = babble(7)[2 * RATE + 37 : 6 * RATE + 37]
    with database.read() as session:
        found = register.find_excerpt(session, excerpt_fingerprint(0.3 * cut + noise, RATE))
        assert found is not None
        assert found.task_id == "audio_7"
        [(start, end)] = found.stretches
        assert start < 0.5
        assert 3.0 < end <= 4.0
        other = excerpt_fingerprint(babble(100), RATE)
        assert register.find_excerpt(session, other) is None


def test_only_the_part_that_matches_is_named(database: Database) -> None:
    enter(database, "audio_1", babble(1))
    sound = np.concatenate((babble(50, 20), babble(1)[: 5 * RATE], babble(51, 20)))
    with database.read() as session:
        found = register.find_excerpt(session, excerpt_fingerprint(sound, RATE))
    assert found is not None
    assert found.stretches[0][0] == pytest.approx(20, abs=0.8)
    assert found.stretches[-1][1] == pytest.approx(25, abs=0.8)


def test_a_file_is_found_by_its_hash_and_forgotten(database: Database) -> None:
    enter(database, "audio_1", babble(1))
    enter(database, "audio_2", np.zeros(100, np.float32))  # too short for a landmark
    with database.transaction() as session:
        assert register.find_file(session, "hash of audio_2") == "audio_2"
        assert register.find_file(session, "another") is None
        register.remove(session, ["audio_1"])
    with database.read() as session:
        assert register.find_file(session, "hash of audio_1") is None
        assert register.find_excerpt(session, excerpt_fingerprint(babble(1), RATE)) is None
