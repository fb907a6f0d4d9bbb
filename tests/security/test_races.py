"""Requests that race for the same money, key or task, on SQLite and on Postgres."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.service import API, Service

pytestmark = pytest.mark.slow

CLONE = {"fileUrl": "https://example.com/a.mp3", "contentText": "x" * 100}  # 0.1 credits
PRICE = 0.1


def at_once(count: int, work: Callable[[int], tuple[int, Any]]) -> list[dict[str, Any]]:
    """The bodies of `count` answers to requests that are sent together."""
    with ThreadPoolExecutor(count) as pool:
        answers = list(pool.map(work, range(count)))
    assert all(status == 200 for status, _ in answers), answers
    return [body for _, body in answers]


def ledger(service: Service, account: str) -> dict[str, Any]:
    """The account's balance, after an audit of the whole ledger."""
    found = service.command("credit", "ledger", "--account", account, "--json")
    assert found["sound"] is True
    assert found["sum"] == 0
    balance: dict[str, Any] = found["balance"]
    assert balance["available"] >= 0
    return balance


def test_more_submissions_than_money(api: Service) -> None:
    account, key = api.new_key(9.7 * PRICE)
    answers = at_once(50, lambda _: api.post(f"{API}/soundCloning/clones", CLONE, key))
    codes = Counter(answer["code"] for answer in answers)
    assert codes == {20000: 9, -1: 41}
    refused = [answer for answer in answers if answer["code"] == -1]
    assert {answer["data"]["errorCode"] for answer in refused} == {"insufficient_balance"}
    assert ledger(api, account)["held"] == pytest.approx(9 * PRICE)


def test_more_submissions_than_the_keys_quota(api: Service) -> None:
    account, _ = api.new_key(100)
    made = api.command(
        *("keys", "create", "--name", "small", "--account", account),
        *("--quota", str(round(4.9 * PRICE, 6)), "--json"),
    )
    answers = at_once(30, lambda _: api.post(f"{API}/soundCloning/clones", CLONE, made["key"]))
    assert Counter(answer["code"] for answer in answers) == {20000: 4, -1: 26}
    assert ledger(api, account)["held"] == pytest.approx(4 * PRICE)


def test_one_idempotency_key_makes_one_task(api: Service) -> None:
    account, key = api.new_key(100)
    header = [("Idempotency-Key", "the same")]
    answers = at_once(50, lambda _: api.post(f"{API}/soundCloning/clones", CLONE, key, header))
    assert len({answer["data"]["id"] for answer in answers}) == 1
    assert ledger(api, account)["held"] == pytest.approx(PRICE)


def test_cancelled_many_times_is_released_once(api: Service) -> None:
    account, key = api.new_key(100)
    tasks = [api.post(f"{API}/soundCloning/clones", CLONE, key)[1]["data"]["id"] for _ in range(5)]
    answers = at_once(
        40, lambda turn: api.request("DELETE", f"{API}/audios/{tasks[turn % 5]}", key=key)
    )
    assert {answer["data"]["status"] for answer in answers} == {"failed"}
    balance = ledger(api, account)
    assert balance["held"] == 0
    assert balance["available"] == 100


def test_submissions_and_cancellations_together(api: Service) -> None:
    account, key = api.new_key(10 * PRICE)

    def turn(_: int) -> tuple[int, Any]:
        status, body = api.post(f"{API}/soundCloning/clones", CLONE, key)
        if body and body["code"] == 20000:
            return api.request("DELETE", f"{API}/audios/{body['data']['id']}", key=key)
        return status, body

    at_once(60, turn)
    balance = ledger(api, account)
    assert balance["held"] == 0
    assert balance["used"] == 0


def test_revoked_while_in_use(api: Service) -> None:
    account, key = api.new_key(100)

    def turn(index: int) -> tuple[int, Any]:
        if index == 5:
            api.command("keys", "revoke", key[:9], "--json")
        return api.post(f"{API}/soundCloning/clones", CLONE, key)

    answers = at_once(20, turn)
    assert {answer["code"] for answer in answers} <= {20000, 20001}
    assert api.post(f"{API}/soundCloning/clones", CLONE, key)[1]["code"] == 20001
    accepted = sum(answer["code"] == 20000 for answer in answers)
    assert ledger(api, account)["held"] == pytest.approx(accepted * PRICE)


def test_other_accounts_see_nothing(api: Service) -> None:
    _, key = api.new_key(100)
    _, stranger = api.new_key(100)
    task = api.post(f"{API}/soundCloning/clones", CLONE, key)[1]["data"]["id"]
    absent = "audio_00000000-0000-4000-8000-000000000000"
    for method in ("GET", "DELETE"):
        foreign = api.request(method, f"{API}/audios/{task}", key=stranger)[1]
        unknown = api.request(method, f"{API}/audios/{absent}", key=stranger)[1]
        assert foreign["code"] == unknown["code"] == 20002
        assert foreign["msg"].replace(task, "X") == unknown["msg"].replace(absent, "X")
    assert api.get(f"{API}/audios/{task}", key)[1]["data"]["status"] == "queued"
