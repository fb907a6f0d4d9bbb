"""Links that sign in to the studio once."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import httpx2
import pytest
from sqlalchemy import select, update

from soundclone.core import keys, sessions
from soundclone.db.models import SignInLink

from ..conftest import Account, Api
from .conftest import Visit

LINKS = "/api/open-api/v1/sign-in-links"
REFUSAL = "sign-in link was used or has expired"


@pytest.fixture
def account(studio: Api) -> Account:
    return studio.new_account()


def new_link(studio: Api, account: Account) -> str:
    """Make a link. Returns its path and query."""
    status, body = studio.post(LINKS, {}, account.key)
    assert status == 200
    assert time.time() < body["data"]["expiresAt"] <= time.time() + sessions.LINK
    url = urlsplit(body["data"]["url"])
    assert url.path == "/studio/sign-in"
    return f"{url.path}?{url.query}"


def signed_in(visitor: httpx2.Client) -> bool:
    return visitor.get("/studio/account").status_code == 200


def test_a_link_signs_in_once(studio: Api, account: Account, visit: Visit) -> None:
    link = new_link(studio, account)
    first, second = visit(), visit()
    response = first.get(link)
    assert (response.status_code, response.headers["location"]) == (303, "/studio")
    assert signed_in(first)
    response = second.get(link)
    assert response.status_code == 401
    assert REFUSAL in response.text
    assert not signed_in(second)


def test_a_link_needs_a_key(studio: Api) -> None:
    assert studio.post(LINKS, {}, "sk_wrong")[0] == 401


def test_only_a_hash_of_a_link_is_stored(studio: Api, account: Account) -> None:
    token = new_link(studio, account).partition("link=")[2]
    with studio.database.read() as session:
        rows = session.scalars(select(SignInLink).where(SignInLink.key_id == account.key_id)).all()
    assert len(rows) == 1
    assert token not in (rows[0].hash, rows[0].key_id)


def test_a_link_expires(studio: Api, account: Account, visitor: httpx2.Client) -> None:
    link = new_link(studio, account)
    with studio.database.transaction() as session:
        session.execute(
            update(SignInLink).where(SignInLink.key_id == account.key_id).values(expires_at=1.0)
        )
    assert visitor.get(link).status_code == 401
    with studio.database.transaction() as session:
        sessions.delete_ended(session)
        assert not session.scalars(
            select(SignInLink).where(SignInLink.key_id == account.key_id)
        ).all()


def test_a_revoked_key_has_no_links(studio: Api, account: Account, visitor: httpx2.Client) -> None:
    link = new_link(studio, account)
    with studio.database.transaction() as session:
        keys.revoke(session, account.key_id)
    response = visitor.get(link)
    assert response.status_code == 401
    assert "API key was revoked on" in response.text


def test_a_link_replaces_the_session(studio: Api, account: Account, visitor: httpx2.Client) -> None:
    visitor.get(new_link(studio, studio.new_account()))
    visitor.get(new_link(studio, account))
    assert account.key[:9] in visitor.get("/studio/account").text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 401, id="from another site"),
        pytest.param({"Sec-Purpose": "prefetch"}, 503, id="prefetch"),
        pytest.param({"Purpose": "prefetch"}, 503, id="prefetch of older browsers"),
    ],
)
def test_a_link_is_not_used_up_by(
    studio: Api, account: Account, visitor: httpx2.Client, headers: dict[str, str], status: int
) -> None:
    link = new_link(studio, account)
    assert visitor.get(link, headers=headers).status_code == status
    assert not signed_in(visitor)
    assert visitor.get(link).status_code == 303
    assert signed_in(visitor)
