"""Deletion of a voice, seen from outside: what answers, and what is on the disk."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from soundclone_client import Client, ParameterError, TaskFailed
from tests.acceptance.conftest import ENGINES, RECORDING
from tests.api.studio.visitors import sign_in
from tests.service import API, Service

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that does not sweep while the tests look."""
    folder = tmp_path_factory.mktemp("deletion")
    environment = {
        "PYTHONPATH": str(ENGINES),
        "SOUNDCLONE_ENGINE_V1": "tone",
        "SOUNDCLONE_SWEEP_INTERVAL": "3600",
    }
    with Service(folder, environment=environment) as running:
        yield running


@pytest.fixture(scope="module")
def key(service: Service) -> str:
    return service.new_key(1000)[1]


def kept(service: Service, *names: str) -> list[Path]:
    """Files whose key has one of the names in it."""
    files = service.folder / "data" / "files"
    found = [path for path in files.rglob("*") if path.is_file()]
    return [path for path in found if any(name in str(path) for name in names)]


def status(url: str) -> tuple[int, dict[str, Any]]:
    """Request a link without a key. Return the status and the body."""
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.status, {}
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def by_api(service: Service, key: str, voice: str) -> None:
    with Client(service.url, key) as client:
        client.delete_voice(voice)


def by_openai(service: Service, key: str, voice: str) -> None:
    code, body = service.request("DELETE", f"/v1/audio/voices/{voice}", key=key)
    assert (code, body["deleted"]) == (200, True)


def by_studio(service: Service, key: str, voice: str) -> None:
    with httpx2.Client(base_url=service.url, timeout=60) as client:
        token = sign_in(client, key)
        gone = client.delete(f"/studio/voices/{voice}", headers={"X-CSRF-Token": token})
        assert gone.status_code == 204, gone.text


@pytest.mark.parametrize("delete", [by_api, by_openai, by_studio])
def test_nothing_is_left_when_the_answer_comes(service: Service, key: str, delete: Any) -> None:
    with Client(service.url, key) as client:
        upload = client.upload(RECORDING)
        made = client.clone(upload.url, text="Hello.")
        assert made.model_id
        assert made.audio_url
        said = client.speak(made.model_id, "It stays.")
        assert said.audio_url
        name = upload.url.split("/files/uploads/")[1].split("/")[0]
        assert kept(service, name, made.model_id, made.id)
        delete(service, key, made.model_id)
        assert kept(service, name, made.model_id, made.id) == []
        for link in (upload.url, made.audio_url):
            code, body = status(link)
            assert (code, body["msg"]) == (404, "this file is no longer kept here")
        with pytest.raises(ParameterError, match="which was deleted on 20"):
            client.task(made.id)
        with pytest.raises(TaskFailed, match="no longer kept; upload it again"):
            client.clone(upload.url, text="Hello.")
        assert made.model_id not in [voice.model_id for voice in client.voices()]
        # The speech is the customer's, until it expires.
        assert status(said.audio_url)[0] == 200
        delete(service, key, made.model_id)


def test_many_deletions_at_once_all_succeed(service: Service, key: str) -> None:
    with Client(service.url, key) as client:
        upload = client.upload(RECORDING).url
        made = [client.clone(upload, text="Hello.").model_id for _ in range(3)]
        answers: list[int] = []

        def delete(voice: str | None) -> None:
            answers.append(service.request("DELETE", f"{API}/voices/{voice}", key=key)[0])

        threads = [threading.Thread(target=delete, args=(voice,)) for voice in made * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert answers == [200] * 12
        assert kept(service, *(str(voice) for voice in made)) == []
        assert status(upload)[0] == 404


def test_the_sweep_removes_what_a_store_that_is_away_keeps(tmp_path: Path) -> None:
    environment = {
        "PYTHONPATH": str(ENGINES),
        "SOUNDCLONE_ENGINE_V1": "tone",
        "SOUNDCLONE_SWEEP_INTERVAL": "1",
    }
    with Service(tmp_path, environment=environment) as service:
        _, key = service.new_key(100)
        with Client(service.url, key, retries=0) as client:
            upload = client.upload(RECORDING)
            made = client.clone(upload.url, text="Hello.")
            files, away = tmp_path / "data" / "files", tmp_path / "away"
            files.rename(away)
            files.write_text("no folder")
            code, body = service.request("DELETE", f"{API}/voices/{made.model_id}", key=key)
            assert (code, body["data"]["errorCode"]) == (503, "unavailable")
            assert "is deleted and can no longer be used" in body["msg"]
            with pytest.raises(ParameterError, match="was deleted on 20"):
                client.speak(str(made.model_id), "Still there?")
            files.unlink()
            away.rename(files)
        deadline = time.monotonic() + 120
        while left := kept(service, "/voices/", "/uploads/", "/results/"):
            assert time.monotonic() < deadline, left
            time.sleep(0.2)
