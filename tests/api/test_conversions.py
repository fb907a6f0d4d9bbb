"""Requests for voice conversions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import numpy as np
import pytest

from soundclone.audio.decode import decode
from soundclone.core import tasks
from soundclone.core.requests import TaskResult
from tests import rows

from .conftest import Api, serve
from .pretended import AUDIO, PretendedWorker

API = "/api/open-api/v1"
CONVERSIONS = f"{API}/soundCloning/voice-conversions"
SOURCE = "https://example.com/performance.mp3"


def voice(api: Api, account: str, **columns: object) -> str:
    made = rows.voice(account, id=f"model_{time.time_ns():032x}", **columns)
    with api.database.transaction() as session:
        session.add(made)
        return made.id


def test_a_conversion_holds_the_price_of_its_limit_and_costs_its_seconds(api: Api) -> None:
    account = api.new_account(1)
    model = voice(api, account.id)
    body = {"modelId": model, "fileUrl": SOURCE, "maxSeconds": 100}
    status, answer = api.post(CONVERSIONS, body, account.key)
    assert (status, answer["code"]) == (200, 20000)
    task = answer["data"]
    assert (task["model"], task["status"]) == ("soundCloningConversion", "queued")
    assert task["cost"] == pytest.approx(0.31)  # 100 s and the fee
    balance = api.get(f"{API}/user/balance", account.key)[1]["data"]
    assert balance["available"] == pytest.approx(0.69)
    listed = api.get(f"{API}/audios?kind=conversion", account.key)[1]["data"]["list"]
    assert [each["id"] for each in listed] == [task["id"]]
    with api.database.transaction() as session:
        tasks.start(session, task["id"])
        result = TaskResult("results/x/speech.mp3", 10.0, "builtin")
        assert tasks.complete(session, task["id"], result, keep=60, voice=None, cost=40_000)
    done = api.get(f"{API}/audios/{task['id']}", account.key)[1]["data"]
    assert (done["status"], done["cost"], done["seconds"]) == ("completed", 0.04, 10.0)
    balance = api.get(f"{API}/user/balance", account.key)[1]["data"]
    assert balance["available"] == pytest.approx(0.96)


def test_a_cancelled_conversion_costs_nothing(api: Api) -> None:
    account = api.new_account(1)
    body = {"modelId": voice(api, account.id), "fileUrl": SOURCE}
    task = api.post(CONVERSIONS, body, account.key)[1]["data"]
    assert task["cost"] == pytest.approx(0.91)  # 300 s and the fee
    status, answer = api.request("DELETE", f"{API}/audios/{task['id']}", key=account.key)
    assert (status, answer["data"]["status"], answer["data"]["cost"]) == (200, "failed", 0)
    assert api.get(f"{API}/user/balance", account.key)[1]["data"]["available"] == 1


def test_an_idempotency_key_makes_one_task(api: Api) -> None:
    account = api.new_account(2)
    body = {"modelId": voice(api, account.id), "fileUrl": SOURCE}
    first, again = (
        api.post(CONVERSIONS, body, account.key, headers=[("Idempotency-Key", "k")])[1]["data"][
            "id"
        ]
        for _ in range(2)
    )
    assert first == again


def test_wrong_requests_are_refused(api: Api) -> None:
    account = api.new_account(1)
    model = voice(api, account.id)
    other = voice(api, api.new_account(1).id)
    neural = voice(api, account.id, engine="pocket")
    right = {"modelId": model, "fileUrl": SOURCE}
    for wrong, status, said in (
        ({"modelId": "model_x"}, 404, "there is no voice"),
        ({"modelId": other}, 404, "there is no voice"),
        ({"modelId": neural}, 503, "'pocket', which no worker has now"),
        ({"fileUrl": "ftp://example.com/a.mp3"}, 422, "fileUrl"),
        ({"maxSeconds": 601}, 422, "maxSeconds is 601; it must be"),
        ({"format": "ogg", "sampleRate": 44100}, 422, "for ogg it must be one of"),
    ):
        got, answer = api.post(CONVERSIONS, {**right, **wrong}, account.key)
        assert (got, said in answer["msg"]) == (status, True), answer
    status, answer = api.post(CONVERSIONS, {"modelId": model}, account.key)
    assert (status, answer["data"]["errorCode"]) == (422, "invalid_parameter")
    poor = api.new_account(0.5)
    body = {"modelId": voice(api, poor.id), "fileUrl": SOURCE}
    status, answer = api.post(CONVERSIONS, body, poor.key)
    assert (status, answer["data"]["errorCode"]) == (402, "insufficient_balance")


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, PretendedWorker]]:
    """An API, and a pretended worker that completes its tasks."""
    for served in serve(tmp_path_factory.mktemp("conversions")):
        worker = PretendedWorker(served)
        worker.start()
        yield served, worker
        worker.stopping.set()
        worker.join()


@pytest.mark.parametrize("path", ["speech-to-speech", "voice-changer"])
@pytest.mark.parametrize("stream", ["", "/stream"])
def test_elevenlabs(worked: tuple[Api, PretendedWorker], path: str, stream: str) -> None:
    api, worker = worked
    account = api.new_account(2)
    model = voice(api, account.id)
    files = {"audio": ("a.mp3", b"ID3 performed", "audio/mpeg")}
    response = api.send(
        "POST", f"/v1/{path}/{model}{stream}", headers=[("xi-api-key", account.key)], files=files
    )
    assert (response.status_code, response.content) == (200, AUDIO)
    assert response.headers["X-Soundclone-Task"].startswith("audio_")
    [*_, heard] = worker.performed
    assert heard == b"ID3 performed"
    wrong = api.send(
        "POST",
        f"/v1/{path}/{model}{stream}",
        headers=[("xi-api-key", account.key)],
        files=files,
        data={"file_format": "pcm_s16le_8"},
    )
    assert wrong.status_code == 422
    assert "file_format is 'pcm_s16le_8'; it must be" in wrong.text


def test_elevenlabs_with_raw_samples(worked: tuple[Api, PretendedWorker], tmp_path: Path) -> None:
    api, worker = worked
    account = api.new_account(2)
    path = f"/v1/speech-to-speech/{voice(api, account.id)}"
    samples = (8000 * np.sin(np.arange(16_000) / 10)).astype("<i2")

    def convert(audio: bytes) -> httpx2.Response:
        return api.send(
            "POST",
            path,
            headers=[("xi-api-key", account.key)],
            files={"audio": ("blob", audio, "application/octet-stream")},
            data={"file_format": "pcm_s16le_16"},
        )

    for odd in (b"", b"x"):
        assert convert(samples.tobytes() + odd).status_code == 200
        (tmp_path / "heard.wav").write_bytes(worker.performed[-1])
        decoded = decode(tmp_path / "heard.wav")
        assert decoded.sample_rate == 16_000
        np.testing.assert_allclose(decoded.samples, samples / 32_768, atol=1e-3)
    held = len(worker.performed)
    for wrong, sentence in (
        (b"", "audio is empty"),
        (bytes(301 * 32_000), "audio has 301.0 s of samples; at most 300 s are taken"),
    ):
        refused = convert(wrong)
        assert (refused.status_code, sentence in refused.text) == (422, True), refused.text
    assert len(worker.performed) == held
