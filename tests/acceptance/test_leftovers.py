"""kill -9 leaves no recording, no part of one and no temporary file in any folder."""

from __future__ import annotations

import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.service import API, Service, finish

pytestmark = pytest.mark.slow

CLONES, AUDIOS, UPLOAD = (
    f"{API}/{path}" for path in ("soundCloning/clones", "soundCloning/audios", "files/upload")
)
RECORDING = Path(__file__).parents[2] / "examples" / "recording.mp3"
TEXT = " ".join(f"Sentence {n} goes on and on and on to its very end." for n in range(15))


def upload(service: Service, key: str, content: bytes) -> str | None:
    """URL of an upload; None when the service was killed meanwhile."""
    boundary = b"----part"
    body = (
        b"--%s\r\nContent-Disposition: form-data; name=file; filename=a.mp3\r\n\r\n" % boundary
        + content
        + b"\r\n--%s--\r\n" % boundary
    )
    form = ("Content-Type", "multipart/form-data; boundary=" + boundary.decode())
    status, answer = service.request("POST", UPLOAD, body=body, key=key, headers=[form])
    return str(answer["data"]["url"]) if status == 200 and answer["code"] == 20000 else None


def submit(service: Service, path: str, body: dict[str, str], key: str) -> str | None:
    status, answer = service.post(path, body, key)
    return str(answer["data"]["id"]) if status == 200 and answer["code"] == 20000 else None


def left_over(service: Service, temporary: Path) -> list[str]:
    """Files that no living process needs, once the service has nothing to do."""
    data = service.folder / "data"
    found = [path for path in temporary.rglob("*") if path.is_file()]
    found += list((data / "files").rglob("*#*"))
    found += [p for name in ("work", "probe") for p in (data / "files" / name).rglob("*")]
    found += [p for p in (data / "scratch").rglob("*") if p.is_file() and p.suffix != ".lock"]
    abandoned = len(list((data / "scratch").glob("*.lock"))) - 2  # the API's and the worker's
    return [str(path.relative_to(service.folder)) for path in found] + ["abandoned"] * abandoned


def kill(service: Service, dice: random.Random, victim: str) -> None:
    """kill -9 a worker or all processes, at a random moment."""
    time.sleep(dice.uniform(0, 1.2))
    if victim == "worker":
        for process in service.children():
            os.kill(process, signal.SIGKILL)
    else:
        service.kill()
        service.start()


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kills", [2, 20])
def test_nothing_is_left_after_kills(
    tmp_path: Path, recording: str, test_engines: dict[str, str], kills: int
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = test_engines | {
        "TMPDIR": str(temporary),
        "SOUNDCLONE_SWEEP_INTERVAL": "1",
        "SOUNDCLONE_MAX_ATTEMPTS": "1000",
        "SOUNDCLONE_TEST_SECONDS": "0.05",
    }
    dice = random.Random(7)
    large = RECORDING.read_bytes() + bytes(30_000_000)
    with Service(tmp_path, environment=environment) as service, ThreadPoolExecutor(3) as threads:
        _, key = service.new_key(1000)
        preview = {"fileUrl": recording, "contentText": "Hello."}
        task = submit(service, CLONES, preview, key)
        assert task
        voice = finish(service, task, key)["modelId"]
        tasks = []
        for number in range(kills):
            sent = threads.submit(upload, service, key, large)
            uploaded = upload(service, key, RECORDING.read_bytes())
            if number % 3 != 1:
                source = preview | {"fileUrl": uploaded or recording}
                tasks.append(submit(service, CLONES, source, key))
            if number % 3 != 2:
                tasks.append(submit(service, AUDIOS, {"modelId": voice, "contentText": TEXT}, key))
            kill(service, dice, "worker" if number % 2 else "all")
            sent.result()
            service.wait_for("/readyz", 120)
        for task in filter(None, tasks):
            assert finish(service, task, key, timeout=600)["status"] == "completed"
        for pattern in ("*#*", "probe/*"):
            for path in (tmp_path / "data" / "files").rglob(pattern):
                os.utime(path, (0, 0))  # as after the minutes that a slow writer is given
        deadline = time.monotonic() + 60
        while left := left_over(service, temporary):
            assert time.monotonic() < deadline, left
            time.sleep(0.2)
    assert list((tmp_path / "data" / "scratch").iterdir()) == []
