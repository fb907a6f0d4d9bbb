"""kill -9 at the worst moments: no task is lost, no money, and little work is done twice."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select, update
from websockets.sync.client import connect

from soundclone.core import ledger, listeners, tasks
from soundclone.core.ledger import Balance
from soundclone.core.tasks import Order
from soundclone.db.models import Key, Task
from soundclone.db.session import Database
from tests import rows
from tests.acceptance.conftest import ENGINES
from tests.service import API, Service, finish, wait_until

pytestmark = pytest.mark.slow

CLONES, AUDIOS = f"{API}/soundCloning/clones", f"{API}/soundCloning/audios"


def text(sentences: int) -> str:
    """Sentences that make a chunk each."""
    said = "goes on and on " * 12 + "to its end."
    return " ".join(f"Sentence number {n} {said}" for n in range(sentences))


TEXT = text(40)


def calls(environment: dict[str, str]) -> list[str]:
    path = Path(environment["SOUNDCLONE_TEST_CALLS"])
    return path.read_text().splitlines() if path.exists() else []


def wait_for_calls(environment: dict[str, str], count: int, timeout: float = 300) -> None:
    deadline = time.monotonic() + timeout
    while len(calls(environment)) < count:
        assert time.monotonic() < deadline, calls(environment)
        time.sleep(0.05)


def a_voice(service: Service, key: str, recording: str) -> str:
    task = service.post(CLONES, {"fileUrl": recording, "contentText": "Hello."}, key)[1]
    data = finish(service, task["data"]["id"], key)
    assert data["status"] == "completed", data
    return str(data["modelId"])


def assert_charged_once(service: Service, account: str, task: str, cost: float) -> None:
    ledger = service.command("credit", "ledger", "--account", account, "--json")
    lines = [entry for entry in ledger["entries"] if entry["task"] == task]
    assert [(line["kind"], line["amount"]) for line in lines] == [("hold", cost), ("capture", cost)]
    assert (ledger["sum"], ledger["sound"]) == (0, True)


def postgres(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("postgres_database"))


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
def test_another_worker_finishes(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    recording: str,
    test_engines: dict[str, str],
    backend: str,
) -> None:
    """kill -9 a worker in the middle of a text: another one goes on where it was."""
    environment = test_engines | {"SOUNDCLONE_TEST_SECONDS": "0.15"}
    if backend == "postgres":
        environment["SOUNDCLONE_DATABASE_URL"] = postgres(request)
    with Service(tmp_path, "--no-worker", environment=environment) as service:
        account, key = service.new_key(100)
        first = service.worker()
        service.wait_for("/readyz")
        voice = a_voice(service, key, recording)
        said = len(calls(environment))
        body = {"modelId": voice, "contentText": TEXT}
        submitted = service.post(AUDIOS, body, key)[1]["data"]
        service.worker()
        wait_for_calls(environment, said + 10)
        victim = int(calls(environment)[-1].split()[0])
        if victim == first.pid:
            service.kill(first)
        else:
            service.kill(*[each for each in service._processes if each.pid == victim])
        data = finish(service, submitted["id"], key, timeout=600)
        assert data["status"] == "completed", data
        lines = calls(environment)[said:]
        counts = Counter(s.split(" ", 1)[1] for s in lines)
        repeated = [text for text, n in counts.items() if n > 1]
        assert max(counts.values()) <= 2, counts
        # Two chunks are spoken side by side, and one may wait for the record of an earlier one.
        assert len(repeated) <= 3, repeated
        assert len({line.split()[0] for line in lines}) == 2
        assert len(lines) - len(repeated) == 40
        assert_charged_once(service, account, submitted["id"], submitted["cost"])


@pytest.mark.timeout(1500)
def test_everything_is_killed_and_started_again(
    tmp_path: Path, recording: str, test_engines: dict[str, str]
) -> None:
    environment = test_engines | {"SOUNDCLONE_TEST_SECONDS": "0.15"}
    with Service(tmp_path, environment=environment) as service:
        account, key = service.new_key(100)
        voice = a_voice(service, key, recording)
        said = len(calls(environment))
        submitted = [
            service.post(AUDIOS, {"modelId": voice, "contentText": TEXT}, key)[1]["data"]
            for _ in range(3)
        ]
        wait_for_calls(environment, said + 10)
        service.kill()
        assert service.get("/healthz")[0] == 0
        service.start()
        for task in submitted:
            data = finish(service, task["id"], key, timeout=600)
            assert data["status"] == "completed", data
            assert_charged_once(service, account, task["id"], task["cost"])
        # As in `test_another_worker_finishes`: two chunks are spoken, and one waits for a record.
        assert len(calls(environment)) - said <= 3 * 40 + 3
        balance = service.command("credit", "show", "--account", account, "--json")
        assert balance["held"] == 0


@pytest.mark.timeout(1500)
def test_a_task_that_kills_its_worker(
    tmp_path: Path, recording: str, test_engines: dict[str, str]
) -> None:
    """Three attempts, then it fails and is refunded; tasks beside it do not suffer."""
    environment = test_engines | {
        "SOUNDCLONE_ENGINE_V2": "deadly",
        "SOUNDCLONE_TEST_SECONDS": "0.1",
    }
    with Service(tmp_path, environment=environment) as service:
        account, key = service.new_key(100)
        voice = a_voice(service, key, recording)
        innocent = [
            service.post(AUDIOS, {"modelId": voice, "contentText": text(12)}, key)[1]["data"]["id"]
            for _ in range(3)
        ]
        body = {"fileUrl": recording, "contentText": "Die.", "soundVersion": "v2"}
        deadly = service.post(CLONES, body, key)[1]["data"]["id"]
        data = finish(service, deadly, key, timeout=600)
        assert (data["status"], data["errorCode"]) == ("failed", "worker_lost")
        assert "3 times" in data["error"]
        assert data["cost"] == 0
        for task in innocent:
            assert finish(service, task, key, timeout=600)["status"] == "completed"
        assert service.log.read_text().count('"worker ended"') == 3
        ledger = service.command("credit", "ledger", "--account", account, "--json")
        kinds = [entry["kind"] for entry in ledger["entries"] if entry["task"] == deadly]
        assert kinds == ["hold", "release"]
        assert (ledger["sum"], ledger["sound"], ledger["balance"]["held"]) == (0, True, 0)


@pytest.mark.timeout(1500)
def test_a_stop_on_purpose_costs_no_attempt(
    tmp_path: Path, recording: str, test_engines: dict[str, str]
) -> None:
    """SIGTERM four times in one task: more often than it could be killed."""
    environment = test_engines | {"SOUNDCLONE_TEST_SECONDS": "1", "SOUNDCLONE_STOP_GRACE": "0"}
    with Service(tmp_path, environment=environment) as service:
        account, key = service.new_key(100)
        voice = a_voice(service, key, recording)
        body = {"modelId": voice, "contentText": text(1) + " And a second one."}
        task = service.post(AUDIOS, body, key)[1]["data"]
        for _ in range(4):
            time.sleep(0.5)
            service.terminate()
            service.start()
        data = finish(service, task["id"], key, timeout=600)
        assert data["status"] == "completed", data
        assert_charged_once(service, account, task["id"], task["cost"])


@pytest.mark.timeout(1500)
def test_a_stop_takes_at_most_ten_seconds(
    tmp_path: Path, recording: str, test_engines: dict[str, str]
) -> None:
    """SIGTERM in the middle of a long task and of a stream, with the default grace."""
    environment = test_engines | {"SOUNDCLONE_TEST_SECONDS": "2"}
    with Service(tmp_path, environment=environment) as service:
        account, key = service.new_key(100)
        voice = a_voice(service, key, recording)
        done = len(calls(environment))
        body = {"modelId": voice, "contentText": text(8)}
        task = service.post(AUDIOS, body, key)[1]["data"]
        body = {"model": "tts-1", "voice": voice, "input": text(8), "response_format": "wav"}
        headers = {"Authorization": f"Bearer {key}"}
        with (
            httpx2.Client(timeout=60) as client,
            client.stream(
                "POST", f"{service.url}/v1/audio/speech", json=body, headers=headers
            ) as stream,
        ):
            blocks = stream.iter_bytes()
            next(blocks)
            wait_for_calls(environment, done + 4)
            begun = time.monotonic()
            os.kill(service.pid, signal.SIGTERM)
            with pytest.raises(httpx2.RemoteProtocolError):  # not mistaken for the whole
                list(blocks)
        service.terminate()
        assert time.monotonic() - begun < 10
        service.start()
        data = finish(service, task["id"], key, timeout=600)
        assert data["status"] == "completed", data
        assert_charged_once(service, account, task["id"], task["cost"])
        balance = service.command("credit", "show", "--account", account, "--json")
        assert balance["held"] == 0


def test_a_worker_stops_while_a_model_loads(tmp_path: Path, test_engines: dict[str, str]) -> None:
    environment = test_engines | {"SOUNDCLONE_TEST_WARM": "600", "SOUNDCLONE_STOP_GRACE": "0"}
    with Service(tmp_path, "--no-worker", environment=environment) as service:
        worker = service.worker()
        deadline = time.monotonic() + 300
        while "warming up" not in calls(environment):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        worker.terminate()
        assert worker.wait(10) == 0
        assert "did not stop in time" in service.log.read_text()


@pytest.mark.timeout(1500)
def test_what_was_answered_is_there_after_kill_9(
    tmp_path: Path, recording: str, test_engines: dict[str, str]
) -> None:
    """Also when workers came and went: none may take the database's log from under the API."""
    with Service(tmp_path, environment=test_engines) as service:
        _, key = service.new_key(100)
        for round, number in enumerate((signal.SIGKILL, signal.SIGTERM), 1):
            (worker,) = service.children()
            os.kill(worker, number)
            deadline = time.monotonic() + 3000
            while worker in service.children():
                assert time.monotonic() < deadline
                time.sleep(0.02)
            # The second one must have had the database open when it ends.
            while round == 1 and service.log.read_text().count('"worker ready"') < 2:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        submitted = [
            service.post(CLONES, {"fileUrl": recording, "contentText": "Hello."}, key)[1]["data"]
            for _ in range(3)
        ]
        descriptors = Path(f"/proc/{service.pid}/fd")
        if descriptors.is_dir():
            open_files = [str(each.readlink()) for each in descriptors.iterdir()]
            assert not [name for name in open_files if "soundclone.db" in name and "(del" in name]
        service.kill()
        service.start()
        for task in submitted:
            assert finish(service, task["id"], key)["status"] == "completed"


