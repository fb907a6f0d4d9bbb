"""Pronunciation dictionaries of projects over HTTP, and the takes that they make stale."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from soundclone.core import account_data
from soundclone.core.requests import SpeechRequest
from soundclone.db.models import Base, ProjectDictionary, Take, Task

from .conftest import Api
from .test_projects import API, Script
from .test_pronunciations import PATH, entry


@pytest.fixture
def script(real_api: Api) -> Script:
    return Script(real_api)


def put(script: Script, *entries: Any, **headers: str) -> Any:
    body = {"entries": entries}
    return script.ok("PUT", f"{script.path}/pronunciations", body, **headers)["entries"]


def states(script: Script) -> list[str]:
    return [block["state"] for block in script.blocks()]


def recorded(script: Script, *texts: str, **options: object) -> None:
    """Insert blocks and complete a take of each."""
    for block in script.insert(*texts, **options):
        script.complete(script.record(block["id"]))


def spoken(script: Script, take: Any) -> dict[str, str]:
    """Return the pronunciations in the request of a take."""
    with script.api.database.transaction() as session:
        task = session.scalars(select(Task).where(Task.id == take["taskId"])).one()
        entries = SpeechRequest.from_json(task.params).pronunciations
    return {each.written: each.spoken for each in entries}


def kept(script: Script) -> int:
    """Return the number of dictionaries of projects that the account has."""
    query = select(ProjectDictionary).where(ProjectDictionary.account_id == script.account.id)
    with script.api.database.transaction() as session:
        return len(session.scalars(query).all())


def test_the_dictionary_of_a_project(script: Script) -> None:
    path = f"{script.path}/pronunciations"
    assert script.ok("GET", path)["entries"] == []
    response = script.api.send("GET", path, key=script.account.key)
    before = response.headers["ETag"]
    assert before == script.api.send("GET", script.path, key=script.account.key).headers["ETag"]
    expected = [
        {"written": "Nguyen", "spoken": "nwin", "language": "English", "matchCase": False},
        {"written": "US", "spoken": "you ess", "language": "", "matchCase": True},
    ]
    expected = [each | {"ipa": ""} for each in expected]
    asked = [entry("Nguyen", "nwin", language="en"), entry("US", "you ess", matchCase=True)]
    assert put(script, *asked, If_Match=before) == expected
    assert script.ok("GET", path)["entries"] == expected
    assert script.ok("GET", PATH)["entries"] == []  # of the account
    status, answer = script.send("PUT", path, {"entries": []}, If_Match=before)
    assert (status, answer["data"]["errorCode"]) == (412, "precondition_failed")
    status, answer = script.send("DELETE", path, If_Match=before)
    assert (status, answer["data"]["errorCode"]) == (412, "precondition_failed")
    bad = {"entries": [entry("a", "b"), entry("A", "c")]}
    status, answer = script.send("PUT", path, bad)
    assert (status, answer["data"]["errorCode"]) == (422, "invalid_parameter")
    assert script.ok("DELETE", path)["entries"] == []
    assert script.ok("GET", path)["entries"] == []


def test_another_account_does_not_see_the_dictionary(script: Script) -> None:
    put(script, entry("Nguyen", "nwin"))
    other = script.api.new_account()
    for method in ("GET", "PUT", "DELETE"):
        status, answer = script.api.request(
            method, f"{script.path}/pronunciations", body={"entries": []}, key=other.key
        )
        assert (status, answer["data"]["errorCode"]) == (404, "not_found"), method
    assert len(script.ok("GET", f"{script.path}/pronunciations")["entries"]) == 1


def test_the_entries_of_a_project_prevail(script: Script) -> None:
    script.ok("PUT", PATH, {"entries": [entry("Nguyen", "nwin"), entry("Bath", "barth")]})
    put(script, entry("nguyen", "win"))
    (block,) = script.insert("Nguyen lives in Bath.")
    assert spoken(script, script.record(block["id"])) == {"nguyen": "win", "Bath": "barth"}
    (block,) = script.insert("Nguyen leaves Bath.")
    made = script.ok("POST", f"{script.path}/takes", {})["list"]
    assert [spoken(script, take) for take in made] == [{"nguyen": "win", "Bath": "barth"}]


@pytest.mark.parametrize("of_account", [False, True])
def test_takes_with_another_pronunciation_are_stale(script: Script, of_account: bool) -> None:
    path = PATH if of_account else f"{script.path}/pronunciations"
    recorded(script, "Nguyen lives here.", "Nobody else.", "A Nguyenish man.")

    def change(*entries: Any) -> list[str]:
        script.ok("PUT", path, {"entries": entries})
        return states(script)

    assert change(entry("Nguyen", "nwin")) == ["stale", "ready", "ready"]
    assert script.blocks()[0]["take"]["stale"]
    assert script.ok("GET", script.path)["unrecorded"]["blocks"] == 1
    assert change() == ["ready"] * 3
    assert change(entry("Nguyen", "nwin")) == ["stale", "ready", "ready"]
    status, answer = script.send("POST", f"{script.path}/renders", {})
    assert status == 409
    assert "take is stale" in answer["msg"]
    (take,) = script.ok("POST", f"{script.path}/takes", {})["list"]
    assert states(script) == ["recording", "ready", "ready"]
    script.complete(take)
    assert states(script) == ["ready"] * 3
    assert script.ok("POST", f"{script.path}/takes", {})["list"] == []
    assert change(entry("else", "other"), entry("Nguyen", "nwin")) == ["ready", "stale", "ready"]
    assert change(entry("Nguyen", "win")) == ["stale", "ready", "ready"]
    assert change() == ["ready"] * 3  # the first take fits again


def test_entries_of_other_languages_leave_takes_fresh(script: Script) -> None:
    script.ok("PATCH", script.path, {"language": "English"})
    recorded(script, "A chat.")
    put(script, entry("chat", "shah", language="French"))
    assert states(script) == ["ready"]
    put(script, entry("chat", "shah", language="English"))
    assert states(script) == ["stale"]


def test_ssml_has_pronunciations_too(script: Script) -> None:
    body = {"text": "<speak>Ms. N<emphasis>guyen</emphasis></speak>", "textFormat": "ssml"}
    (block,) = script.ok("POST", f"{script.path}/blocks", {"blocks": [body]})["list"]
    script.complete(script.record(block["id"]))
    put(script, entry("emphasis", "stress"))
    assert states(script) == ["ready"]
    put(script, entry("Nguyen", "nwin"))
    assert states(script) == ["stale"]


def test_takes_of_earlier_versions_stay_fresh(script: Script) -> None:
    recorded(script, "Nguyen lives here.")
    with script.api.database.transaction() as session:
        taken = select(Take).where(Take.account_id == script.account.id)
        session.scalars(taken).one().reading = None
    put(script, entry("Nguyen", "nwin"))
    assert states(script) == ["ready"]
    assert script.ok("GET", script.path)["unrecorded"]["blocks"] == 0


def test_a_deleted_project_has_no_dictionary(script: Script) -> None:
    put(script, entry("Nguyen", "nwin"))
    assert kept(script) == 1
    script.ok("DELETE", script.path)
    assert kept(script) == 0


def test_an_erasure_includes_the_dictionary(script: Script) -> None:
    put(script, entry("secret", "word"))
    table = Base.metadata.tables["project_dictionaries"]
    owner = script.account
    with script.api.database.transaction() as session:
        assert "secret" in str(account_data.rows(session, table, owner.id))
    script.ok("DELETE", f"{API}/account?confirm={owner.id}")
    assert kept(script) == 0
