"""Errors of the fronts, which name the fields that their clients know."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest

from tests import rows

from .conftest import Account, Api

OURS = re.compile(r"\b(?:[a-z]+[A-Z]\w*|preview)\b")
"""Words of soundclone's own API, whose fields are in camel case."""
UNKNOWN = "model_" + "0" * 32
EXPIRED = "model_" + "1" * 32
TOO_LONG = "a" * 10_001
WAV = {"file": ("me.wav", b"RIFF", "audio/wav")}


@pytest.fixture
def account(real_api: Api) -> Account:
    """An account with two voices Anna, a voice Berta, and a voice that has expired."""
    made = real_api.new_account(1)
    with real_api.database.transaction() as session:
        for name in ("Anna", "Anna", "Berta"):
            session.add(rows.voice(made.id, id=f"model_{uuid.uuid4().hex}", name=name))
        session.merge(rows.voice(made.id, id=EXPIRED, name="Old", expires_at=1.0))
    return made


def openai(**fields: Any) -> dict[str, Any]:
    return {"model": "tts-1", "input": "Hello.", "voice": UNKNOWN, **fields}


def minimax(**fields: Any) -> dict[str, Any]:
    setting = {"voice_id": fields.pop("voice", UNKNOWN)}
    return {"model": "speech-2.8-hd", "text": "Hello.", "voice_setting": setting, **fields}


SPEECH, VOICES = "/v1/audio/speech", "/v1/audio/voices"
T2A, LONG, CLONE = "/minimax/v1/t2a_v2", "/minimax/v1/t2a_async_v2", "/minimax/v1/voice_clone"
LABS = "/elevenlabs/v1"
FREE = {"voice_id": "Anna-voice_9", "file_id": 1}
REFUSED: list[tuple[str, str, dict[str, Any], str | int]] = [
    ("POST", SPEECH, {"body": openai()}, "not_found"),
    ("POST", SPEECH, {"body": openai(voice={"id": "nobody"})}, "not_found"),
    ("POST", SPEECH, {"body": openai(voice="Nobody")}, "voice_not_found"),
    ("POST", SPEECH, {"body": openai(voice="Anna")}, "voice_ambiguous"),
    ("POST", SPEECH, {"body": openai(voice=EXPIRED)}, "expired"),
    ("POST", SPEECH, {"body": openai(model="gpt-4o")}, "model_not_found"),
    ("POST", SPEECH, {"body": openai(input="")}, "invalid_parameter"),
    ("POST", SPEECH, {"body": openai(input=TOO_LONG)}, "invalid_parameter"),
    ("POST", SPEECH, {"body": openai(input="a <#100#>")}, "invalid_parameter"),
    ("POST", SPEECH, {"body": openai(language="xx")}, "invalid_parameter"),
    ("POST", SPEECH, {"body": openai(response_format="exe")}, "invalid_parameter"),
    ("POST", SPEECH, {"body": openai(speed=9)}, "invalid_parameter"),
    ("POST", SPEECH, {"body": b"["}, "invalid_request"),
    ("GET", f"{VOICES}/{UNKNOWN}", {}, "not_found"),
    ("DELETE", f"{VOICES}/nobody", {}, "not_found"),
    ("POST", VOICES, {"data": {"name": "A"}}, "invalid_request"),
    ("POST", VOICES, {"data": {"name": "A"}, "files": WAV}, "invalid_parameter"),
    ("GET", "/v1/audio/voice_consents/x", {}, "not_found"),
    ("GET", "/v1/models/x", {}, "model_not_found"),
    ("POST", f"{LABS}/text-to-speech/{UNKNOWN}", {"body": {"text": "Hi."}}, "voice_not_found"),
    ("POST", f"{LABS}/text-to-speech/nobody", {"body": {"text": "Hi."}}, "voice_not_found"),
    ("POST", f"{LABS}/text-to-speech/{EXPIRED}", {"body": {"text": "Hi."}}, "expired"),
    ("POST", f"{LABS}/text-to-speech/Anna", {"body": {"text": "Hi."}}, "voice_not_found"),
    ("POST", f"{LABS}/text-to-speech/{EXPIRED}", {"body": {"text": ""}}, "invalid_parameter"),
    ("POST", f"{LABS}/text-to-speech/{EXPIRED}", {"body": {"text": TOO_LONG}}, "invalid_parameter"),
    ("POST", f"{LABS}/text-to-speech/{EXPIRED}", {"body": {}}, "invalid_parameter"),
    ("GET", f"{LABS}/voices/{UNKNOWN}", {}, "voice_not_found"),
    ("DELETE", f"{LABS}/voices/nobody", {}, "voice_not_found"),
    ("POST", f"{LABS}/voices/{UNKNOWN}/edit", {"data": {"name": "B"}}, "voice_not_found"),
    ("GET", f"{LABS}/voices/{UNKNOWN}/samples/x/audio", {}, "voice_not_found"),
    ("POST", f"{LABS}/voices/add", {"data": {"name": "B"}}, "invalid_parameter"),
    ("POST", f"{LABS}/speech-to-speech/{UNKNOWN}", {"files": {"audio": b"x"}}, "voice_not_found"),
    ("POST", f"{LABS}/speech-to-speech/{UNKNOWN}", {"data": {"seed": 1}}, "invalid_parameter"),
    ("GET", f"{LABS}/history/x", {}, "not_found"),
    ("POST", T2A, {"body": minimax()}, 20132),
    ("POST", T2A, {"body": minimax(voice="nobody-here")}, 20132),
    ("POST", T2A, {"body": minimax(voice=EXPIRED)}, 20132),
    ("POST", T2A, {"body": minimax(voice=None)}, 2013),
    ("POST", T2A, {"body": minimax(voice="Berta", text="")}, 2013),
    ("POST", T2A, {"body": minimax(voice="Berta", text=TOO_LONG)}, 2013),
    ("POST", T2A, {"body": minimax(voice="Berta", language_boost="Klingon")}, 2013),
    ("POST", T2A, {"body": minimax(voice="Berta", audio_setting={"sample_rate": 1})}, 2013),
    ("POST", LONG, {"body": minimax()}, 20132),
    ("POST", LONG, {"body": minimax(text=None, text_file_id=7)}, 2013),
    ("POST", CLONE, {"body": FREE}, 2013),
    ("POST", CLONE, {"body": {**FREE, "voice_id": "x"}}, 2013),
    ("POST", "/minimax/v1/delete_voice", {"body": {"voice_id": "x", "voice_type": "y"}}, 2013),
    (
        "POST",
        "/minimax/v1/delete_voice",
        {"body": {"voice_id": UNKNOWN, "voice_type": "voice_cloning"}},
        20132,
    ),
    ("GET", "/minimax/v1/files/retrieve?file_id=7", {}, 2013),
    ("GET", "/minimax/v1/query/t2a_async_query_v2?task_id=7", {}, 2013),
]