def test_a_task_that_nobody_does_is_ended(tmp_path: Path, test_engines: dict[str, str]) -> None:
    """Should its workflow ever be lost, its money is not held for hours."""
    environment = test_engines | {"SOUNDCLONE_SWEEP_INTERVAL": "0.5"}
    with Service(tmp_path, environment=environment) as service:
        account, key = service.new_key(1)
        database = Database(f"sqlite:///{tmp_path}/data/soundclone.db")
        with database.transaction() as session:
            (key_id,) = session.execute(select(Key.id).where(Key.account_id == account)).one()
            order = Order(account, key_id, rows.clone_request(), 1, 1000, "hash")
            task = tasks.submit(session, order, lambda *_: None, active_limit=9).id
            session.execute(update(Task).values(created_at=time.time() - 100))
        assert service.get(f"{API}/user/balance", key)[1]["data"]["available"] < 1
        data = finish(service, task, key)
        assert data["errorCode"] == "internal_error"
        assert service.get(f"{API}/user/balance", key)[1]["data"]["available"] == 1
        database.close()


def test_a_voice_outlives_its_engine_s_version(
    tmp_path: Path, recording: str, test_engines: dict[str, str]
) -> None:
    """A newer engine cannot read it, and makes it again from the recording."""
    with Service(tmp_path, environment=test_engines) as service:
        _, key = service.new_key(1)
        voice = a_voice(service, key, recording)
        service.terminate()
        service.environment["SOUNDCLONE_TEST_VERSION"] = "2.0+new"
        service.start()
        for _ in range(2):
            body = {"modelId": voice, "contentText": "Still here."}
            task = service.post(AUDIOS, body, key)[1]["data"]["id"]
            data = finish(service, task, key)
            assert data["status"] == "completed", data
        kept = {path.name for path in (tmp_path / "data" / "files" / "voices" / voice).iterdir()}
        voices = {"tone-1.voice", "tone-2.0-new.voice"}
        assert kept == {"reference", "recording.flac", "preview.mp3"} | voices


