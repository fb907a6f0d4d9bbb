"""A render on a real service: kill -9 loses nothing, and the file is made once more as a whole."""

from __future__ import annotations

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from soundclone.audio import encode
from tests.service import API, Service, finish

from .test_durability import a_voice, assert_charged_once

pytestmark = pytest.mark.slow

PAUSES, SECONDS = 6, 99.0  # long enough to be interrupted


def read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as response:
        data: bytes = response.read()
    return data


def ready_project(service: Service, key: str, recording: str) -> str:
    """Path of a project with two takes and long pauses between them."""
    voice = a_voice(service, key, recording)
    made = service.post(f"{API}/projects", {"name": "Book", "modelId": voice}, key)[1]["data"]
    path = f"{API}/projects/{made['id']}"
    blocks = [
        {"kind": "chapter", "text": "Loomings."},
        *[{"kind": "pause", "seconds": SECONDS}] * PAUSES,
        {"text": "Call me Ishmael."},
    ]
    assert service.post(f"{path}/blocks", {"blocks": blocks}, key)[0] == 200
    takes = service.post(f"{path}/takes", {}, key)[1]["data"]["list"]
    assert len(takes) == 2
    for take in takes:
        assert finish(service, take["taskId"], key)["status"] == "completed"
    return path


def rendered(service: Service, path: str, key: str, render: str) -> dict[str, Any]:
    finish(service, render, key)
    data: dict[str, Any] = service.get(f"{path}/renders/{render}", key)[1]["data"]
    assert data["status"] == "completed", data
    return data


@pytest.mark.timeout(900)
def test_another_worker_finishes_a_render(
    tmp_path: Path, recording: str, test_engines: dict[str, str]
) -> None:
    with Service(tmp_path, "--no-worker", environment=test_engines) as service:
        account, key = service.new_key(100)
        worker = service.worker()
        service.wait_for("/readyz")
        path = ready_project(service, key, recording)
        available = service.get(f"{API}/user/balance", key)[1]["data"]["available"]
        body = {"format": "flac", "sampleRate": 44100}
        submitted = service.post(f"{path}/renders", body, key)[1]["data"]["id"]
        deadline = time.monotonic() + 300
        while (task := service.get(f"{API}/audios/{submitted}", key)[1]["data"])[
            "status"
        ] == "queued":
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert task["status"] == "processing"
        service.kill(worker)
        service.worker()
        first = rendered(service, path, key, submitted)
        again = service.post(f"{path}/renders", body, key)[1]["data"]["id"]
        second = rendered(service, path, key, again)
        assert first["seconds"] == second["seconds"] > PAUSES * SECONDS
        heard = [encode.read_flac(read(each["audioUrl"])) for each in (first, second)]
        assert heard[0][1] == heard[1][1] == 44_100
        assert np.array_equal(heard[0][0], heard[1][0])
        assert len(heard[0][0]) / 44_100 == pytest.approx(first["seconds"], abs=0.001)
        for field in ("subtitleFile", "subtitleJson", "timelineUrl"):
            assert read(first[field]) == read(second[field])
        cues = json.loads(read(first["subtitleJson"]))
        assert (cues[0]["text"], cues[-1]["text"]) == ("Loomings.", "Call me Ishmael.")
        assert cues[-1]["start"] - cues[0]["end"] == pytest.approx(1000 * PAUSES * SECONDS, abs=2)
        assert service.get(f"{API}/user/balance", key)[1]["data"]["available"] == available
        assert_charged_once(service, account, submitted, 0)
