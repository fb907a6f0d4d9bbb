"""Paths of the fronts, and the setting that switches them off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from soundclone.config import Settings
from tests.api.conftest import Api, serve


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The API without any front."""
    yield from serve(tmp_path_factory.mktemp("bare"), fronts=())


def test_a_front_answers_below_its_prefix(real_api: Api) -> None:
    key = real_api.new_account().key
    for path in ("/v1/models", "/openai/v1/models"):
        status, body = real_api.get(path, key)
        assert (status, body["object"]) == (200, "list"), path
        assert real_api.get(path)[1]["error"]["code"] == "invalid_api_key"
    assert real_api.get("/openai/v1/nothing", key)[1]["error"]["code"] == "not_found"


def test_a_word_in_place_of_an_id_has_its_own_methods(real_api: Api) -> None:
    key = real_api.new_account().key
    for path, methods in (("history/download", "POST"), ("history/x", "DELETE, GET")):
        answer = real_api.send("PUT", f"/elevenlabs/v1/{path}", key=key)
        assert (answer.status_code, answer.headers["Allow"]) == (405, methods)


def test_a_prefix_leads_to_its_front_alone(real_api: Api) -> None:
    key = real_api.new_account().key
    for path in ("/openai/api/open-api/v1/voices", "/openai/healthz", "/openai"):
        assert real_api.send("GET", path, key=key).status_code == 404, path


def test_fronts_can_be_switched_off(bare: Api) -> None:
    key = bare.new_account().key
    for path in ("/v1/models", "/openai/v1/models"):
        status, body = bare.get(path, key)
        assert (status, body["error"]["code"]) == (404, "not_found"), path
        assert body["error"]["message"].startswith("the API of OpenAI is switched off"), path
    for path in ("/v1/voices", "/elevenlabs/v1/models"):
        status, body = bare.get(path, key)
        assert (status, body["detail"]["status"]) == (404, "not_found"), path
        assert "ElevenLabs is switched off" in body["detail"]["message"], path
    status, body = bare.request("GET", "/v1/models", headers=[("xi-api-key", key)])
    assert (status, body["detail"]["status"]) == (404, "not_found")
    for path in ("/v1/get_voice", "/minimax/v1/t2a_v2"):
        status, body = bare.post(path, {}, key)
        assert (status, body["base_resp"]["status_code"]) == (200, 2013), path
        assert "MiniMax is switched off" in body["base_resp"]["status_msg"], path
    assert bare.get("/api/open-api/v1/voices", key)[0] == 200
    assert bare.get("/api/open-api/v1/nothing", key)[1]["data"]["errorCode"] == "not_found"
    assert bare.get("/nothing", key)[1]["data"]["errorCode"] == "not_found"
    prefixes = ("/v1/", "/minimax/", "/elevenlabs/", "/openai/")
    assert not [path for path in bare.app.openapi()["paths"] if path.startswith(prefixes)]


def test_one_front_can_stay(tmp_path: Path) -> None:
    """Requests for others are answered in their formats, not in that of the front at `/v1`."""
    calls = {
        "openai": ("GET", "/v1/audio/voices", "/v1/"),
        "elevenlabs": ("GET", "/v1/voices", "/elevenlabs/"),
        "minimax": ("POST", "/v1/get_voice", "/minimax/"),
    }
    for api in serve(tmp_path, fronts=("openai",)):
        key = api.new_account().key
        for name, (method, path, prefix) in calls.items():
            body: dict[str, str] | None = {} if method == "POST" else None
            answer = json.dumps(api.request(method, path, key=key, body=body)[1])
            assert ("is switched off" in answer) == (name != "openai"), path
            described = any(part.startswith(prefix) for part in api.app.openapi()["paths"])
            assert described == (name == "openai"), path


def test_the_setting_names_fronts(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="'azure' is not an API; it takes openai, "):
        Settings(data_dir=tmp_path, fronts=("azure",))
    assert Settings(data_dir=tmp_path, fronts="openai, openai").fronts == ("openai",)  # type: ignore[arg-type]
