"""Voice consents of the OpenAI-compatible API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Account, Api

PATH = "/v1/audio/voice_consents"
WAVE = b"RIFF\x24\x00\x00\x00WAVEfmt " + b"\x00" * 100


@pytest.fixture
def owner(real_api: Api) -> Account:
    return real_api.new_account(1)


def create(api: Api, key: str, content: bytes = WAVE, **fields: str) -> tuple[int, Any]:
    return api.request(
        "POST",
        PATH,
        key=key,
        data={"name": "Anna", "language": "en-US"} | fields,
        files={"recording": ("consent.wav", content, "audio/wav")},
    )


def test_a_consent_is_created_renamed_and_deleted(real_api: Api, owner: Account) -> None:
    status, made = create(real_api, owner.key)
    assert (status, made["object"], made["name"], made["language"]) == (
        200,
        "audio.voice_consent",
        "Anna",
        "en-US",
    )
    path = f"{PATH}/{made['id']}"
    assert real_api.get(path, owner.key) == (200, made)
    status, renamed = real_api.post(path, {"name": " Berta "}, owner.key)
    assert (status, renamed) == (200, made | {"name": "Berta"})
    status, listed = real_api.get(PATH, owner.key)
    assert (listed["data"], listed["has_more"]) == ([renamed], False)
    assert listed["first_id"] == listed["last_id"] == made["id"]
    status, deleted = real_api.request("DELETE", path, key=owner.key)
    assert deleted == {"id": made["id"], "object": "audio.voice_consent", "deleted": True}
    assert real_api.get(path, owner.key)[0] == 404
    assert real_api.get(PATH, owner.key)[1]["data"] == []


@pytest.mark.parametrize(
    ("content", "fields", "param", "said"),
    [
        (b"", {}, "recording", "recording is empty"),
        (b"no audio at all", {}, "recording", "no audio file"),
        (WAVE, {"language": "English!"}, "language", "BCP 47"),
        (WAVE, {"name": " "}, "name", "name is empty"),
        (WAVE, {"name": "x" * 81}, "name", "81 characters"),
        (WAVE.ljust(10 * 2**20 + 1, b"\x00"), {}, "recording", "10,485,761 bytes"),
        (WAVE.ljust(11 * 2**20, b"\x00"), {}, None, "the body is longer than the 10,485,760 bytes"),
    ],
    ids=["empty", "text", "language", "no name", "long name", "long", "very long"],
)
def test_a_wrong_consent(
    real_api: Api,
    owner: Account,
    content: bytes,
    fields: dict[str, str],
    param: str | None,
    said: str,
) -> None:
    status, body = create(real_api, owner.key, content, **fields)
    assert status in (400, 413)
    assert (body["error"]["param"], said in body["error"]["message"]) == (param, True), body
    assert real_api.get(PATH, owner.key)[1]["data"] == []


def test_a_consent_of_another_account(real_api: Api, owner: Account) -> None:
    made = create(real_api, owner.key)[1]
    stranger = real_api.new_account(1).key
    path = f"{PATH}/{made['id']}"
    for status, body in (
        real_api.get(path, stranger),
        real_api.post(path, {"name": "Mine"}, stranger),
        real_api.request("DELETE", path, key=stranger),
        real_api.get(f"{PATH}?after={made['id']}", stranger),
    ):
        assert (status, body["error"]["code"]) == (404, "not_found")
    assert real_api.get(path, owner.key) == (200, made)


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/tts-1", "/v1/models/soundclone-v2"])
def test_models(real_api: Api, owner: Account, path: str) -> None:
    status, body = real_api.get(path, owner.key)
    model = body["data"][0] if path == "/v1/models" else body
    assert (status, model["object"], model["owned_by"]) == (200, "model", "soundclone")


def test_an_unknown_model(real_api: Api, owner: Account) -> None:
    status, body = real_api.get("/v1/models/gpt-9", owner.key)
    assert (status, body["error"]["code"], body["error"]["param"]) == (
        404,
        "model_not_found",
        "model",
    )
