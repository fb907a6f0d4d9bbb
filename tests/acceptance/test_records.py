"""The task engine's records in the database: JSON, and harmless when forged."""

from __future__ import annotations

import base64
import contextlib
import json
import pickle
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.service import API, Service, finish

from .test_durability import AUDIOS, CLONES, a_voice, assert_charged_once, text, wait_for_calls

pytestmark = pytest.mark.slow


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def pickled(marker: Path) -> str:
    return base64.b64encode(pickle.dumps(Touch(marker))).decode()


def execute(folder: Path, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(folder / "data" / "soundclone.db", 30)) as database:
        rows = database.execute(statement, values).fetchall()
        database.commit()
    return rows


def age(folder: Path) -> None:
    """Make tasks old enough for the sweep to look at."""
    execute(folder, "UPDATE tasks SET created_at = created_at - 100")


def assert_refunded(service: Service, account: str, task: str) -> None:
    ledger = service.command("credit", "ledger", "--account", account, "--json")
    kinds = [entry["kind"] for entry in ledger["entries"] if entry["task"] == task]
    assert kinds == ["hold", "release"]
    assert (ledger["sum"], ledger["sound"]) == (0, True)


def test_records_are_json(tmp_path: Path, recording: str, test_engines: dict[str, str]) -> None:
    with Service(tmp_path, environment=test_engines) as service:
        _, key = service.new_key(100)
        a_voice(service, key, recording)
        refused = {"fileUrl": recording + "-missing", "contentText": "Hello."}
        task = service.post(CLONES, refused, key)[1]["data"]["id"]
        assert finish(service, task, key)["errorCode"] == "source_unreachable"
    for table, columns in (
        ("workflow_status", ("inputs", "output", "error")),
        ("workflow_input", ("inputs",)),
        ("workflow_output", ("output", "error")),
        ("operation_outputs", ("output", "error")),
    ):
        for column in columns:
            for (record,) in execute(tmp_path, f"SELECT {column} FROM {table}"):
                if record is not None:
                    assert json.loads(record).keys() <= {"value", "error"}
    (error,) = execute(tmp_path, "SELECT error FROM operation_outputs WHERE error IS NOT NULL")
    assert json.loads(error[0])["error"]["word"] == "source_unreachable"


def plant_arguments(folder: Path, planted: str) -> None:
    execute(folder, "UPDATE workflow_input SET inputs = ?", planted)
    execute(folder, "UPDATE workflow_status SET inputs = ?, serialization = 'py_pickle'", planted)


def plant_results(folder: Path, planted: str) -> None:
    execute(
        folder,
        "UPDATE operation_outputs SET output = ?, serialization = 'py_pickle'",
        planted,
    )


def plant_errors(folder: Path, planted: str) -> None:
    execute(
        folder,
        "UPDATE operation_outputs SET output = NULL, error = ?, serialization = 'py_pickle'",
        planted,
    )


@pytest.mark.timeout(300)
@pytest.mark.parametrize("plant", [plant_arguments, plant_results, plant_errors])
def test_a_planted_pickle_is_not_run(
    tmp_path: Path,
    recording: str,
    test_engines: dict[str, str],
    plant: Callable[[Path, str], None],
) -> None:
    """Somebody who can write to the database cannot run code in a worker that way."""
    environment = test_engines | {
        "SOUNDCLONE_TEST_SECONDS": "0.3",
        "SOUNDCLONE_SWEEP_INTERVAL": "0.5",
    }
    marker = tmp_path / "run"
    with Service(tmp_path, "--no-worker", environment=environment) as service:
        account, key = service.new_key(100)
        worker = service.worker()
        service.wait_for("/readyz")
        voice = a_voice(service, key, recording)
        body = {"modelId": voice, "contentText": text(30)}
        task = service.post(AUDIOS, body, key)[1]["data"]["id"]
        wait_for_calls(environment, 4)
        service.kill(worker)
        plant(tmp_path, pickled(marker))
        age(tmp_path)
        service.worker()
        data = finish(service, task, key)
        assert (data["status"], data["errorCode"]) == ("failed", "internal_error")
        assert not marker.exists()
        assert_refunded(service, account, task)


@pytest.mark.timeout(300)
def test_a_task_of_an_older_version_is_refunded(
    tmp_path: Path, recording: str, test_engines: dict[str, str]
) -> None:
    """At an upgrade that changes the records, tasks that wait end, and others are done."""
    environment = test_engines | {"SOUNDCLONE_SWEEP_INTERVAL": "0.5"}
    with Service(tmp_path, "--no-worker", environment=environment) as service:
        account, key = service.new_key(100)
        worker = service.worker()
        service.wait_for("/readyz")
        service.kill(worker)
        body = {"fileUrl": recording, "contentText": "Hello."}
        old = service.post(CLONES, body, key)[1]["data"]["id"]
        execute(tmp_path, "UPDATE workflow_status SET application_version = '2'")
        age(tmp_path)
        new = service.post(CLONES, body | {"contentText": "Hello again."}, key)[1]["data"]
        service.worker()
        data = finish(service, old, key)
        assert (data["status"], data["errorCode"]) == ("failed", "internal_error")
        assert "upgraded" in data["error"]
        assert_refunded(service, account, old)
        assert finish(service, new["id"], key)["status"] == "completed"
        assert_charged_once(service, account, new["id"], new["cost"])


@pytest.mark.timeout(240)
def test_a_clean_stop_loses_no_worker(tmp_path: Path, test_engines: dict[str, str]) -> None:
    with Service(tmp_path, environment=test_engines) as service:
        service.terminate()
        service.start()
        deadline = time.monotonic() + 60
        # The row of the stopped worker is gone when the new one has looked.
        while len(execute(tmp_path, "SELECT id FROM workers")) > 1:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert service.get("/readyz")[0] == 200
        assert "worker lost" not in service.log.read_text()
        assert service.get(f"{API}/nothing")[0] != 0
