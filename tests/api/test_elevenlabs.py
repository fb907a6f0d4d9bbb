"""Shapes of the ElevenLabs-compatible API, in this process and without a worker."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.websockets import WebSocketDisconnect

from soundclone.api.elevenlabs.alignment import align, end_of_part
from soundclone.api.fronts.streaming import TimedWord
from soundclone.db.models import Voice
from tests.api.conftest import Account, Api

UNKNOWN = "model_" + 32 * "0"


@pytest.fixture(scope="module")
def someone(real_api: Api) -> Account:
    return real_api.new_account()


@pytest.fixture(scope="module")
def voices(real_api: Api, someone: Account) -> list[str]:
    """Three voices, the oldest first."""
    ids = [f"model_{number:032x}" for number in (11, 12, 13)]
    with real_api.database.transaction() as session:
        for number, (voice_id, name) in enumerate(zip(ids, ("Berta", "anna", "Carl"), strict=True)):
            session.add(
                Voice(
                    id=voice_id,
                    account_id=someone.id,
                    task_id="audio_x",
                    version="v2",
                    engine="builtin",
                    engine_version="1",
                    licence="",
                    language="German",
                    speech_seconds=20.5,
                    name=name,
                    created_at=time.time() + number,
                )
            )
    return ids


def call(
    api: Api, method: str, path: str, key: str | None = None, **options: Any
) -> tuple[int, Any]:
    """Status and JSON of a request with ElevenLabs' header."""
    headers = [] if key is None else [("xi-api-key", key)]
    return api.request(method, path, headers=headers, **options)


@pytest.mark.parametrize("prefix", ["", "/elevenlabs"])
def test_original_paths_and_the_prefix(
    real_api: Api, someone: Account, voices: list[str], prefix: str
) -> None:
    status, body = call(real_api, "GET", f"{prefix}/v1/voices", someone.key)
    assert (status, [each["name"] for each in body["voices"]]) == (200, ["Carl", "anna", "Berta"])
    bearer = real_api.get(f"{prefix}/v1/voices", someone.key)
    assert bearer == (status, body)


def test_models_are_told_apart_by_the_header(real_api: Api, someone: Account) -> None:
    assert isinstance(call(real_api, "GET", "/v1/models", someone.key)[1], list)
    assert real_api.get("/v1/models", someone.key)[1]["object"] == "list"
    both = [("xi-api-key", someone.key)]
    answer = real_api.request("GET", "/v1/models", key=someone.key, headers=both)
    assert answer[1]["object"] == "list"


def test_pages_and_orders(real_api: Api, someone: Account, voices: list[str]) -> None:
    def names(query: str) -> tuple[list[str], bool, str | None]:
        body = call(real_api, "GET", f"/v2/voices?{query}", someone.key)[1]
        found = [each["name"] for each in body["voices"]]
        return found, body["has_more"], body["next_page_token"]

    assert names("") == (["Carl", "anna", "Berta"], False, None)
    assert names("sort=created_at_unix&sort_direction=asc")[0] == ["Berta", "anna", "Carl"]
    assert names("sort=name&sort_direction=asc")[0] == ["anna", "Berta", "Carl"]
    assert names("sort=name")[0] == ["Carl", "Berta", "anna"]
    assert names("search=AN")[0] == ["anna"]
    assert names("category=premade")[0] == []
    assert names(f"voice_ids={voices[0]}&voice_ids={voices[2]}")[0] == ["Carl", "Berta"]
    first, more, token = names("page_size=2")
    assert (first, more) == (["Carl", "anna"], True)
    assert names(f"page_size=2&next_page_token={token}") == (["Berta"], False, None)
    status, body = call(real_api, "GET", "/v2/voices?next_page_token=x", someone.key)
    assert (status, body["detail"][0]["loc"]) == (422, ["body", "next_page_token"])


