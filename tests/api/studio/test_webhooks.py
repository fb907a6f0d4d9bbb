"""The page of webhooks."""

from __future__ import annotations

import re

import httpx2

from soundclone.core import webhooks
from soundclone.core.webhooks import Outcome

from ..conftest import Api
from .visitors import new_key, sign_in

PAGE = "/studio/webhooks"


def test_endpoints_are_made_tested_replayed_and_deleted(
    studio: Api, visitor: httpx2.Client
) -> None:
    headers = {"X-CSRF-Token": sign_in(visitor, new_key(studio)), "HX-Request": "true"}
    assert f'href="{PAGE}"' in visitor.get("/studio/account").text
    assert "There are no endpoints yet" in visitor.get(PAGE).text
    form = {"url": "ftp://example.com/", "events": ["task.failed"]}
    refused = visitor.post(PAGE, data=form, headers=headers)
    assert (refused.status_code, refused.headers["X-Field"]) == (422, "url")
    form = {"url": "https://example.com/hook?x=<b>", "events": ["task.failed", "balance.low"]}
    made = visitor.post(PAGE, data=form, headers=headers).json()
    assert made["key"].startswith("whsec_")
    page = visitor.get(PAGE).text
    assert made["key"] not in page
    assert "x=&lt;b&gt;" in page
    path = f"{PAGE}/{made['id']}"
    rotated = visitor.post(f"{path}/rotation", headers=headers).json()
    assert rotated["key"] not in ("", made["key"])

    assert visitor.post(f"{path}/test", headers=headers).status_code == 204
    (delivery,) = set(re.findall(r"deliveries/(dlv_\w+)/replay", visitor.get(PAGE).text))
    with studio.database.transaction() as session:
        webhooks.record(session, f"{delivery}:1", Outcome(0.1, 410))
    for language, shown in (("en", "asks for no more messages"), ("zh", "表示不再接收消息")):
        assert shown in visitor.get(f"{PAGE}?lang={language}").text
    replay = f"{PAGE}/deliveries/{delivery}/replay"
    assert visitor.post(replay, headers=headers).status_code == 409
    for enabled in ("true", "false", "true"):
        done = visitor.patch(path, data={"enabled": enabled}, headers=headers)
        assert done.headers["HX-Refresh"] == "true"
    assert visitor.post(replay, headers=headers).status_code == 204
    assert visitor.delete(path, headers=headers).status_code == 204
    assert "dlv_" not in visitor.get(PAGE).text


def test_the_threshold_is_set(studio: Api, visitor: httpx2.Client) -> None:
    headers = {"X-CSRF-Token": sign_in(visitor, new_key(studio)), "HX-Request": "true"}
    for value, shown in (("12.5", 'value="12.5"'), ("", 'value=""')):
        done = visitor.post(f"{PAGE}/balance", data={"lowBalance": value}, headers=headers)
        assert done.status_code == 204
        assert shown in visitor.get(PAGE).text
    refused = visitor.post(f"{PAGE}/balance", data={"lowBalance": "-1"}, headers=headers)
    assert refused.status_code == 422


def test_a_stranger_sees_nothing(studio: Api, visitor: httpx2.Client) -> None:
    headers = {"X-CSRF-Token": sign_in(visitor, new_key(studio)), "HX-Request": "true"}
    form = {"url": "https://example.com/", "events": ["task.failed"]}
    made = visitor.post(PAGE, data=form, headers=headers).json()
    other = {"X-CSRF-Token": sign_in(visitor, new_key(studio)), "HX-Request": "true"}
    assert made["id"] not in visitor.get(PAGE).text
    for method, path in (
        ("POST", f"{PAGE}/{made['id']}/test"),
        ("POST", f"{PAGE}/{made['id']}/rotation"),
        ("DELETE", f"{PAGE}/{made['id']}"),
    ):
        assert visitor.request(method, path, headers=other).status_code == 404
