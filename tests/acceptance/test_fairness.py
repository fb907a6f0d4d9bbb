"""One account cannot keep a worker from the others, and a cancelled task keeps nothing."""

from __future__ import annotations

import http.server
import threading
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.service import API, Service, finish, wait_until

from .test_durability import AUDIOS, CLONES, TEXT, a_voice, calls, wait_for_calls

pytestmark = pytest.mark.slow

_BLOCK = 4096


class Drip(http.server.ThreadingHTTPServer):
    """Answers every request with a file that arrives slowly and never ends."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Drip)
        self.open: set[int] = set()
        self.seen = 0
        self.over = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/recording.mp3"


class _Drip(http.server.BaseHTTPRequestHandler):
    server: Drip

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "audio/mpeg")
        self.end_headers()
        name = id(self)
        self.server.seen += 1
        self.server.open.add(name)
        try:
            while not self.server.over.wait(0.2):
                self.wfile.write(bytes(_BLOCK))
                self.wfile.flush()
        except OSError:
            pass
        finally:
            self.server.open.discard(name)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def drip() -> Iterator[Drip]:
    with Drip() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


def submit(service: Service, path: str, body: dict[str, Any], key: str) -> str:
    answer = service.post(path, body, key)[1]
    assert answer["code"] == 20000, answer
    return str(answer["data"]["id"])


def going(service: Service, tasks: list[str], key: str) -> list[str]:
    """Tasks that have not ended."""
    found = [service.get(f"{API}/audios/{task}", key)[1]["data"] for task in tasks]
    return [data["id"] for data in found if data["status"] not in ("completed", "failed")]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
def test_slow_sources_hold_up_nobody(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    recording: str,
    test_engines: dict[str, str],
    drip: Drip,
    backend: str,
) -> None:
    environment = test_engines | {"SOUNDCLONE_FETCH_TIMEOUT": "600"}
    if backend == "postgres":
        environment["SOUNDCLONE_DATABASE_URL"] = str(request.getfixturevalue("postgres_database"))
    with Service(tmp_path, environment=environment) as service:
        _, stranger = service.new_key(100)
        _, key = service.new_key(100)
        voice = a_voice(service, key, recording)
        stalled = [
            submit(service, CLONES, {"fileUrl": drip.url, "contentText": f"Text {n}."}, stranger)
            for n in range(10)
        ]
        wait_until(lambda: drip.seen >= 2)
        task = submit(service, AUDIOS, {"modelId": voice, "contentText": "At once."}, key)
        assert finish(service, task, key)["status"] == "completed"
        a_voice(service, key, recording)
        assert going(service, stalled, stranger) == stalled
        assert drip.seen <= 4, "more downloads of one account at once than its share"


@pytest.mark.timeout(300)
def test_a_cancelled_download_ends(
    tmp_path: Path, recording: str, test_engines: dict[str, str], drip: Drip
) -> None:
    environment = test_engines | {
        "SOUNDCLONE_FETCH_TIMEOUT": "600",
        "SOUNDCLONE_WORKER_FETCHES": "1",
    }
    with Service(tmp_path, environment=environment) as service:
        _, key = service.new_key(100)
        task = submit(service, CLONES, {"fileUrl": drip.url, "contentText": "Hello."}, key)
        wait_until(lambda: drip.open)
        assert service.request("DELETE", f"{API}/audios/{task}", key=key)[0] == 200
        wait_until(lambda: not drip.open)
        a_voice(service, key, recording)  # in the place that is free again
        scratch = tmp_path / "data" / "files" / "work"
        wait_until(lambda: not scratch.exists() or not list(scratch.iterdir()))


@pytest.mark.timeout(300)
def test_a_stop_does_not_wait_for_a_download(
    tmp_path: Path, test_engines: dict[str, str], drip: Drip
) -> None:
    """Another worker begins it again."""
    environment = test_engines | {
        "SOUNDCLONE_FETCH_TIMEOUT": "600",
        "SOUNDCLONE_STOP_GRACE": "600",
    }
    with Service(tmp_path, environment=environment) as service:
        _, key = service.new_key(100)
        task = submit(service, CLONES, {"fileUrl": drip.url, "contentText": "Hello."}, key)
        wait_until(lambda: drip.open)
        service.terminate()
        wait_until(lambda: not drip.open)
        service.start()
        wait_until(lambda: drip.seen == 2)
        assert going(service, [task], key)
        assert service.request("DELETE", f"{API}/audios/{task}", key=key)[0] == 200
        assert "worker lost" not in service.log.read_text()


@pytest.mark.timeout(300)
def test_a_task_that_waits_for_its_turn_can_be_cancelled(
    tmp_path: Path, recording: str, test_engines: dict[str, str], drip: Drip
) -> None:
    environment = test_engines | {
        "SOUNDCLONE_FETCH_TIMEOUT": "600",
        "SOUNDCLONE_WORKER_FETCHES": "1",
        "SOUNDCLONE_WORKER_TASKS": "2",
        "SOUNDCLONE_WORKER_TASKS_PER_ACCOUNT": "2",
    }
    with Service(tmp_path, environment=environment) as service:
        _, key = service.new_key(100)
        voice = a_voice(service, key, recording)
        body = {"fileUrl": drip.url, "contentText": "Hello."}
        first = submit(service, CLONES, body, key)
        wait_until(lambda: drip.open)
        second = submit(service, CLONES, body | {"contentText": "Hello again."}, key)
        wait_until(lambda: len(going(service, [first, second], key)) == 2)
        third = submit(service, AUDIOS, {"modelId": voice, "contentText": "And then?"}, key)
        time.sleep(1)
        assert going(service, [third], key), "the account has its share of the worker already"
        assert service.request("DELETE", f"{API}/audios/{second}", key=key)[0] == 200
        assert finish(service, third, key)["status"] == "completed"
        assert going(service, [first], key)


@pytest.mark.timeout(300)
def test_a_listener_does_not_wait_for_other_tasks_of_the_account(
    tmp_path: Path, recording: str, test_engines: dict[str, str], drip: Drip
) -> None:
    environment = test_engines | {
        "SOUNDCLONE_FETCH_TIMEOUT": "600",
        "SOUNDCLONE_WORKER_TASKS": "2",
        "SOUNDCLONE_WORKER_TASKS_PER_ACCOUNT": "2",
    }
    with Service(tmp_path, environment=environment) as service:
        _, key = service.new_key(100)
        voice = a_voice(service, key, recording)
        body = {"fileUrl": drip.url, "contentText": "Hello."}
        stalled = [submit(service, CLONES, body, key)]
        stalled += [submit(service, CLONES, body | {"contentText": f"{n}."}, key) for n in (2, 3)]
        wait_until(lambda: len(drip.open) == 2)
        speech = {"model": "soundclone-v1", "voice": voice, "input": "At once."}
        status, audio = service.post("/v1/audio/speech", speech, key)
        assert status == 200, audio
        assert going(service, stalled, key) == stalled


@pytest.mark.timeout(300)
def test_a_long_text_holds_up_nobody(
    tmp_path: Path, recording: str, test_engines: dict[str, str]
) -> None:
    """Also when one step is computed at a time."""
    environment = test_engines | {
        "SOUNDCLONE_TEST_SECONDS": "0.5",
        "SOUNDCLONE_WORKER_CONCURRENCY": "1",
    }
    with Service(tmp_path, environment=environment) as service:
        _, stranger = service.new_key(100)
        _, key = service.new_key(100)
        voices = {each: a_voice(service, each, recording) for each in (stranger, key)}
        said = len(calls(environment))
        body = {"modelId": voices[stranger], "contentText": TEXT}
        long = [submit(service, AUDIOS, body, stranger) for _ in range(4)]
        wait_for_calls(environment, said + 2)
        task = submit(service, AUDIOS, {"modelId": voices[key], "contentText": "At once."}, key)
        assert finish(service, task, key)["status"] == "completed"
        assert going(service, long, stranger) == long


@pytest.mark.timeout(400)
def test_a_long_recording_holds_up_nobody(
    sources: tuple[Path, str], tmp_path: Path, recording: str, test_engines: dict[str, str]
) -> None:
    folder, url = sources
    tone = np.sin(2 * np.pi * 220 * np.arange(890 * 8000) / 8000)
    with wave.open(str(folder / "tone.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes((tone * 9000).astype("<i2").tobytes())
    environment = test_engines | {"SOUNDCLONE_WORKER_CONCURRENCY": "1"}
    with Service(tmp_path, environment=environment) as service:
        _, stranger = service.new_key(100)
        _, key = service.new_key(100)
        voice = a_voice(service, key, recording)
        long = [
            submit(
                service,
                CLONES,
                {"fileUrl": f"{url}/tone.wav", "contentText": f"Text {n}."},
                stranger,
            )
            for n in range(5)
        ]
        time.sleep(3)
        task = submit(service, AUDIOS, {"modelId": voice, "contentText": "At once."}, key)
        assert finish(service, task, key)["status"] == "completed"
        assert going(service, long, stranger)
        data = finish(service, long[0], stranger, timeout=180)
        assert data["errorCode"] == "no_speech"
        assert "first 300 s" in data["error"]