def test_an_engine_that_breaks(
    tmp_path: Path, recording: str, test_engines: dict[str, str]
) -> None:
    environment = test_engines | {"SOUNDCLONE_ENGINE_V2": "broken"}
    with Service(tmp_path, environment=environment) as service:
        _, key = service.new_key(1)
        for text, word in (("Boom.", "internal_error"), ("Say silence.", "synthesis_failed")):
            body = {"fileUrl": recording, "contentText": text, "soundVersion": "v2"}
            task = service.post(CLONES, body, key)[1]["data"]["id"]
            data = finish(service, task, key)
            assert (data["status"], data["errorCode"]) == ("failed", word), data
            assert "modelId" not in data
        assert "'Say silence.'" in data["error"]
        assert service.get(f"{API}/user/balance", key)[1]["data"]["available"] == 1
        assert service.get(f"{API}/voices", key)[1]["data"]["list"] == []


def test_an_engine_that_goes_wrong_now_and_then(
    tmp_path: Path, recording: str, test_engines: dict[str, str]
) -> None:
    environment = test_engines | {"SOUNDCLONE_ENGINE_V1": "fickle"}
    with Service(tmp_path, environment=environment) as service:
        _, key = service.new_key(1)
        body = {"fileUrl": recording, "contentText": "It goes wrong once."}
        preview = finish(service, service.post(CLONES, body, key)[1]["data"]["id"], key)
        assert preview["status"] == "completed", preview
        assert preview["seconds"] < 3
        seeds = Path(environment["SOUNDCLONE_TEST_CALLS"] + ".seeds").read_text().split()
        assert len(seeds) == len(set(seeds)) == 2
        left = service.get(f"{API}/user/balance", key)[1]["data"]["available"]
        body = {"modelId": preview["modelId"], "contentText": "This is well. This always fails."}
        failed = finish(service, service.post(AUDIOS, body, key)[1]["data"]["id"], key)
        assert (failed["status"], failed["errorCode"]) == ("failed", "synthesis_failed")
        assert "'This always fails.'" in failed["error"]
        assert "it lasts 60.0 s" in failed["error"]
        assert "always fails" not in service.log.read_text()
        assert service.get(f"{API}/user/balance", key)[1]["data"]["available"] == left


