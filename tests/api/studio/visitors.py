"""Sign in to the studio, with any HTTP client."""

from __future__ import annotations

import re

import httpx2

from soundclone.core import keys, ledger

from ..conftest import Api


def new_key(
    served: Api, credit: int = 0, quota: int = 0, operator: bool = False, name: str = "tést"
) -> str:
    """Return a key of a new account. `credit` and `quota` are micro-credits."""
    with served.database.transaction() as session:
        account = ledger.open_account(session, name)
        if credit:
            ledger.credit(session, account.id, credit)
        _, key = keys.create(
            session,
            served.settings.secret,
            account_id=account.id,
            name=name,
            quota=quota,
            scopes=keys.USUAL | {keys.Scope.OPERATOR} if operator else keys.USUAL,
        )
    return key


def sign_in(client: httpx2.Client, key: str) -> str:
    """Sign in and return the CSRF token of the session."""
    page = client.get("/studio/sign-in").text
    response = client.post("/studio/sign-in", data={"key": key, "token": token_of(page)})
    assert response.status_code == 303, response.text
    return token_of(client.get("/studio/account").text)


def token_of(page: str) -> str:
    """Return the CSRF token of a page."""
    found = re.search(r'name="csrf-token" content="([\w-]{43})"', page)
    assert found
    return found[1]