@pytest.mark.parametrize(
    ("method", "path", "key", "status", "word"),
    [
        ("GET", "/v1/voices", None, 401, "invalid_api_key"),
        ("GET", "/v1/voices", "sk_wrong", 401, "invalid_api_key"),
        ("GET", f"/v1/voices/{UNKNOWN}", "", 404, "voice_not_found"),
        ("DELETE", f"/v1/voices/{UNKNOWN}", "", 404, "voice_not_found"),
        ("GET", "/v1/voices/x/settings", "", 404, "voice_not_found"),
        ("GET", "/v1/history/x", "", 404, "not_found"),
        ("GET", "/v1/sound-generation", "", 404, "not_found"),
        ("PUT", "/v1/voices", "", 405, "method_not_allowed"),
    ],
)
def test_errors(
    real_api: Api, someone: Account, method: str, path: str, key: str | None, status: int, word: str
) -> None:
    answer = call(real_api, method, path, someone.key if key == "" else key)
    assert (answer[0], answer[1]["detail"]["status"]) == (status, word)
    assert "/elevenlabs" not in answer[1]["detail"]["message"]


def test_scopes(real_api: Api, someone: Account) -> None:
    made = real_api.post(
        "/api/open-api/v1/keys", {"name": "reader", "scopes": ["read"]}, someone.key
    )
    key = made[1]["data"]["key"]
    assert call(real_api, "GET", "/v1/voices", key)[0] == 200
    status, body = call(real_api, "POST", f"/v1/text-to-speech/{UNKNOWN}", key, body={"text": "a"})
    assert (status, body["detail"]["status"]) == (403, "missing_permissions")


def test_forms(real_api: Api, someone: Account, voices: list[str]) -> None:
    def add(data: dict[str, str], content: bytes = b"\0" * 5000) -> str:
        files = [("files", ("a.mp3", content, "audio/mpeg"))]
        status, body = call(real_api, "POST", "/v1/voices/add", someone.key, data=data, files=files)
        assert status == 422
        return str(body["detail"][0]["msg"])

    assert add({"name": " "}) == "name is empty; the voice needs a name"
    assert add({"name": "A"}, b"").startswith("files is empty")
    assert "open the file" in add({"name": "A"}, b"/home/anna/me.mp3")
    assert "it must be a JSON object" in add({"name": "A", "labels": "[1]"})
    assert "consent.recording" in add({"name": "A", "labels": '{"consent": "ftp://x"}'})
    status, body = call(
        real_api,
        "POST",
        f"/v1/voices/{voices[0]}/edit",
        someone.key,
        data={"name": "B"},
        files=[("files", ("a.mp3", b"1", "audio/mpeg"))],
    )
    assert (status, body["detail"][0]["loc"]) == (422, ["body", "files"])


def test_speech_that_is_refused(real_api: Api, someone: Account, voices: list[str]) -> None:
    def speak(body: dict[str, object], query: str = "") -> tuple[int, str]:
        path = f"/v1/text-to-speech/{voices[0]}{query}"
        status, answer = call(real_api, "POST", path, someone.key, body=body)
        detail = answer["detail"]
        return status, detail["message"] if isinstance(detail, dict) else detail[0]["msg"]

    assert speak({})[1].startswith("text is missing")
    assert "it must be one of mp3_22050_32" in speak({"text": "a"}, "?output_format=mp3")[1]
    assert (
        "there are no pronunciation dictionaries"
        in (speak({"text": "a", "pronunciation_dictionary_locators": [{}]})[1])
    )
    assert speak({"text": "a", "voice_settings": {"speed": 3}})[1].endswith(
        "it must be a number from 0.5 to 2"
    )
    assert speak({"text": "a" * 10_001})[0] == 422


def test_alignment() -> None:
    text = "Ah, so it is."
    words = [TimedWord(0.1, 0.3, 0, 3), TimedWord(0.5, 0.7, 4, 2), TimedWord(0.7, 1.0, 7, 6)]
    whole = align(text, words, 0, len(text), begin=0.0, until=1.2)
    assert whole.characters == text
    assert whole.starts[:5] == pytest.approx([0.1, 0.1667, 0.2333, 0.3, 0.5], abs=0.001)
    assert whole.ends[-1] == 1.0
    assert all(a <= b for a, b in zip(whole.ends, whole.starts[1:], strict=False))
    assert end_of_part(text, words[:2]) == 7
    view = whole.milliseconds_view()
    assert view["chars"] == list(text)
    part = align(text, words[2:], 7, len(text), begin=0.7, until=1.2)
    assert (part.starts[0], part.characters) == (0.7, "it is.")
    silent = align("...", [], 0, 3, begin=0.0, until=0.3)
    assert silent.ends == pytest.approx((0.1, 0.2, 0.3))