def refusal(answer: Any) -> tuple[str | int, str]:
    """Return the code and the message of an error of any front."""
    if "base_resp" in answer:
        return answer["base_resp"]["status_code"], answer["base_resp"]["status_msg"]
    if "error" in answer:
        return answer["error"]["code"], answer["error"]["message"]
    detail = answer["detail"]
    if isinstance(detail, list):
        return "invalid_parameter", detail[0]["msg"]
    return detail["status"], detail["message"]


@pytest.mark.parametrize(("method", "path", "request_", "code"), REFUSED)
def test_a_message_names_what_the_client_sent(
    real_api: Api,
    account: Account,
    method: str,
    path: str,
    request_: dict[str, Any],
    code: str | int,
) -> None:
    for key in (account.key, real_api.new_account(0).key, "sk_wrong"):
        answer = real_api.send(method, path, key=key, **request_).json()
        found, message = refusal(answer)
        if key == account.key:
            assert found == code, message
        sent = str(request_)
        assert not [word for word in OURS.findall(message) if word not in sent], message
        if "error" in answer and (param := answer["error"]["param"]):
            assert not OURS.search(param)


def test_a_message_quotes_what_the_client_sent(real_api: Api, account: Account) -> None:
    body = minimax(voice="contentText")
    _, message = refusal(real_api.send("POST", T2A, key=account.key, body=body).json())
    assert "there is no voice 'contentText'" in message
