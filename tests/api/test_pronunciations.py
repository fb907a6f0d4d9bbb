"""The pronunciation dictionary of an account over HTTP, and the tasks that it changes."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import select

from soundclone.core import account_data
from soundclone.core.requests import SpeechRequest
from soundclone.db.models import Base, Dictionary, Task
from soundclone.text.ipa import Transcription
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
    expected = [each | {"ipa": ""} for each in expected]
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


def test_entries_in_ipa(real_api: Api) -> None:
    owner = real_api.new_account()
    body = {"entries": [{"written": "pecan", "ipa": " pɪˈkɑːn "}]}
    status, answer = real_api.request("PUT", PATH, body=body, key=owner.key)
    assert status == 200, answer
    row = {"written": "pecan", "spoken": "", "language": "", "matchCase": False, "ipa": "pɪˈkɑːn"}
    assert real_api.get(PATH, owner.key)[1]["data"]["entries"] == [row]
    text = "Pecan pie."
    request, characters = requested(real_api, owner, text)
    assert characters == len(text)
    assert [(each.spoken, each.ipa) for each in request.pronunciations] == [("", "pɪˈkɑːn")]
    own = [{"written": "pie", "ipa": "paɪ"}, entry("pecan", "pea can")]
    request, _ = requested(real_api, owner, text, pronunciation=own)
    assert {(each.spoken, each.ipa) for each in request.pronunciations} == {
        ("", "paɪ"),
        ("pea can", ""),
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"ipa": "p@n"}, "ipa of entry 1 is 'p@n': '@' (U+0040) is no symbol of the alphabet"),
        ({"ipa": "a" * 101}, "it has 101 characters; at most 100 are allowed"),
        ({"ipa": "pæn", "spoken": "pan"}, "leave one of them out"),
        ({"ipa": ""}, "spoken of entry 1 is ''"),
        ({}, "spoken of entry 1 is ''"),
    ],
)
def test_wrong_ipa(real_api: Api, given: dict[str, str], message: str) -> None:
    body = {"entries": [{"written": "pan"} | given]}
    status, answer = real_api.request("PUT", PATH, body=body, key=real_api.new_account().key)
    assert (status, answer["data"]["errorCode"]) == (422, "invalid_parameter")
    assert message in answer["msg"]


def test_the_sounds_in_ssml(real_api: Api) -> None:
    owner = real_api.new_account()
    document = "<speak>A <phoneme alphabet='ipa' ph='pɪˈkɑːn'>pecan</phoneme>.</speak>"
    request, characters = requested(real_api, owner, document, textFormat="ssml")
    assert (request.text, characters) == ("A pecan.", 8)
    assert request.transcriptions == (Transcription(2, 7, "pɪˈkɑːn"),)
    # Speech is estimated from the sounds, and more than the price allows is refused.
    long = f"<phoneme alphabet='ipa' ph='{'bɪ ' * 30}'>b</phoneme> " * 60
    body = {"modelId": voice(real_api, owner.id), "contentText": f"<speak>{long}</speak>"}
    body |= {"textFormat": "ssml", "language": "English"}
    status, answer = real_api.post(f"{API}/soundCloning/audios", body, owner.key)
    assert (status, answer["data"]["errorCode"]) == (422, "invalid_parameter")
    assert "s of speech; 120 characters may have" in answer["msg"]


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
