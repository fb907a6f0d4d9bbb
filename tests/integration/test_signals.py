"""Signals between processes, and the start of a job at its submission."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, SimpleQueue

import pytest

from soundclone.db.session import Database
from soundclone.db.signals import Signals
from soundclone.jobs import queue
from soundclone.jobs.queue import Queue
from tests.service import wait_until

POLL = 600.0  # seconds, so that a job that starts was not found by a poll


@pytest.fixture
def signals(database: Database) -> Iterator[Signals]:
    made = Signals(database, "test")
    yield made
    made.close()


def heard_by(signals: Signals) -> SimpleQueue[str]:
    """Listen, and return what is heard once the first signal has come."""
    heard: SimpleQueue[str] = SimpleQueue()
    signals.listen(heard.put)

    def ready() -> bool:
        signals.send("ready")
        try:
            return bool(heard.get(timeout=0.1))
        except Empty:
            return False

    wait_until(ready)
    return heard


def next_of(heard: SimpleQueue[str]) -> str:
    while (signal := heard.get(timeout=300)) == "ready":
        pass
    return signal


def test_nothing_is_sent_after_the_end(signals: Signals) -> None:
    # Otherwise the sender may hold a connection while the pool is closed.
    signals.send("last")
    signals.close()
    assert "signals" not in {thread.name for thread in threading.enumerate()}


def test_every_listener_hears_a_signal(signals: Signals, database: Database) -> None:
    first = heard_by(signals)
    other = Signals(database, "test")
    elsewhere = Signals(database, "elsewhere")
    second, deaf = heard_by(other), heard_by(elsewhere)
    signals.send("tasks-builtin")
    assert next_of(first) == next_of(second) == "tasks-builtin"
    elsewhere.send("end")
    assert next_of(deaf) == "end"
    other.close()
    elsewhere.close()


def test_a_rolled_back_transaction_sends_nothing(signals: Signals, database: Database) -> None:
    heard = heard_by(signals)
    with database.transaction() as session:
        signals.send_after_commit(session, "never")
        session.rollback()
    with database.transaction() as session:
        with session.begin_nested():
            signals.send_after_commit(session, "committed")
        time.sleep(0.05)
        assert all(heard.get() == "ready" for _ in range(heard.qsize()))
    assert next_of(heard) == "committed"


def test_pipes_of_killed_listeners_are_removed(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    signals = Signals(database, "test")
    heard = heard_by(signals)
    (mine,) = (tmp_path / "signals" / "test").iterdir()
    left = mine.with_name("left.pipe")
    os.mkfifo(left)
    signals.send("still there")
    assert next_of(heard) == "still there"
    assert not left.exists()
    signals.close()
    wait_until(lambda: not mine.exists())
    signals.send("nobody listens")
    database.close()


def test_a_job_starts_when_it_is_submitted(database: Database) -> None:
    started: SimpleQueue[str] = SimpleQueue()
    queue.workflow(queue.VERIFICATIONS, lambda identifier: started.put(identifier))
    queue.launch(database, "worker", [], tasks=1, tasks_per_account=1, poll=POLL)
    client = Queue(database)
    try:
        wait_until(lambda: queue.VERIFICATIONS in queue._signalled._bells)
        # The listener of Postgres may not listen yet.
        for attempt in range(100):
            identifier = f"verify_{attempt}"
            with database.transaction() as session:
                client.enqueue_verification(session, identifier)
            try:
                assert started.get(timeout=0.5) == "verify_0"
                break
            except Empty:
                continue
        else:
            pytest.fail("no job was started")
    finally:
        client.close()
        queue.stop(1)
