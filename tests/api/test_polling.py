"""The fast route of `polling` answers like the documented one."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import pytest
from starlette.testclient import TestClient

from soundclone.api import middleware
from soundclone.api.app import create_app
from soundclone.api.schemas import SoundCloneTaskData
from soundclone.api.task_signals import preferred_wait
from soundclone.core import keys
from soundclone.db.models import Task
from soundclone.db.signals import TASKS, Signals

from .conftest import Account, Api

API = "/api/open-api/v1"
DAY = 86_400.0
AUDIO = {
    "audio": "results/x/speech.mp3",
    "subtitles": "results/x/speech.srt",
    "subtitles_json": "results/x/speech.json",
    "seconds": 4.5,
    "engine": "builtin",
    "language": "English",
    "languages": ["English", "Chinese"],
}
CLONE = {
    "audio": "results/x/preview.mp3",
    "seconds": 2.5,
    "engine": "builtin",
    "language": "English",
    "speech_seconds": 20.5,
    "voice_expires_at": 2_000_000_000,
    "warnings": ["the recording is noisy"],
}


@pytest.fixture(scope="module")
def documented(api: Api) -> Iterator[TestClient]:
    """Serve the same application without its fast route."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(middleware, "PollingMiddleware", lambda app: app)
        with TestClient(create_app(api.settings), raise_server_exceptions=False) as client:
            yield client


def add(api: Api, account: Account, **columns: Any) -> str:
    """Add a task to the account; its id."""
    usual: dict[str, Any] = {
        "id": f"audio_{uuid.uuid4()}",
        "kind": "audio",
        "status": "queued",
        "voice_id": f"model_{uuid.uuid4().hex}",
        "params": {},
        "characters": 10,
        "cost": 20_000,
        "turn": 1,
        "request_hash": "",
        "result": {},
        "created_at": time.time(),
    }
    row = usual | columns
    with api.database.transaction() as session:
        session.add(Task(account_id=account.id, key_id=account.key_id, **row))
    return str(row["id"])


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"kind": "clone"},
        {"status": "processing", "progress": 40},
        {"status": "failed", "error": "the task was cancelled", "error_word": "cancelled"},
        {"status": "failed", "error": "no speech", "error_word": "no_speech", "kind": "clone"},
        {"status": "completed", "progress": 100, "result": AUDIO, "expires_at": "later"},
        {"status": "completed", "kind": "clone", "result": CLONE, "expires_at": "later"},
        {"status": "completed", "result": {}, "expires_at": "later"},
        {"status": "completed", "result": AUDIO, "expires_at": 1.0},
    ],
    ids=lambda columns: "-".join(map(str, (columns.get("kind"), columns.get("status")))),
)
def test_every_status(
    api: Api, account: Account, documented: TestClient, columns: dict[str, Any]
) -> None:
    if columns.get("expires_at") == "later":
        columns = columns | {"expires_at": time.time() + DAY}
    body = assert_alike(api, documented, add(api, account, **columns), account.key)
    if "id" in body["data"]:
        assert set(body["data"]) <= set(SoundCloneTaskData.model_fields)
        SoundCloneTaskData.model_validate(body["data"], strict=True)


@pytest.mark.parametrize("task", [f"audio_{uuid.UUID(int=7)}", "audio_x", "x" * 300, "%00", "é"])
def test_unknown_tasks(api: Api, account: Account, documented: TestClient, task: str) -> None:
    assert_alike(api, documented, task, account.key)


def test_a_task_of_another_account(api: Api, account: Account, documented: TestClient) -> None:
    task = add(api, account)
    body = assert_alike(api, documented, task, api.new_account().key)
    assert body["data"]["errorCode"] == "not_found"


@pytest.mark.parametrize(
    "given", [None, "", "sk_wrong", pytest.param(keys.generate(), id="unknown")]
)
def test_wrong_keys(api: Api, account: Account, documented: TestClient, given: str | None) -> None:
    body = assert_alike(api, documented, add(api, account), given)
    assert body["data"]["errorCode"] == "unauthenticated"


def assert_alike(api: Api, documented: TestClient, task: str, key: str | None) -> Any:
    """Both routes give the same answer to a poll; its body."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    fast = api.client.get(f"{API}/audios/{task}", headers=headers)
    slow = documented.get(f"{API}/audios/{task}", headers=headers)
    assert (fast.status_code, fast.json()) == (slow.status_code, slow.json())
    for name in ("Content-Type", "WWW-Authenticate"):
        assert fast.headers.get(name) == slow.headers.get(name)
    return fast.json()


def test_a_poll_reads_the_database_once(
    api: Api, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object, **__: object) -> None:
        raise AssertionError("a second read")

    task = add(api, account)
    monkeypatch.setattr(api.app.state.soundclone.database, "read_async", never)
    assert api.get(f"{API}/audios/{task}", account.key)[1]["data"]["id"] == task


@pytest.mark.parametrize("prefer", ["wait=5", "respond-async, wait=60; strict"])
@pytest.mark.parametrize("fast", [True, False])
def test_a_poll_is_held_until_the_task_ends(
    api: Api, account: Account, documented: TestClient, prefer: str, fast: bool
) -> None:
    task = add(api, account, status="processing", progress=40)
    signals = Signals(api.database, TASKS)
    headers = {"Authorization": f"Bearer {account.key}", "Prefer": prefer}
    # The applications listen for signals while they run.
    running = TestClient(create_app(api.settings)) if fast else nullcontext(documented)
    with running as client, ThreadPoolExecutor(1) as pool:
        held = pool.submit(client.get, f"{API}/audios/{task}", headers=headers)
        signals.send(task)  # a new part: the task has not ended
        time.sleep(0.3)
        assert not held.done()
        with api.database.transaction() as session:
            row = session.get(Task, task)
            assert row is not None
            row.status = "failed"
        ended = time.monotonic()
        while not held.done() and time.monotonic() < ended + 3:
            signals.send(task)
            time.sleep(0.01)
        assert held.done(), "the poll did not end with the task"
        assert held.result().json()["data"]["status"] == "failed"


def test_a_poll_is_held_for_the_time_that_it_names(
    api: Api, account: Account, documented: TestClient
) -> None:
    task = add(api, account)
    for client in (api.client, documented):
        for prefer, least in (("wait=1", 0.95), ("wait=0", 0.0), ("wait=x", 0.0)):
            headers = {"Authorization": f"Bearer {account.key}", "Prefer": prefer}
            begun = time.monotonic()
            answer = client.get(f"{API}/audios/{task}", headers=headers)
            assert answer.json()["data"]["status"] == "queued"
            assert least <= time.monotonic() - begun


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], 0),
        (["wait=3"], 3),
        (["respond-async", "Wait = 2 ; foo"], 2),
        (["return=minimal,wait=99"], 5),
        (["wait=-1", "wait=", "wait=1.5", "waits=1", "wait=" + "9" * 5000], 0),
        (["wait=٣"], 0),
    ],
)
def test_the_wait_that_a_client_prefers(headers: list[str], seconds: float) -> None:
    assert preferred_wait(headers) == seconds
