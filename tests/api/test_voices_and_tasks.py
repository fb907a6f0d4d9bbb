"""Names of voices, and the list of tasks."""

from __future__ import annotations

import time

from soundclone.audio.recording_report import RecordingReport
from tests import rows

from .conftest import Api

API = "/api/open-api/v1"
CLONES = f"{API}/soundCloning/clones"
AUDIOS = f"{API}/soundCloning/audios"
SOURCE = "https://example.com/voice.mp3"


def voice(api: Api, account: str, number: int, **columns: object) -> str:
    made = rows.voice(account, id=f"model_{time.time_ns():031x}{number:x}", **columns)
    with api.database.transaction() as session:
        session.add(made)
        return made.id


def test_a_voice_is_named_and_renamed(api: Api) -> None:
    account = api.new_account(1)
    key = account.key
    model = voice(api, account.id, 1)
    (listed,) = api.get(f"{API}/voices", key)[1]["data"]["list"]
    assert (listed["modelId"], listed["name"], listed["language"]) == (model, None, None)
    path = f"{API}/voices/{model}"
    status, body = api.request("PATCH", path, body={"name": " Anna "}, key=key)
    assert (status, body["code"], body["data"]["name"]) == (200, 20000, "Anna")
    assert api.get(f"{API}/voices", key)[1]["data"]["list"] == [body["data"]]
    status, body = api.request("PATCH", path, body={"name": ""}, key=key)
    assert (status, body["data"]["name"]) == (200, None)
    for wrong, said in (
        ({"name": "x" * 81}, "81 characters; at most 80"),
        ({"name": None}, "name and tags are missing"),
        ({}, "name and tags are missing"),
    ):
        status, body = api.request("PATCH", path, body=wrong, key=key)
        assert (status, body["data"]["errorCode"]) == (422, "invalid_parameter")
        assert said in body["msg"]
    stranger = api.new_account(1).key
    for target, who in ((path, stranger), (f"{API}/voices/model_x", key)):
        status, body = api.request("PATCH", target, body={"name": "Anna"}, key=who)
        assert (status, body["data"]["errorCode"]) == (404, "not_found")


def test_a_voice_has_tags_and_a_report(api: Api) -> None:
    made = api.new_account(0)
    key = made.key
    report = RecordingReport(21.5, -24.0, 31.0, 0.0, False, False, ("speak longer",))
    model = voice(api, made.id, 8, name="Anna", recording_report=report.to_json())
    path = f"{API}/voices/{model}"
    body = api.request("PATCH", path, body={"tags": ["podcast", "calm"]}, key=key)[1]
    assert (body["data"]["name"], body["data"]["tags"]) == ("Anna", ["calm", "podcast"])
    (listed,) = api.get(f"{API}/voices", key)[1]["data"]["list"]
    assert listed["tags"] == ["calm", "podcast"]
    assert listed["recordingReport"] == {
        "speechSeconds": 21.5,
        "level": -24.0,
        "snr": 31.0,
        "clipped": 0.0,
        "echo": False,
        "telephone": False,
        "advice": ["speak longer"],
    }
    assert api.request("PATCH", path, body={"tags": []}, key=key)[1]["data"]["tags"] == []
    for wrong in ({}, {"tags": "calm"}, {"tags": ["a" * 31]}, {"tags": None}):
        status, body = api.request("PATCH", path, body=wrong, key=key)
        assert (status, body["data"]["errorCode"]) == (422, "invalid_parameter"), wrong


def test_a_preview_takes_a_name(api: Api) -> None:
    key = api.new_account(1).key
    status, body = api.post(CLONES, {"fileUrl": SOURCE, "name": "Anna"}, key)
    assert (status, body["code"]) == (200, 20000)
    body = api.post(CLONES, {"fileUrl": SOURCE, "name": "x" * 81}, key)[1]
    assert body["data"]["errorCode"] == "invalid_parameter"
    assert "81 characters; at most 80" in body["msg"]


def test_a_deleted_voice_is_not_said_to_have_expired(api: Api) -> None:
    account = api.new_account(1)
    key = account.key
    deleted, old = voice(api, account.id, 1), voice(api, account.id, 2, expires_at=1.0)
    assert api.request("DELETE", f"{API}/voices/{deleted}", key=key)[0] == 200
    for model, word in ((deleted, "deleted"), (old, "expired")):
        body = api.post(AUDIOS, {"modelId": model, "contentText": "Hello."}, key)[1]
        assert (body["code"], body["data"]["errorCode"]) == (20002, word)
        assert f"voice {model} {'was deleted' if word == 'deleted' else word} on" in body["msg"]


def test_the_list_of_tasks(api: Api) -> None:
    key = api.new_account(1).key
    assert api.get(f"{API}/audios", key)[1]["data"] == {"list": [], "nextCursor": None}
    made = [api.post(CLONES, {"fileUrl": SOURCE}, key)[1]["data"]["id"] for _ in range(3)]
    api.request("DELETE", f"{API}/audios/{made[0]}", key=key)
    status, body = api.get(f"{API}/audios?limit=2", key)
    assert (status, body["code"]) == (200, 20000)
    assert [task["id"] for task in body["data"]["list"]] == [made[2], made[1]]
    rest = api.get(f"{API}/audios?limit=2&cursor={body['data']['nextCursor']}", key)[1]["data"]
    assert [(task["id"], task["status"]) for task in rest["list"]] == [(made[0], "failed")]
    assert rest["nextCursor"] is None
    only = api.get(f"{API}/audios?status=failed&kind=clone", key)[1]["data"]["list"]
    assert only == rest["list"]
    everything = api.get(f"{API}/audios?status=&kind=&cursor=&limit=", key)[1]["data"]["list"]
    assert len(everything) == 3
    for query, said in (
        ("limit=0", "limit is '0'; it must be a whole number from 1 to 100"),
        ("status=done", "status is 'done'; it must be one of queued"),
        ("kind=voice", "kind is 'voice'"),
        ("cursor=nope", "cursor is 'nope'"),
    ):
        status, body = api.get(f"{API}/audios?{query}", key)
        assert (status, body["data"]["errorCode"]) == (422, "invalid_parameter")
        assert said in body["msg"]
    assert api.get(f"{API}/audios")[0] == 401
