"""Limits of the files of an account, and the free space that the service needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openai
import pytest

from tests.acceptance.conftest import RECORDING
from tests.service import API, Service, finish

pytestmark = pytest.mark.slow


def cloned(service: Service, key: str, recording: str) -> str:
    body = {"fileUrl": recording, "contentText": "Hello."}
    task = service.post(f"{API}/soundCloning/clones", body, key)[1]["data"]["id"]
    ended = finish(service, task, key)
    assert ended["status"] == "completed", ended
    return str(ended["modelId"])


def test_results_have_a_quota_and_the_disk_a_reserve(
    tmp_path: Path, test_engines: dict[str, str], recording: str
) -> None:
    environment = test_engines | {"SOUNDCLONE_RESULT_QUOTA_BYTES": "2000000"}
    with Service(tmp_path, environment=environment) as service:
        account, key = service.new_key(10)
        voice = cloned(service, key, recording)

        def speak(text: str, **more: Any) -> Any:
            body = {"modelId": voice, "contentText": text, "format": "wav", "sampleRate": 48_000}
            return service.post(f"{API}/soundCloning/audios", body | more, key)[1]

        first = finish(service, speak("Hello there.")["data"]["id"], key)
        refused = speak("One sentence and another one. " * 20)
        assert refused["data"]["errorCode"] == "too_large"
        assert "at most 2,000,000 are kept at a time" in refused["msg"]
        for text in ("<#90#>" * 40 + "a", "🈷🈂🈁🔯🈹🈺🈴🉐🉑🈸" * 4 + "a"):
            assert speak(text)["data"]["errorCode"] == "invalid_parameter"
        body = {"fileUrl": recording, "contentText": "🈷🈂🈁🔯" * 60}
        assert service.post(f"{API}/soundCloning/clones", body, key)[1]["code"] == 20002
        # Silence within the bound, of which the quota has room for one.
        made = speak("<#8#>a")
        assert finish(service, made["data"]["id"], key)["status"] == "completed"
        assert speak("<#9#>a")["data"]["errorCode"] == "too_large"

        path = f"{API}/audios/{made['data']['id']}"
        link = service.get(path, key)[1]["data"]["audioUrl"]
        assert service.get(link)[0] == 200
        assert service.request("DELETE", f"{path}/result", key=key)[0] == 204
        assert service.get(link)[0] == 404
        assert service.get(path, key)[1]["data"]["errorCode"] == "expired"
        assert service.request("DELETE", f"{path}/result", key=key)[0] == 404
        assert service.get(first["audioUrl"])[0] == 200
        assert speak("<#9#>a")["code"] == 20000, "there is room again"

        service.terminate()
        service.environment["SOUNDCLONE_LEAST_FREE_BYTES"] = str(10**18)
        service.start()
        full = speak("Hello.")
        assert full["data"]["errorCode"] == "unavailable"
        assert "bytes free; new tasks need 1,000,000,000,000,000,000" in full["msg"]
        ledger = service.command("credit", "ledger", "--account", account, "--json")
        assert ledger["sound"]


@pytest.mark.parametrize(
    ("setting", "value", "status", "reason"),
    [
        ("SOUNDCLONE_RESULT_QUOTA_BYTES", "1", 413, "at most 1 are kept at a time"),
        ("SOUNDCLONE_LEAST_FREE_BYTES", str(10**18), 503, "bytes free; new tasks need"),
    ],
)
def test_voices_of_the_openai_paths_have_the_same_limits(
    tmp_path: Path, setting: str, value: str, status: int, reason: str
) -> None:
    with Service(tmp_path, "--no-worker", environment={setting: value}) as service:
        account, key = service.new_key(10)
        base = f"http://127.0.0.1:{service.port}/v1"
        with openai.OpenAI(api_key=key, base_url=base, max_retries=0) as client:
            consent = client.audio.voice_consents.create(
                name="Anna agrees", language="en-US", recording=RECORDING
            )
            with pytest.raises(openai.APIStatusError) as refused:
                client.with_options(timeout=60).audio.voices.create(
                    name="Anna", audio_sample=RECORDING, consent=consent.id
                )
        assert refused.value.status_code == status
        assert reason in refused.value.message
        ledger = service.command("credit", "ledger", "--account", account, "--json")
        assert ledger["balance"]["held"] == 0