def test_cancel_stops_at_the_next_step(
    tmp_path: Path, recording: str, test_engines: dict[str, str]
) -> None:
    environment = test_engines | {"SOUNDCLONE_TEST_SECONDS": "0.3"}
    with Service(tmp_path, environment=environment) as service:
        _, key = service.new_key(10)
        voice = a_voice(service, key, recording)
        said = len(calls(environment))
        body = {"modelId": voice, "contentText": TEXT}
        task = service.post(AUDIOS, body, key)[1]["data"]["id"]
        wait_for_calls(environment, said + 2)
        status, body = service.request("DELETE", f"{API}/audios/{task}", key=key)
        assert (status, body["data"]["errorCode"]) == (200, "cancelled")
        before = -1
        while (stopped := len(calls(environment))) != before:
            before = stopped
            time.sleep(2)
        assert stopped < said + 40
        assert service.get(f"{API}/user/balance", key)[1]["data"]["used_coin"] == 0.006
        scratch = tmp_path / "data" / "files" / "work"
        wait_until(lambda: not scratch.exists() or not list(scratch.iterdir()))


def test_what_expires_is_removed(
    tmp_path: Path, recording: str, test_engines: dict[str, str]
) -> None:
    day = 86_400
    environment = test_engines | {
        "SOUNDCLONE_VOICE_DAYS": str(8 / day),
        "SOUNDCLONE_RESULT_DAYS": str(8 / day),
        "SOUNDCLONE_UPLOAD_DAYS": str(4 / day),
        "SOUNDCLONE_SWEEP_INTERVAL": "0.5",
    }
    with Service(tmp_path, environment=environment) as service:
        _, key = service.new_key(1)
        from soundclone_client import Client

        from .conftest import RECORDING

        with Client(service.url, key) as client:
            uploaded = client.upload(RECORDING)
            lost = client.clone(recording, text="Hello.")
            kept = client.clone(recording, text="Hello.")
            assert kept.model_id
            client.speak(kept.model_id, "Keep me.")
        files = tmp_path / "data" / "files"
        deadline = time.monotonic() + 300
        while any((files / folder / "x").parent.exists() for folder in ("results", "uploads")) or (
            (files / "voices" / str(lost.model_id)).exists()
        ):
            assert time.monotonic() < deadline, sorted(str(p) for p in files.rglob("*"))
            time.sleep(0.2)
        assert (files / "voices" / kept.model_id).is_dir()
        assert service.get(uploaded.url)[0] == 404
        answer = service.get(f"{API}/audios/{lost.id}", key)[1]
        assert (answer["code"], answer["data"]["errorCode"]) == (20002, "expired")
        body = {"modelId": lost.model_id, "contentText": "Too late."}
        answer = service.post(AUDIOS, body, key)[1]
        assert (answer["code"], answer["data"]["errorCode"]) == (20002, "expired")
        assert "expired on 20" in answer["msg"]
        body = {"modelId": kept.model_id, "contentText": "Still here."}
        assert service.post(AUDIOS, body, key)[1]["code"] == 20000


