"""API keys over HTTP: a key never gives more than it has."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import update

from soundclone.core.keys import Scope, stored_scopes
from soundclone.db.models import Key

from .conftest import Account, Api

API = "/api/open-api/v1"
DAY = 86_400


def set_key(api: Api, account: Account, **values: Any) -> None:
    with api.database.transaction() as session:
        session.execute(update(Key).where(Key.id == account.key_id).values(**values))


def word(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["data"]["errorCode"]


@pytest.fixture
def owner(real_api: Api) -> Account:
    return real_api.new_account()


def test_a_key_is_created_listed_rotated_and_revoked(real_api: Api, owner: Account) -> None:
    end = int(time.time()) + 30 * DAY
    body = {"name": " announcer ", "scopes": ["speak"], "expiresAt": end, "quota": 2.5}
    status, answer = real_api.post(f"{API}/keys", body, owner.key)
    made = answer["data"]
    assert (status, made["name"], made["scopes"]) == (200, "announcer", ["speak"])
    assert (made["expiresAt"], made["quota"], made["used"]) == (end, 2.5, 0)
    assert made["account"] == owner.id
    assert made["key"].startswith(made["display"].rstrip("…"))
    assert real_api.get(f"{API}/languages", made["key"])[0] == 200
    assert word(real_api.get(f"{API}/voices", made["key"])) == (403, "forbidden")

    listed = real_api.get(f"{API}/keys", owner.key)[1]["data"]["list"]
    assert [each["id"] for each in listed] == [made["id"], owner.key_id]
    assert not any("key" in each for each in listed)

    path = f"{API}/keys/{made['id']}/rotation"
    status, answer = real_api.request("POST", path, key=owner.key)
    rotated = answer["data"]
    assert (status, rotated["id"], rotated["scopes"]) == (200, made["id"], ["speak"])
    assert rotated["formerUntil"] == pytest.approx(time.time() + DAY, abs=60)
    for text in (made["key"], rotated["key"]):
        assert real_api.get(f"{API}/languages", text)[0] == 200
    status, answer = real_api.request("POST", f"{path}?overlapHours=0", key=owner.key)
    assert answer["data"]["formerUntil"] is None
    for text in (made["key"], rotated["key"]):
        assert real_api.get(f"{API}/languages", text)[0] == 401
    assert word(real_api.request("POST", f"{path}?overlapHours=721", key=owner.key)) == (
        422,
        "invalid_parameter",
    )

    for _ in range(2):  # revoking a revoked key changes nothing
        status, revoked = real_api.request("DELETE", f"{API}/keys/{made['id']}", key=owner.key)
        assert status == 200
        assert revoked["data"]["revokedAt"] <= time.time()
    assert real_api.get(f"{API}/languages", answer["data"]["key"])[0] == 401
    assert word(real_api.request("POST", path, key=owner.key)) == (409, "conflict")


def test_a_key_creates_no_key_of_more_rights(real_api: Api, owner: Account) -> None:
    end = time.time() + 10 * DAY
    set_key(real_api, owner, expires_at=end, scopes=stored_scopes([Scope.ACCOUNT, Scope.READ]))
    status, answer = real_api.post(f"{API}/keys", {"name": "same"}, owner.key)
    assert (status, answer["data"]["scopes"]) == (200, ["read", "account"])
    assert answer["data"]["expiresAt"] == int(end)
    for more in (
        {"scopes": ["read", "speak"]},
        {"scopes": ["operator"]},
        {"expiresAt": int(end) + 2},
    ):
        refused = real_api.post(f"{API}/keys", {"name": "more", **more}, owner.key)
        assert word(refused) == (403, "forbidden"), more
    other = real_api.new_account(account=owner.id, credit=0)  # with more scopes, for ever
    path = f"{API}/keys/{other.key_id}"
    assert word(real_api.request("POST", f"{path}/rotation", key=owner.key)) == (403, "forbidden")
    limited = real_api.new_account(account=owner.id, quota="5", credit=0)
    for method, target in (("POST", f"{API}/keys"), ("DELETE", path), ("POST", f"{path}/rotation")):
        body = {"name": "free"}
        refused = real_api.request(method, target, key=limited.key, body=body)
        assert word(refused) == (403, "forbidden"), target
        assert "has a quota" in refused[1]["msg"]


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({}, "name is missing"),
        ({"name": " "}, "name is empty"),
        ({"name": "n" * 81}, "81 characters"),
        ({"name": "n", "scopes": ["write"]}, "scopes is 'write'"),
        ({"name": "n", "scopes": []}, "at least one scope"),
        ({"name": "n", "expiresAt": 1}, "is past"),
        ({"name": "n", "expiresAt": -(10**30)}, "is past"),
        ({"name": "n", "expiresAt": 10**30}, "at most 36500"),
        ({"name": "n", "quota": -1}, "quota is negative"),
        ({"name": "n", "quota": 1e300}, "too much"),
    ],
)
def test_wrong_requests_are_explained(
    real_api: Api, owner: Account, body: dict[str, Any], part: str
) -> None:
    status, answer = real_api.post(f"{API}/keys", body, owner.key)
    assert (status, answer["data"]["errorCode"]) == (422, "invalid_parameter")
    assert part in answer["msg"]


def test_keys_of_other_accounts_are_for_operators(real_api: Api, owner: Account) -> None:
    other, operator = real_api.new_account(), real_api.new_account()
    set_key(real_api, operator, scopes=Scope.OPERATOR)
    path, listing = f"{API}/keys/{other.key_id}", f"{API}/keys?account={other.id}"
    assert word(real_api.request("DELETE", path, key=owner.key)) == (404, "not_found")
    assert word(real_api.request("POST", f"{path}/rotation", key=owner.key)) == (404, "not_found")
    assert word(real_api.get(listing, owner.key)) == (403, "forbidden")
    (row,) = real_api.get(listing, operator.key)[1]["data"]["list"]
    assert (row["id"], row["account"]) == (other.key_id, other.id)
    assert real_api.request("DELETE", path, key=operator.key)[0] == 200
    assert real_api.get(f"{API}/voices", other.key)[0] == 401


def test_an_account_shows_its_id(real_api: Api, owner: Account) -> None:
    status, answer = real_api.get(f"{API}/account", owner.key)
    assert (status, answer["data"]["id"], answer["data"]["name"]) == (200, owner.id, "test")


def test_verification_states_that_the_key_is_optional(real_api: Api) -> None:
    document = real_api.get("/openapi.json")[1]
    assert document["paths"]["/verify"]["post"]["security"] == [{}, {"bearerAuth": []}]
    assert document["paths"][f"{API}/keys"]["post"]["security"] == [{"bearerAuth": []}]
    assert "bearerAuth" in document["components"]["securitySchemes"]
