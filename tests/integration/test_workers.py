"""Heartbeats and claims when clocks step."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import update

from soundclone.config import Settings
from soundclone.core import workers
from soundclone.core.workers import Observer, WorkerInfo
from soundclone.db.models import Worker as Row
from soundclone.db.session import Database
from soundclone.jobs import queue
from soundclone.jobs.worker import Worker

SILENCE = 6.0


def test_a_worker_is_claimed_although_the_clock_stepped_back(database: Database) -> None:
    """The time of silence before the step counts."""
    elapsed = [0.0]
    observer = Observer(lambda: elapsed[0])

    def claimed() -> dict[str, bool]:
        with database.transaction() as session:
            return workers.claim(session, "claimer", SILENCE, observer)

    with database.transaction() as session:
        moment = workers.heartbeat(session, "dead", WorkerInfo())
        workers.heartbeat(session, "living", WorkerInfo())
        session.execute(update(Row).values(seen_at=moment + 3600))  # before the step
    for elapsed[0] in (0.0, 2.0, 4.0):
        assert claimed() == {}
        with database.transaction() as session:
            workers.heartbeat(session, "living", WorkerInfo())
    elapsed[0] = 6.0
    assert claimed() == {"dead": False}
    elapsed[0] = 7.0
    assert claimed() == {}  # the claim counts as a heartbeat


def test_after_a_pause_workers_have_time_for_a_heartbeat() -> None:
    elapsed = [0.0]
    observer = Observer(lambda: elapsed[0])
    observer.silent({"dead": 1.0, "living": 1.0}, SILENCE)
    elapsed[0] = 10.0  # the database was away
    observer.excuse(SILENCE, grace=2.0)
    assert observer.silent({"dead": 1.0, "living": 1.0}, SILENCE) == {}
    elapsed[0] = 12.0
    assert observer.silent({"dead": 1.0, "living": 11.0}, SILENCE) == {"dead": 1.0}


def test_no_worker_is_claimed_when_the_clock_steps_forward(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(sqlite_template, tmp_path / "soundclone.db")
    requeued: list[str] = []

    def requeue(worker: str) -> list[str]:
        requeued.append(worker)
        return []

    monkeypatch.setattr(queue, "requeue", requeue)
    clock = 1_800_000_000.0
    monkeypatch.setattr(workers, "now", lambda session: clock)
    settings = Settings(data_dir=tmp_path, secret_key="x" * 32, worker_lost_after=SILENCE)
    worker = Worker(settings, "claimer")
    worker._launched = True
    with worker._database.transaction() as session:
        workers.heartbeat(session, "other", WorkerInfo())
    worker._heartbeat()
    clock += 3600
    worker._heartbeat()
    assert requeued == []
    clock += 2
    worker._heartbeat()  # the other had two seconds for a heartbeat, and sent none
    assert requeued == ["other"]
    worker._database.close()
