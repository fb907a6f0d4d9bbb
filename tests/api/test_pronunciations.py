"""The pronunciation dictionary of an account over HTTP, and the tasks that it changes."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import select

from soundclone.core import account_data
from soundclone.core.requests import SpeechRequest
from soundclone.db.models import Base, Dictionary, Task
from tests import rows

from .conftest import Account, Api

API = "/api/open-api/v1"
PATH = f"{API}/pronunciations"


def entry(written: str, spoken: str, **more: Any) -> dict[str, Any]:
    return {"written": written, "spoken": spoken} | more


def voice(api: Api, account: str) -> str:
    made = rows.voice(account, id=f"model_{time.time_ns():032x}")
    with api.database.transaction() as session:
        session.add(made)
        return made.id


def requested(api: Api, owner: Account, text: str, **more: Any) -> tuple[SpeechRequest, int]:
    """Return the stored request of a speech task, and the characters that it is charged for."""
    body = {"modelId": voice(api, owner.id), "contentText": text, "language": "English"} | more
    status, answer = api.post(f"{API}/soundCloning/audios", body, owner.key)
    assert status == 200, answer
    with api.database.transaction() as session:
        task = session.scalars(select(Task).where(Task.id == answer["data"]["id"])).one()
        return SpeechRequest.from_json(task.params), task.characters


def test_the_dictionary(real_api: Api) -> None:
    owner, other = real_api.new_account(), real_api.new_account()
    assert real_api.get(PATH, owner.key)[1]["data"] == {"entries": []}
    body = {"entries": [entry("Nguyen", "nwin", language="en"), entry("US", "x", matchCase=True)]}
    status, answer = real_api.request("PUT", PATH, body=body, key=owner.key)
    expected = [
        {"written": "Nguyen", "spoken": "nwin", "language": "English", "matchCase": False},
        {"written": "US", "spoken": "x", "language": "", "matchCase": True},
    ]
    assert (status, answer["data"]["entries"]) == (200, expected)
    assert real_api.get(PATH, owner.key)[1]["data"]["entries"] == expected
    assert real_api.get(PATH, other.key)[1]["data"]["entries"] == []
    status, answer = real_api.request("DELETE", PATH, key=owner.key)
    assert (status, answer["data"]["entries"]) == (200, [])
    assert real_api.get(PATH, owner.key)[1]["data"]["entries"] == []
    bad = {"entries": [entry("a", "b"), entry("A", "c")]}
    status, answer = real_api.request("PUT", PATH, body=bad, key=owner.key)
    assert (status, answer["data"]["errorCode"]) == (422, "invalid_parameter")
    assert "again" in answer["msg"]


def test_speech_has_the_entries_of_its_words(real_api: Api) -> None:
    owner = real_api.new_account()
    body = {"entries": [entry("Nguyen", "nwin"), entry("Bath", "barth"), entry("cat", "dog")]}
    real_api.request("PUT", PATH, body=body, key=owner.key)
    text = "Nguyen lives in Bath."
    request, characters = requested(real_api, owner, text)
    assert (request.text, characters) == (text, len(text))
    assert [each.written for each in request.pronunciations] == ["Nguyen", "Bath"]
    own = [entry("bath", "a very long spoken form")]
    request, characters = requested(real_api, owner, text, pronunciation=own)
    assert {each.spoken for each in request.pronunciations} == {"nwin", own[0]["spoken"]}
    assert characters == len("nwin lives in a very long spoken form.")


def test_the_speech_of_a_request_is_limited(real_api: Api) -> None:
    owner = real_api.new_account()
    body = {
        "modelId": voice(real_api, owner.id),
        "contentText": "a " * 500,
        "pronunciation": [entry("a", "b" * 100)],
    }
    status, answer = real_api.post(f"{API}/soundCloning/audios", body, owner.key)
    assert (status, answer["data"]["errorCode"]) == (422, "invalid_parameter")
    assert "with its pronunciations" in answer["msg"]


def test_an_erasure_includes_the_dictionary(real_api: Api) -> None:
    owner = real_api.new_account()
    body = {"entries": [entry("secret", "word")]}
    real_api.request("PUT", PATH, body=body, key=owner.key)
    with real_api.database.transaction() as session:
        found, _ = account_data.rows(session, Base.metadata.tables["dictionaries"], owner.id)
        assert "secret" in str(found)
    status, _ = real_api.request("DELETE", f"{API}/account?confirm={owner.id}", key=owner.key)
    assert status == 200
    with real_api.database.transaction() as session:
        assert session.get(Dictionary, owner.id) is None
