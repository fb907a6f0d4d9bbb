"""Export and erasure of an account on its page."""

from __future__ import annotations

import io
import zipfile

import httpx2
from sqlalchemy import select

from soundclone.core import keys
from soundclone.db.models import Account, Key

from ..conftest import Api
from .visitors import new_key, sign_in, token_of


def account_of(studio: Api, key: str) -> str:
    with studio.database.read() as session:
        return keys.authenticate(session, studio.settings.secrets, key).account_id


def test_an_account_is_exported(studio: Api, visitor: httpx2.Client) -> None:
    key = new_key(studio)
    sign_in(visitor, key)
    page = visitor.get("/studio/account").text
    assert 'href="/studio/account/export"' in page
    response = visitor.get("/studio/account/export")
    account = account_of(studio, key)
    assert f'filename="{account}.zip"' in response.headers["Content-Disposition"]
    archive = zipfile.ZipFile(io.BytesIO(response.content))
    assert account.encode() in archive.read("data/accounts.jsonl")


def test_an_account_is_erased_once_its_id_is_typed(studio: Api, visitor: httpx2.Client) -> None:
    key = new_key(studio)
    account = account_of(studio, key)
    headers = {"X-CSRF-Token": sign_in(visitor, key), "HX-Request": "true"}
    for confirm in ("", "acct_1"):
        form = {"confirm": confirm}
        refused = visitor.post("/studio/account/erasure", data=form, headers=headers)
        assert (refused.status_code, refused.headers["X-Field"]) == (422, "confirm")
    assert visitor.get("/studio/account").status_code == 200
    form = {"confirm": f" {account} "}
    done = visitor.post("/studio/account/erasure", data=form, headers=headers)
    assert done.status_code == 200
    assert "The account is erased" in done.text
    assert "/studio/history" not in done.text  # nobody is signed in
    assert token_of(done.text) != headers["X-CSRF-Token"]
    assert visitor.get("/studio/account").headers["Location"].startswith("/studio/sign-in")
    with studio.database.read() as session:
        assert session.get_one(Account, account).name == "erased"
        assert not session.scalars(select(Key).where(Key.account_id == account)).all()


def test_a_key_with_a_quota_erases_nothing(studio: Api, visitor: httpx2.Client) -> None:
    key = new_key(studio, quota=1)
    headers = {"X-CSRF-Token": sign_in(visitor, key), "HX-Request": "true"}
    assert "Such a key cannot erase the account" in visitor.get("/studio/account").text
    form = {"confirm": account_of(studio, key)}
    refused = visitor.post("/studio/account/erasure", data=form, headers=headers)
    assert refused.status_code == 403
    assert visitor.get("/studio/account").status_code == 200