def test_clauses_that_are_spoken_when_the_api_is_killed_cost_nothing(
    tmp_path: Path, recording: str
) -> None:
    environment = {
        "PYTHONPATH": str(ENGINES),
        "SOUNDCLONE_ENGINE_V1": "tone",
        "SOUNDCLONE_SWEEP_INTERVAL": "0.5",
    }
    with Service(tmp_path, environment=environment) as service:
        account, key = service.new_key(10)
        start = {"type": "start", "voice": a_voice(service, key, recording), "format": "pcm"}
        database = Database(f"sqlite:///{tmp_path}/data/soundclone.db")

        def signs() -> dict[str, float]:
            with database.read() as session:
                return listeners.signs(session)

        def balance() -> Balance:
            with database.read() as session:
                return ledger.balance(session, account)

        before = balance().used
        url = service.url.replace("http", "ws") + "/v1/audio/speech/stream"
        headers = {"Authorization": f"Bearer {key}"}
        deadline = time.monotonic() + 300
        with connect(url, additional_headers=headers, proxy=None) as socket:
            socket.send(json.dumps(start | {"ahead": 1, "speed": 0.25}))
            said = "It goes on and on " * 20 + "to its end. The second one. The third one. "
            socket.send(json.dumps({"type": "text", "text": said}))
            while (message := json.loads(socket.recv(300)))["type"] != "clause_done":
                assert message["type"] != "error", message
            while len(signs()) < 2 or min(signs().values()) < 1:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            service.kill()
        paid = round(1e6 * message["credits"])
        assert balance().used - before == paid
        assert balance().held > 0
        abandoned = signs()
        service.start()
        wait_until(lambda: not balance().held)
        assert balance().used - before == paid
        with database.read() as session:
            assert ledger.audit(session).sound
            words = list(session.scalars(select(Task.error_word).where(Task.error_word != "")))
        assert words == ["cancelled", "cancelled"]
        results = tmp_path / "data" / "files" / "results"
        wait_until(lambda: not any((results / task).exists() for task in abandoned))
        database.close()
