"""Webhooks over HTTP: endpoints, their secrets, the log of deliveries, replays."""

from __future__ import annotations

import time
from typing import Any

import pytest

from soundclone.core import webhooks
from soundclone.core.webhooks import Outcome
from soundclone.db.models import WebhookEndpoint

from .conftest import Account, Api

API = "/api/open-api/v1"
HOOKS = f"{API}/webhooks"
LOG = f"{API}/webhook-deliveries"


def word(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["data"]["errorCode"]


@pytest.fixture
def owner(real_api: Api) -> Account:
    return real_api.new_account()


def made(api: Api, owner: Account, **body: Any) -> Any:
    status, answer = api.post(HOOKS, {"url": "https://example.com/hook"} | body, owner.key)
    assert status == 200, answer
    return answer["data"]


def test_an_endpoint_is_made_changed_rotated_and_deleted(real_api: Api, owner: Account) -> None:
    hook = made(real_api, owner, events=["task.failed"], description=" pager ")
    assert hook["secret"].startswith("whsec_")
    assert (hook["events"], hook["description"], hook["enabled"]) == (
        ["task.failed"], "pager", True,
    )  # fmt: skip
    path = f"{HOOKS}/{hook['id']}"
    shown = real_api.get(path, owner.key)[1]["data"]
    assert shown == {name: value for name, value in hook.items() if name != "secret"}
    assert real_api.get(HOOKS, owner.key)[1]["data"]["list"] == [shown]

    change = {"url": "http://example.org/x", "events": ["task.succeeded"], "enabled": False}
    changed = real_api.request("PATCH", path, body=change, key=owner.key)[1]["data"]
    assert {name: changed[name] for name in change} == change
    assert changed["description"] == "pager"
    assert word(real_api.request("POST", f"{path}/test", key=owner.key)) == (409, "conflict")

    rotated = real_api.request("POST", f"{path}/rotation?overlapHours=1", key=owner.key)[1]["data"]
    assert rotated["secret"] not in ("", hook["secret"])
    assert rotated["formerUntil"] == pytest.approx(time.time() + 3600, abs=60)
    deleted = real_api.request("DELETE", path, key=owner.key)[1]["data"]
    assert deleted == {"id": hook["id"], "deleted": True}
    assert word(real_api.get(path, owner.key)) == (404, "not_found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": "ftp://example.com/"},
        {"url": "https://example.com/", "events": ["task.started"]},
        {"url": "https://example.com/", "events": []},
        {"url": "https://example.com/", "description": "x" * 201},
    ],
)
def test_wrong_endpoints_are_refused(real_api: Api, owner: Account, body: Any) -> None:
    assert word(real_api.post(HOOKS, body, owner.key)) == (422, "invalid_parameter")


def test_a_test_event_is_logged_and_replayed(real_api: Api, owner: Account) -> None:
    stranger = real_api.new_account()
    hook = made(real_api, owner)
    sent = real_api.request("POST", f"{HOOKS}/{hook['id']}/test", key=owner.key)[1]["data"]
    assert (sent["type"], sent["status"], sent["attempts"]) == ("webhook.test", "pending", 0)
    assert sent["payload"]["data"] == {"endpoint": hook["id"]}
    assert sent["message"].startswith("msg_")
    with real_api.database.transaction() as session:
        webhooks.record(session, f"{sent['id']}:1", Outcome(0.25, 410))
    path = f"{LOG}/{sent['id']}"
    shown = real_api.get(path, owner.key)[1]["data"]
    assert (shown["status"], shown["statusCode"], shown["seconds"]) == ("failed", 410, 0.25)
    assert shown["error"] == "the endpoint answered 410 Gone"
    assert not real_api.get(f"{HOOKS}/{hook['id']}", owner.key)[1]["data"]["enabled"]
    assert word(real_api.request("POST", f"{path}/replay", key=owner.key)) == (409, "conflict")
    real_api.request("PATCH", f"{HOOKS}/{hook['id']}", body={"enabled": True}, key=owner.key)
    again = real_api.request("POST", f"{path}/replay", key=owner.key)[1]["data"]
    assert (again["status"], again["message"]) == ("pending", sent["message"])
    for method, target in (("GET", path), ("POST", f"{path}/replay")):
        assert word(real_api.request(method, target, key=stranger.key)) == (404, "not_found")


def test_the_log_has_pages_and_filters(real_api: Api, owner: Account) -> None:
    first, second = made(real_api, owner), made(real_api, owner)
    for hook in (first, second, first):
        real_api.request("POST", f"{HOOKS}/{hook['id']}/test", key=owner.key)
    page = real_api.get(f"{LOG}?limit=2", owner.key)[1]["data"]
    assert len(page["list"]) == 2
    rest = real_api.get(f"{LOG}?limit=2&cursor={page['nextCursor']}", owner.key)[1]["data"]
    assert (len(rest["list"]), rest["nextCursor"]) == (1, None)
    assert len({each["id"] for each in page["list"] + rest["list"]}) == 3
    mine = real_api.get(f"{LOG}?webhook={second['id']}", owner.key)[1]["data"]["list"]
    assert [each["webhook"] for each in mine] == [second["id"]]
    assert real_api.get(f"{LOG}?status=failed", owner.key)[1]["data"]["list"] == []
    assert word(real_api.get(f"{LOG}?cursor=x", owner.key)) == (422, "invalid_parameter")


def test_the_threshold_of_the_balance(real_api: Api, owner: Account) -> None:
    path = f"{API}/account"
    assert real_api.get(path, owner.key)[1]["data"]["lowBalance"] is None
    for value, shown in ((12.5, 12.5), (0, None)):
        answer = real_api.request("PATCH", path, body={"lowBalance": value}, key=owner.key)
        assert answer[1]["data"]["lowBalance"] == shown
        assert real_api.get(path, owner.key)[1]["data"]["lowBalance"] == shown
    bad = real_api.request("PATCH", path, body={"lowBalance": -1}, key=owner.key)
    assert word(bad) == (422, "invalid_parameter")


def test_the_database_has_no_readable_secret(real_api: Api, owner: Account) -> None:
    hook = made(real_api, owner)
    with real_api.database.read() as session:
        stored = session.get_one(WebhookEndpoint, hook["id"])
        assert hook["secret"].removeprefix("whsec_") not in stored.secret