def refusal(
    api: Api, path: str, messages: Sequence[object], key: str | None = None
) -> tuple[dict[str, Any], int]:
    """The error that a WebSocket sends, and the code with which it closes."""
    headers = {} if key is None else {"xi-api-key": key}
    with api.client.websocket_connect(path, headers=headers) as socket:
        for message in messages:
            if isinstance(message, bytes):
                socket.send_bytes(message)
            else:
                socket.send_text(message if isinstance(message, str) else json.dumps(message))
        error = socket.receive_json()
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
    return error, closed.value.code


@pytest.mark.parametrize("part", ["stream-input", "multi-stream-input"])
def test_sockets_refuse_with_a_sentence(
    real_api: Api, someone: Account, voices: list[str], part: str
) -> None:
    path = f"/v1/text-to-speech/{voices[0]}/{part}"
    error, code = refusal(real_api, path, [{"text": " "}])
    assert (error["error"], error["code"], code) == ("invalid_api_key", 401, 1008)
    error, code = refusal(real_api, path, [{"text": " ", "xi_api_key": "sk_wrong"}])
    assert error["error"] == "invalid_api_key"
    for messages, sentence in (
        (["{"], "the message is no JSON object"),
        (["[1]"], "the message is no JSON object"),
        ([b"\0\xff"], "the message is no JSON object"),
        (["[" * 100_000], "the message is no JSON object"),
        ([{"text": 5}], "text is 5"),
        ([{"text": " ", "voice_settings": {"speed": 7}}], "a number from 0.5 to 2"),
    ):
        error, code = refusal(real_api, path, messages, someone.key)
        assert sentence in error["message"], messages
        assert code == 1008
    error, _ = refusal(real_api, f"{path}?output_format=wav_8000", [], someone.key)
    assert "a WebSocket has no WAV" in error["message"]
    error, _ = refusal(real_api, f"{path}?inactivity_timeout=nan", [], someone.key)
    assert "a number from 1 to 180" in error["message"]
    unknown = f"/v1/text-to-speech/nobody/{part}"
    assert refusal(real_api, unknown, [], someone.key)[0]["error"] == "voice_not_found"


def test_idle_sockets_are_closed(real_api: Api, someone: Account, voices: list[str]) -> None:
    path = f"/v1/text-to-speech/{voices[0]}/stream-input?inactivity_timeout=1"
    error, code = refusal(real_api, path, [{"text": " "}], someone.key)
    assert (error["error"], code) == ("request_timeout", 1008)


def test_an_account_has_few_sockets(real_api: Api, someone: Account, voices: list[str]) -> None:
    path = f"/elevenlabs/v1/text-to-speech/{voices[0]}/stream-input"
    held = real_api.app.state.soundclone.open_sockets
    with held.hold(someone.id, 1):
        held._open[someone.id] = real_api.settings.sockets_per_account
        error, code = refusal(real_api, path, [], someone.key)
        assert (error["error"], code) == ("too_many_concurrent_requests", 1013)
        held._open[someone.id] = 1
    assert not held._open


def test_an_empty_text_ends_a_socket(real_api: Api, someone: Account, voices: list[str]) -> None:
    path = f"/v1/text-to-speech/{voices[0]}/stream-input"
    headers = {"xi-api-key": someone.key}
    with real_api.client.websocket_connect(path, headers=headers) as socket:
        socket.send_json({"text": " "})
        socket.send_json({"text": ""})
        assert socket.receive_json()["isFinal"] is True
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
    assert closed.value.code == 1000
