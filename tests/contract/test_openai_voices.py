"""Voices as OpenAI's clients list and name them, over HTTP and without a worker."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest

from soundclone.db.session import Database
from tests import rows
from tests.service import API, Service

SPEECH = {"model": "tts-1", "input": "Hello."}


@pytest.fixture(scope="module")
def account(service: Service) -> tuple[str, str]:
    """An account with voices, and its key."""
    made, key = service.new_key(1)
    now = time.time()
    database = Database(f"sqlite:///{service.folder / 'data' / 'soundclone.db'}")
    with database.transaction() as session:
        for index, name in enumerate(["Bob", "Anna", "ANNA", None, "Christopher"]):
            columns: dict[str, Any] = {
                "id": f"model_{uuid.uuid4().hex}",
                "name": name,
                "created_at": now - 10 + index // 2,  # some at the same time
            }
            session.add(rows.voice(made, **columns))
    database.close()
    return made, key


def test_the_list_is_read_by_both_names(service: Service, account: tuple[str, str]) -> None:
    status, body = service.get("/v1/audio/voices", account[1])
    assert status == 200
    assert body["voices"] == body["data"]
    assert body["data"][0]["name"] == "Christopher"
    assert {voice["name"] for voice in body["data"]} >= {"Anna", "ANNA", "Bob"}
    assert (len(body["data"]), body["has_more"]) == (5, False)


def test_pages(service: Service, account: tuple[str, str]) -> None:
    everything = [each["id"] for each in service.get("/v1/audio/voices", account[1])[1]["data"]]
    seen: list[str] = []
    more = True
    while more:
        after = f"&after={seen[-1]}" if seen else ""
        body = service.get(f"/v1/audio/voices?limit=2{after}", account[1])[1]
        page = [each["id"] for each in body["data"]]
        assert (body["first_id"], body["last_id"]) == (page[0], page[-1])
        assert len(page) == 2 or not body["has_more"]
        seen += page
        more = body["has_more"]
    assert seen == everything
    for query, status in (("limit=0", 400), ("limit=x", 400), ("after=model_x", 404)):
        assert service.get(f"/v1/audio/voices?{query}", account[1])[0] == status


def said(service: Service, key: str, voice: str) -> tuple[str, str]:
    """Code and sentence of the refusal of speech with a voice."""
    status, body = service.post("/v1/audio/speech", SPEECH | {"voice": voice}, key)
    assert status in (400, 404), body
    return body["error"]["code"], body["error"]["message"]


def test_names_of_voices(service: Service, account: tuple[str, str]) -> None:
    _, key = account
    code, message = said(service, key, "anna")
    assert code == "voice_ambiguous"
    assert "'Anna'" in message
    assert "'ANNA'" in message
    code, message = said(service, key, "Cristopher")
    assert (code, "did you mean 'Christopher'?" in message) == ("voice_not_found", True)
    for unlike in ("alloy", "", "\ud800", "x" * 5000):
        code, message = said(service, key, unlike)
        assert (code, "did you mean" in message) == ("voice_not_found", False)
        assert "POST /v1/audio/voices" in message
    # Found, so that the next thing is wrong.
    for found in ("bob", "BOB", "Anna", "ｂｏｂ"):
        body = SPEECH | {"voice": found, "input": ""}
        assert service.post("/v1/audio/speech", body, key)[1]["error"]["param"] == "input"


@pytest.mark.parametrize("empty", [None, ""])
def test_empty_options(service: Service, account: tuple[str, str], empty: str | None) -> None:
    options = ("instructions", "response_format", "speed", "stream_format", "language")
    body = SPEECH | {"voice": "nobody"} | dict.fromkeys(options, empty)
    assert service.post("/v1/audio/speech", body, account[1])[1]["error"]["code"] == (
        "voice_not_found"
    )


def form(service: Service, key: str, fields: dict[str, str]) -> tuple[int, Any]:
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return service.request(
        "POST",
        "/v1/audio/voices",
        body="".join([*parts, f"--{boundary}--\r\n"]).encode(),
        key=key,
        headers=[("Content-Type", f"multipart/form-data; boundary={boundary}")],
    )


def test_a_voice_from_a_description_is_refused_as_such(
    service: Service, account: tuple[str, str]
) -> None:
    _, key = account
    asked = {"name": "A", "type": "prompt", "prompt": "An old man"}
    for status, body in (form(service, key, asked), service.post("/v1/audio/voices", asked, key)):
        assert (status, body["error"]["param"]) == (400, "type")
        assert "voices cannot be made from a description" in body["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/audio/voices", "/v1/audio/voice_consents"])
def test_a_body_that_is_no_form(service: Service, account: tuple[str, str], path: str) -> None:
    _, key = account
    for body in ({"name": "A", "type": "audio_sample"}, b"{", b"[" * 100_000):
        status, answer = service.post(path, body, key)
        assert status == 400
        assert answer["error"]["message"].startswith("the body is 'application/json'; it must be")
    assert service.post(path, {}, "")[0] == 401


def test_a_missing_field_of_a_form(service: Service, account: tuple[str, str]) -> None:
    status, body = form(service, account[1], {"type": "", "name": "A"})
    assert (status, body["error"]["param"]) == (400, "consent")
    assert "consent is missing" in body["error"]["message"]


def test_a_deleted_voice_is_said_to_be(service: Service) -> None:
    made, key = service.new_key(1)
    database = Database(f"sqlite:///{service.folder / 'data' / 'soundclone.db'}")
    voice = rows.voice(made, id=f"model_{uuid.uuid4().hex}")
    with database.transaction() as session:
        session.add(voice)
        model = voice.id
    database.close()
    assert service.request("DELETE", f"/v1/audio/voices/{model}", key=key)[0] == 200
    code, message = said(service, key, model)
    assert (code, "was deleted on" in message) == ("deleted", True)
    status, body = service.get(f"/v1/audio/voices/{model}", key)
    assert (status, body["error"]["code"]) == (404, "deleted")
    assert service.get(f"{API}/voices", key)[1]["data"]["list"] == []
