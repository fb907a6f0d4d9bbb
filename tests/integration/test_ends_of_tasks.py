"""Each ended task writes one line to the log, and counts once."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from soundclone.core import tasks
from soundclone.db.session import Database
from soundclone.errors import SynthesisError, TaskCancelled
from soundclone.telemetry import TASKS
from tests import rows
from tests.integration.test_ledger import KEEP, customer, order, submit


def count(*labels: str) -> float:
    return float(TASKS.labels(*labels)._value.get())


def test_a_task_that_ends_is_logged_once_without_texts(database: Database) -> None:
    account, key = customer(database, 100)
    done, broken, cancelled = (submit(database, order(account, key, 10)) for _ in range(3))
    before = count("clone", "completed", "")
    with capture_logs() as logs:
        for _ in range(2):
            with database.transaction() as session:
                tasks.start(session, done)
                tasks.complete(session, done, rows.RESULT, keep=KEEP, voice=None)
        error = SynthesisError("the sentence 'Hello Anna' failed", logged="a sentence failed")
        with database.transaction() as session:
            tasks.fail(session, broken, error, keep=KEEP)
        with database.transaction() as session:
            tasks.cancel(session, cancelled, account, keep=KEEP)
    assert [(line["task"], line["status"], line.get("word")) for line in logs] == [
        (done, "completed", None),
        (broken, "failed", "synthesis_failed"),
        (cancelled, "failed", "cancelled"),
    ]
    assert [line["log_level"] for line in logs] == ["info", "warning", "info"]
    assert "Anna" not in str(logs)
    first = logs[0]
    assert (first["kind"], first["account"], first["cost"]) == ("clone", account, 0.00001)
    assert first["seconds"] >= first["waited"] >= 0
    assert count("clone", "completed", "") == before + 1


def test_a_transaction_that_is_rolled_back_logs_nothing(database: Database) -> None:
    account, key = customer(database, 100)
    task = submit(database, order(account, key, 10))

    def work() -> None:
        with database.transaction() as session:
            tasks.fail(session, task, TaskCancelled("gone"), keep=KEEP)
            raise RuntimeError

    with capture_logs() as logs, pytest.raises(RuntimeError):
        work()
    assert logs == []
