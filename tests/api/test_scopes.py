"""Scopes of keys: every route of every interface checks them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import update

from soundclone.api.auth import Authorised
from soundclone.api.studio.session import Permitted
from soundclone.core import keys
from soundclone.core.keys import Scope
from soundclone.db.models import Key, Task

from .conftest import Api
from .studio.conftest import visitor_of
from .studio.visitors import sign_in, token_of

API = "/api/open-api/v1"
PUBLIC = {
    "/",
    "/api/openapi/model/catalog",
    "/asyncapi.json",
    "/docs",
    "/files/{key:path}",  # signed links
    "/healthz",
    "/metrics",
    "/readyz",
    "/studio/report",  # of abuse, by anybody
    "/studio/sign-in",
    "/studio/sign-out",
    "/studio/verify",
    "/verify",  # shows an operator more
}


def routes(found: Any) -> Iterator[APIRoute]:
    """Every route, also below included routers."""
    for route in found:
        if isinstance(route, APIRoute):
            yield route
        else:
            inner = getattr(route, "original_router", None) or getattr(route, "router", None)
            yield from routes(getattr(inner, "routes", ()))


def guards(route: APIRoute) -> list[tuple[Scope, ...]]:
    left = [*route.dependant.dependencies]
    for each in left:
        left += each.dependencies
    calls = [each.call for each in left]
    return [call.scopes for call in calls if isinstance(call, Authorised | Permitted)]


def test_every_route_names_its_scopes(real_api: Api) -> None:
    found = list(routes(real_api.app.routes))
    assert len(found) > 50
    unguarded = {route.path for route in found if len(guards(route)) != 1}
    assert unguarded == PUBLIC


def key_with(api: Api, *scopes: Scope, account: str = "") -> str:
    """A key of a new account with these scopes alone."""
    made = api.new_account(account=account)
    with api.database.transaction() as session:
        stored = keys.stored_scopes(scopes)
        session.execute(update(Key).where(Key.id == made.key_id).values(scopes=stored))
    return made.key


TASK = f"{API}/audios/audio_{uuid.UUID(int=0)}"
VOICE = "model_" + "0" * 32
REQUESTS = [
    ("GET", TASK, "read speak clone"),
    ("DELETE", TASK, "speak clone"),
    ("DELETE", f"{TASK}/result", "speak clone"),
    ("GET", f"{API}/audios", "read"),
    ("POST", f"{API}/soundCloning/clones", "clone"),
    ("POST", f"{API}/soundCloning/audios", "speak"),
    ("POST", f"{API}/files/upload", "clone"),
    ("GET", f"{API}/voices", "read"),
    ("PATCH", f"{API}/voices/{VOICE}", "clone"),
    ("DELETE", f"{API}/voices/{VOICE}", "clone"),
    ("DELETE", f"{API}/voices/{VOICE}/consent", "clone"),
    ("GET", f"{API}/languages", "read speak clone"),
    ("GET", f"{API}/user/balance", "read account"),
    ("GET", f"{API}/key/balance", "read speak clone account operator"),
    ("GET", f"{API}/account", "read account"),
    ("GET", f"{API}/account/export", "account"),
    ("DELETE", f"{API}/account", "account"),
    ("PATCH", f"{API}/account", "account"),
    ("GET", f"{API}/webhooks", "account"),
    ("POST", f"{API}/webhooks", "account"),
    ("GET", f"{API}/webhooks/hook_1", "account"),
    ("PATCH", f"{API}/webhooks/hook_1", "account"),
    ("DELETE", f"{API}/webhooks/hook_1", "account"),
    ("POST", f"{API}/webhooks/hook_1/rotation", "account"),
    ("POST", f"{API}/webhooks/hook_1/test", "account"),
    ("GET", f"{API}/webhook-deliveries", "account"),
    ("GET", f"{API}/webhook-deliveries/dlv_1", "account"),
    ("POST", f"{API}/webhook-deliveries/dlv_1/replay", "account"),
    ("GET", f"{API}/keys", "account operator"),
    ("POST", f"{API}/keys", "account"),
    ("POST", f"{API}/keys/key_1/rotation", "account"),
    ("DELETE", f"{API}/keys/key_1", "account operator"),
    ("GET", "/v1/models", "read speak clone"),
    ("GET", "/v1/audio/models", "read speak clone"),
    ("POST", "/v1/audio/speech", "speak"),
    ("GET", "/v1/audio/voice_consents", "read"),
    ("POST", "/v1/audio/voice_consents", "clone"),
    ("GET", "/v1/audio/voice_consents/cons_1", "read"),
    ("POST", "/v1/audio/voice_consents/cons_1", "clone"),
    ("DELETE", "/v1/audio/voice_consents/cons_1", "clone"),
    ("GET", "/v1/audio/voices", "read"),
    ("POST", "/v1/audio/voices", "clone"),
    ("GET", f"/v1/audio/voices/{VOICE}", "read"),
    ("DELETE", f"/v1/audio/voices/{VOICE}", "clone"),
]


@pytest.fixture(scope="module")
def scoped(real_api: Api) -> dict[Scope, str]:
    """A key for each scope."""
    return {scope: key_with(real_api, scope) for scope in Scope}


@pytest.mark.parametrize(("method", "path", "allowed"), REQUESTS)
def test_a_key_without_the_scope_is_refused(
    real_api: Api, scoped: dict[Scope, str], method: str, path: str, allowed: str
) -> None:
    for scope, key in scoped.items():
        response = real_api.send(method, path, key=key)
        status, refused = response.status_code, response.status_code == 403
        assert refused == (scope not in allowed.split()), (scope, status)
        if refused:
            body = response.json()
            message = body["error"]["message"] if path.startswith("/v1") else body["msg"]
            assert f"its scopes are {scope}" in message
            code = body["error"]["code"] if path.startswith("/v1") else body["data"]["errorCode"]
            assert code == ("insufficient_permissions" if path.startswith("/v1") else "forbidden")
        assert status != 401


def test_a_key_stops_only_tasks_that_it_could_submit(real_api: Api) -> None:
    owner = real_api.new_account()
    body = {"fileUrl": "https://example.com/a.mp3", "contentText": "Hello."}
    made = real_api.post(f"{API}/soundCloning/clones", body, owner.key)[1]["data"]["id"]
    speaker = key_with(real_api, Scope.SPEAK, account=owner.id)
    status, answer = real_api.request("DELETE", f"{API}/audios/{made}", key=speaker)
    assert (status, answer["data"]["errorCode"]) == (403, "forbidden")
    assert "lacks the scope clone" in answer["msg"]
    assert real_api.get(f"{API}/audios/{made}", speaker)[1]["data"]["status"] == "queued"
    cloner = key_with(real_api, Scope.CLONE, account=owner.id)
    status, answer = real_api.request("DELETE", f"{API}/audios/{made}", key=cloner)
    assert (status, answer["data"]["errorCode"]) == (200, "cancelled")


def test_an_expired_key_cannot_poll(real_api: Api) -> None:
    owner = real_api.new_account()
    body = {"fileUrl": "https://example.com/a.mp3", "contentText": "Hello."}
    made = real_api.post(f"{API}/soundCloning/clones", body, owner.key)[1]["data"]["id"]
    with real_api.database.transaction() as session:
        session.execute(
            update(Key).where(Key.id == owner.key_id).values(expires_at=time.time() - 1)
        )
        session.execute(update(Task).where(Task.id == made).values(progress=1))
    status, answer = real_api.get(f"{API}/audios/{made}", owner.key)
    assert (status, answer["data"]["errorCode"]) == (401, "unauthenticated")
    assert "expired on" in answer["msg"]


PAGES = {
    "clone": "clone",
    "speak": "read speak",
    "voices": "read",
    "history": "read",
    "account": "account",
    "operator": "operator",
}


@pytest.mark.parametrize("scopes", ["read", "clone", "account", "read speak", "operator"])
def test_the_studio_shows_the_pages_of_the_scopes(real_api: Api, scopes: str) -> None:
    visitor = visitor_of(real_api)
    key = key_with(real_api, *map(Scope, scopes.split()))
    page = visitor.get("/studio/sign-in").text
    form = {"key": key, "token": token_of(page)}
    visitor.post("/studio/sign-in", data=form)
    for name, needed in PAGES.items():
        response = visitor.get(f"/studio/{name}")
        allowed = set(needed.split()) <= set(scopes.split())
        assert response.status_code == (200 if allowed else 403), name
        assert (f'href="/studio/{name}"' in response.text) == allowed
    home = visitor.get("/studio")
    assert visitor.get(home.headers["Location"]).status_code == 200


def test_the_studio_gives_no_rights_that_the_visitor_lacks(real_api: Api) -> None:
    visitor = visitor_of(real_api)
    owner = real_api.new_account()
    manager = key_with(real_api, Scope.ACCOUNT, Scope.READ, account=owner.id)
    headers = {"X-CSRF-Token": sign_in(visitor, manager), "Accept": "application/json"}
    form = {"name": "new", "scopes": ["read", "speak", "operator"], "expires": "30"}
    made = visitor.post("/studio/keys", data=form, headers=headers).json()
    with real_api.database.read() as session:
        key = session.get_one(Key, made["id"])
        assert key.scopes == "read"
        assert key.expires_at == pytest.approx(time.time() + 30 * 86_400, abs=60)
    refused = visitor.post(f"/studio/keys/{owner.key_id}/rotation", headers=headers)
    assert refused.status_code == 403
    assert "cannot be rotated" in refused.json()["message"]
    rotated = visitor.post(f"/studio/keys/{made['id']}/rotation", headers=headers).json()
    assert rotated["key"] != made["key"]
    for text in (made["key"], rotated["key"]):  # in the overlap
        assert real_api.get(f"{API}/voices", text)[0] == 200
    for scopes in ("", "write"):
        form = {"name": "new", "scopes": scopes}
        assert visitor.post("/studio/keys", data=form, headers=headers).status_code == 422
