"""Voices as OpenAI's clients list and name them, without a worker."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest

from tests import rows

from .conftest import Account, Api

API = "/api/open-api/v1"
SPEECH = {"model": "tts-1", "input": "Hello."}


@pytest.fixture(scope="module")
def account(api: Api) -> Account:
    """An account with voices."""
    made = api.new_account(1)
    now = time.time()
    with api.database.transaction() as session:
        for index, name in enumerate(["Bob", "Anna", "ANNA", None, "Christopher"]):
            columns: dict[str, Any] = {
                "id": f"model_{uuid.uuid4().hex}",
                "name": name,
                "created_at": now - 10 + index // 2,  # some at the same time
            }
            session.add(rows.voice(made.id, **columns))
    return made


def test_the_list_is_read_by_both_names(api: Api, account: Account) -> None:
    status, body = api.get("/v1/audio/voices", account.key)
    assert status == 200
    assert body["voices"] == body["data"]
    assert body["data"][0]["name"] == "Christopher"
    assert {voice["name"] for voice in body["data"]} >= {"Anna", "ANNA", "Bob"}
    assert (len(body["data"]), body["has_more"]) == (5, False)


def test_pages(api: Api, account: Account) -> None:
    everything = [each["id"] for each in api.get("/v1/audio/voices", account.key)[1]["data"]]
    seen: list[str] = []
    more = True
    while more:
        after = f"&after={seen[-1]}" if seen else ""
        body = api.get(f"/v1/audio/voices?limit=2{after}", account.key)[1]
        page = [each["id"] for each in body["data"]]
        assert (body["first_id"], body["last_id"]) == (page[0], page[-1])
        assert len(page) == 2 or not body["has_more"]
        seen += page
        more = body["has_more"]
    assert seen == everything
    for query, status in (("limit=0", 400), ("limit=x", 400), ("after=model_x", 404)):
        assert api.get(f"/v1/audio/voices?{query}", account.key)[0] == status


def said(api: Api, key: str, voice: str) -> tuple[str, str]:
    """Code and sentence of the refusal of speech with a voice."""
    status, body = api.post("/v1/audio/speech", SPEECH | {"voice": voice}, key)
    assert status in (400, 404), body
    return body["error"]["code"], body["error"]["message"]


def test_names_of_voices(api: Api, account: Account) -> None:
    key = account.key
    code, message = said(api, key, "anna")
    assert code == "voice_ambiguous"
    assert "'Anna'" in message
    assert "'ANNA'" in message
    code, message = said(api, key, "Cristopher")
    assert (code, "did you mean 'Christopher'?" in message) == ("voice_not_found", True)
    for unlike in ("alloy", "", "\ud800", "x" * 5000):
        code, message = said(api, key, unlike)
        assert (code, "did you mean" in message) == ("voice_not_found", False)
        assert "POST /v1/audio/voices" in message
    # Found, so that the next thing is wrong.
    for found in ("bob", "BOB", "Anna", "ｂｏｂ"):
        body = SPEECH | {"voice": found, "input": ""}
        assert api.post("/v1/audio/speech", body, key)[1]["error"]["param"] == "input"


NAMES = "alloy ash ballad cedar coral echo fable marin nova onyx sage shimmer verse".split()


def test_a_voice_can_have_any_name_of_openai(api: Api) -> None:
    made = api.new_account(1)
    id = f"model_{uuid.uuid4().hex}"
    with api.database.transaction() as session:
        session.add(rows.voice(made.id, id=id))
    for name in NAMES:
        status, body = api.request("PATCH", f"{API}/voices/{id}", key=made.key, body={"name": name})
        assert (status, body["data"]["name"]) == (200, name)
        # Found, so that the next thing is wrong.
        body = SPEECH | {"voice": name, "input": ""}
        assert api.post("/v1/audio/speech", body, made.key)[1]["error"]["param"] == "input"


def test_models_of_chat_front_ends(api: Api, account: Account) -> None:
    status, body = api.get("/v1/audio/models", account.key)
    assert status == 200
    names = [model["id"] for model in body["models"]]
    assert {"tts-1", "soundclone-v1", "soundclone-v2"} <= set(names)
    for name in names:
        assert api.get(f"/v1/models/{name}", account.key)[0] == 200


@pytest.mark.parametrize(
    ("speed", "param"), [(0.25, "voice"), (4, "voice"), (0.24, "speed"), (4.01, "speed")]
)
def test_speeds(api: Api, account: Account, speed: float, param: str) -> None:
    body = SPEECH | {"voice": "nobody", "speed": speed}
    assert api.post("/v1/audio/speech", body, account.key)[1]["error"]["param"] == param


def test_every_operation_is_described(api: Api) -> None:
    document = api.app.openapi()
    operations = [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if "OpenAI" in operation.get("tags", ())
    ]
    assert len(operations) == 13
    for path, method, operation in operations:
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["description"], where
        assert operation["security"], where
        assert {"200", "default"} <= operation["responses"].keys(), where
        assert ("requestBody" in operation) == (method == "post"), where
        for response in operation["responses"].values():
            assert all(content["schema"] for content in response["content"].values()), where
    streamed = document["paths"]["/v1/audio/speech"]["post"]["responses"]["200"]["content"]
    assert "speech.audio.done" in streamed["text/event-stream"]["schema"]["description"]


@pytest.mark.parametrize("empty", [None, ""])
def test_empty_options(api: Api, account: Account, empty: str | None) -> None:
    options = ("instructions", "response_format", "speed", "stream_format", "language")
    body = SPEECH | {"voice": "nobody"} | dict.fromkeys(options, empty)
    assert api.post("/v1/audio/speech", body, account.key)[1]["error"]["code"] == (
        "voice_not_found"
    )


def form(api: Api, key: str, fields: dict[str, str]) -> tuple[int, Any]:
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return api.request(
        "POST",
        "/v1/audio/voices",
        body="".join([*parts, f"--{boundary}--\r\n"]).encode(),
        key=key,
        headers=[("Content-Type", f"multipart/form-data; boundary={boundary}")],
    )


def test_a_voice_from_a_description_is_refused_as_such(api: Api, account: Account) -> None:
    key = account.key
    asked = {"name": "A", "type": "prompt", "prompt": "An old man"}
    for status, body in (form(api, key, asked), api.post("/v1/audio/voices", asked, key)):
        assert (status, body["error"]["param"]) == (400, "type")
        assert "voices cannot be made from a description" in body["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/audio/voices", "/v1/audio/voice_consents"])
def test_a_body_that_is_no_form(api: Api, account: Account, path: str) -> None:
    key = account.key
    for body in ({"name": "A", "type": "audio_sample"}, b"{", b"[" * 100_000):
        status, answer = api.post(path, body, key)
        assert status == 400
        assert answer["error"]["message"].startswith("the body is 'application/json'; it must be")
    assert api.post(path, {}, "")[0] == 401


def test_a_missing_field_of_a_form(api: Api, account: Account) -> None:
    status, body = form(api, account.key, {"type": "", "name": "A"})
    assert (status, body["error"]["param"]) == (400, "consent")
    assert "consent is missing" in body["error"]["message"]


def test_a_deleted_voice_is_said_to_be(api: Api) -> None:
    made = api.new_account(1)
    key = made.key
    voice = rows.voice(made.id, id=f"model_{uuid.uuid4().hex}")
    with api.database.transaction() as session:
        session.add(voice)
        model = voice.id
    assert api.request("DELETE", f"/v1/audio/voices/{model}", key=key)[0] == 200
    code, message = said(api, key, model)
    assert (code, "was deleted on" in message) == ("deleted", True)
    status, body = api.get(f"/v1/audio/voices/{model}", key)
    assert (status, body["error"]["code"]) == (404, "deleted")
    assert api.get(f"{API}/voices", key)[1]["data"]["list"] == []
