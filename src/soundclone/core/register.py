"""Register of results: a hash and an acoustic fingerprint of each result.

An entry outlives the files and the row of its task, like the ledger. An entry holds no text and no
name. The hash recognises an unchanged file. The fingerprint recognises an excerpt whose marks were
removed: the landmarks of the excerpt are looked up by their hashes, and those of one entry at one
distance in time are counted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Integer,
    Select,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.orm import Session

from ..audio.fingerprint import STEP, Fingerprint, Hashes
from ..db.models import RegisterEntry, RegisterLandmark

LEAST = 7
"""Least number of landmarks of an entry that a match needs. docs/provenance.md has the rates."""

_SEGMENT = round(15 / STEP)  # frames of an excerpt that are matched together
_BATCH = 500  # hashes in a query
_MOST = 400_000  # rows of a query
_ORIGIN = 1 << 20  # added to distances in time, so that none is negative

# Statement of Postgres, whose time goes into statements more than into rows.
_ADD_LANDMARKS = insert(cast(Table, RegisterLandmark.__table__)).from_select(
    ["hash", "entry", "frame"],
    select(
        func.unnest(bindparam("hashes", type_=ARRAY(Integer))),
        bindparam("number", type_=BigInteger),
        func.unnest(bindparam("frames", type_=ARRAY(Integer))),
    ),
)


@dataclass(frozen=True)
class Result:
    """Finished file of a task."""

    sha256: str
    seconds: float
    fingerprint: Fingerprint


@dataclass(frozen=True)
class Match:
    """Entry that a sound matches."""

    task_id: str
    landmarks: int  # landmarks of the entry that the sound has
    stretches: tuple[tuple[float, float], ...]  # seconds of the sound that match


def add(session: Session, task_id: str, result: Result) -> None:
    """Enter the result of a task."""
    entry = RegisterEntry(
        task_id=task_id, sha256=result.sha256, seconds=result.seconds, created_at=time.time()
    )
    session.add(entry)
    session.flush()
    found = result.fingerprint
    rows = sorted(set(zip(found.hashes.tolist(), found.frames.tolist(), strict=True)))
    if rows and session.get_bind().dialect.name == "postgresql":
        hashes, frames = (list(column) for column in zip(*rows, strict=True))
        session.execute(
            _ADD_LANDMARKS, {"hashes": hashes, "number": entry.number, "frames": frames}
        )
    elif rows:
        session.execute(
            insert(RegisterLandmark),
            [{"hash": what, "entry": entry.number, "frame": when} for what, when in rows],
        )


def remove(session: Session, task_ids: Sequence[str] | Select[str | None]) -> None:
    """Delete the entries of tasks, whose ids are listed or queried."""
    numbers = select(RegisterEntry.number).where(RegisterEntry.task_id.in_(task_ids))
    session.execute(delete(RegisterLandmark).where(RegisterLandmark.entry.in_(numbers)))
    session.execute(delete(RegisterEntry).where(RegisterEntry.task_id.in_(task_ids)))


def find_file(session: Session, sha256: str) -> str | None:
    """Return the task that made a file with this hash."""
    return session.scalar(
        select(RegisterEntry.task_id).where(RegisterEntry.sha256 == sha256).limit(1)
    )


def find_excerpt(session: Session, sound: Fingerprint) -> Match | None:
    """Return the entry that has the most landmarks of a sound, from `excerpt_fingerprint`.

    The sound is matched in segments of 15 s, so that its other parts do not matter.
    """
    found: dict[int, list[tuple[int, float, float]]] = {}
    for segment in _segments(sound):
        best = _best(segment, _stored(session, segment.hashes))
        if best is not None:
            entry, landmarks, start, end = best
            found.setdefault(entry, []).append((landmarks, start, end))
    if not found:
        return None
    entry = max(found, key=lambda each: sum(landmarks for landmarks, _, _ in found[each]))
    return Match(
        session.get_one(RegisterEntry, entry).task_id,
        sum(landmarks for landmarks, _, _ in found[entry]),
        tuple((round(start, 2), round(end, 2)) for _, start, end in found[entry]),
    )


def _segments(sound: Fingerprint) -> Iterator[Fingerprint]:
    number = sound.frames // _SEGMENT
    for each in np.unique(number):
        yield Fingerprint(sound.hashes[number == each], sound.frames[number == each])


def _stored(session: Session, hashes: Hashes) -> NDArray[np.int64]:
    """Return hash, entry and frame of the stored landmarks with some hashes, shape (n, 3)."""
    wanted = np.unique(hashes).tolist()
    rows: list[tuple[int, int, int]] = []
    for start in range(0, len(wanted), _BATCH):
        query = (
            select(RegisterLandmark.hash, RegisterLandmark.entry, RegisterLandmark.frame)
            .where(RegisterLandmark.hash.in_(wanted[start : start + _BATCH]))
            .limit(_MOST)
        )
        rows.extend((what, entry, frame) for what, entry, frame in session.execute(query))
    return np.array(rows, np.int64).reshape(-1, 3)


def _best(sound: Fingerprint, stored: NDArray[np.int64]) -> tuple[int, int, float, float] | None:
    """Return the entry with the most landmarks at one distance in time.

    Return its number, the number of landmarks, and the start and end in seconds of the sound. None
    if no entry has LEAST landmarks.
    """
    order = np.argsort(stored[:, 0], kind="stable")
    stored = stored[order]
    low = np.searchsorted(stored[:, 0], sound.hashes, "left")
    count = np.searchsorted(stored[:, 0], sound.hashes, "right") - low
    if not count.sum():
        return None
    asked = np.repeat(np.arange(len(sound)), count)
    row = np.repeat(low - np.cumsum(count) + count, count) + np.arange(count.sum())
    distance = stored[row, 2] - sound.frames[asked] + _ORIGIN
    place = stored[row, 1] << 22 | distance
    # Frames of the sound lie between those of the entry, so that distances vary by one.
    places = np.concatenate((place, place + 1))
    pairs = np.unique(np.stack((places, np.concatenate((row, row)))), axis=1)
    known, votes = np.unique(pairs[0], return_counts=True)
    winner = int(known[votes.argmax()])
    if votes.max() < LEAST:
        return None
    matched = sound.frames[asked[(place == winner) | (place + 1 == winner)]]
    start, end = float(matched.min() * STEP), float((matched.max() + 1) * STEP)
    return winner >> 22, int(votes.max()), start, end
