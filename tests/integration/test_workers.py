"""Start of workers, and heartbeats and claims when clocks step."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, update

from soundclone.config import Settings
from soundclone.core import workers
from soundclone.core.workers import Observer, WorkerInfo
from soundclone.db.models import Worker as Row
from soundclone.db.session import Database
from soundclone.jobs import queue
from soundclone.jobs import worker as worker_module
from soundclone.jobs.worker import Worker

SILENCE = 6.0


def test_a_worker_is_claimed_although_the_clock_stepped_back(database: Database) -> None:
    """The time of silence before the step counts."""
    elapsed = [0.0]
    observer = Observer(lambda: elapsed[0])

    def claimed() -> dict[str, bool]:
        with database.transaction() as session:
            silent = workers.observe(session, observer, SILENCE)
            return workers.claim(session, "claimer", SILENCE, silent)

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


@pytest.fixture
def make_worker(
    tmp_path: Path, sqlite_template: Path, requeued: list[str]
) -> Iterator[Callable[[], Worker]]:
    """Maker of workers that do not run, on one database."""
    shutil.copy(sqlite_template, tmp_path / "soundclone.db")
    settings = Settings(data_dir=tmp_path, secret_key="x" * 32, worker_lost_after=SILENCE)
    made: list[Worker] = []

    def make() -> Worker:
        made.append(Worker(settings, "claimer"))
        return made[-1]

    yield make
    for each in made:
        each._database.close()


@pytest.fixture
def requeued(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the workers whose tasks were requeued."""
    ids: list[str] = []

    def requeue(worker: str) -> list[str]:
        ids.append(worker)
        return []

    monkeypatch.setattr(queue, "requeue", requeue)
    return ids


def test_no_worker_is_claimed_when_the_clock_steps_forward(
    make_worker: Callable[[], Worker], requeued: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 1_800_000_000.0
    monkeypatch.setattr(workers, "now", lambda session: clock)
    worker = make_worker()
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


def test_silence_is_measured_while_the_engines_warm_up(
    make_worker: Callable[[], Worker], requeued: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All workers died, and the clock stepped back: a new worker claims them when it is ready."""
    clock, elapsed = 1_800_000_000.0, 0.0
    monkeypatch.setattr(workers, "now", lambda session: clock)
    worker = make_worker()
    worker._observer = Observer(lambda: elapsed)
    with worker._database.transaction() as session:
        workers.heartbeat(session, "dead", WorkerInfo())
    clock -= 446
    for _ in range(3):
        worker._heartbeat()
        clock += 2
        elapsed += 2
    assert requeued == []
    worker._launched = True
    worker._heartbeat()
    assert requeued == ["dead"]


def test_a_worker_waits_for_a_database_that_starts(
    tmp_path: Path, postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Event()
    url = make_url(postgres_database)
    folder = tmp_path / "socket"
    elsewhere = url.update_query_dict({"host": str(folder)}).render_as_string(hide_password=False)
    settings = Settings(data_dir=tmp_path, secret_key="x" * 32, database_url=elsewhere)
    worker = Worker(settings, "early")
    warned = worker_module._log.warning

    def warn(event: str, **fields: object) -> None:
        warned(event, **fields)
        tried.set()

    monkeypatch.setattr(worker_module._log, "warning", warn)
    ready: list[bool] = []
    thread = threading.Thread(target=lambda: ready.append(worker._prepare_database()))
    thread.start()
    assert tried.wait(30)
    folder.symlink_to(str(url.query["host"]))
    thread.join(60)
    assert ready == [True]
    worker._database.close()
