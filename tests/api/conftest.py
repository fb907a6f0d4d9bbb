"""The API in this process: on SQLite and a local store, without a server and without a worker."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from soundclone.api.app import create_app
from soundclone.config import Settings
from soundclone.core import keys, ledger
from soundclone.core.pricing import to_micro
from soundclone.db.migrate import upgrade
from soundclone.db.session import Database
from soundclone.jobs import queue


@dataclass(frozen=True)
class Account:
    """An account with one key."""

    id: str
    key_id: str
    key: str


class Api:
    """An application and a client of it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.database)
        upgrade(self.database)
        queue.prepare(self.database)
        settings.create_secret()
        self.app: FastAPI = create_app(settings)
        self.client = TestClient(self.app, raise_server_exceptions=False)

    @property
    def real(self) -> bool:
        """The contract's paths answer with real statuses."""
        return self.settings.real_status

    def new_account(self, credit: float = 100, *, account: str = "", quota: str = "0") -> Account:
        """Make a key, of a new account unless `account` names one."""
        with self.database.transaction() as session:
            account = account or ledger.open_account(session, "test").id
            key, text = keys.create(
                session,
                self.settings.secret,
                account_id=account,
                name="test",
                quota=to_micro(quota),
            )
            if credit:
                ledger.credit(session, account, to_micro(str(credit)))
            return Account(account, key.id, text)

    def send(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        body: Any = None,
        headers: Iterable[tuple[str, str]] = (),
        files: Any = None,
        data: Any = None,
    ) -> httpx2.Response:
        """Return the response to a request. `body` is JSON, or the bytes of JSON."""
        sent = list(headers)
        if key is not None:
            sent.append(("Authorization", f"Bearer {key}"))
        content = None
        if body is not None:
            # Not by the client, which cannot write half of a surrogate pair.
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent.append(("Content-Type", "application/json"))
        return self.client.request(
            method,
            path,
            headers=[(name.encode(), value.encode("latin-1")) for name, value in sent],
            content=content,
            data=data,
            files=files,
            follow_redirects=False,
        )

    def request(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Return the status and the JSON of a response."""
        response = self.send(method, path, **options)
        return response.status_code, response.json()

    def get(self, path: str, key: str | None = None) -> tuple[int, Any]:
        """Return the status and the JSON of a GET."""
        return self.request("GET", path, key=key)

    def post(
        self, path: str, body: Any, key: str, headers: Iterable[tuple[str, str]] = ()
    ) -> tuple[int, Any]:
        """Return the status and the JSON of a POST of JSON."""
        return self.request("POST", path, body=body, key=key, headers=headers)


def serve(folder: Path, **options: Any) -> Iterator[Api]:
    """An API on a new folder, while the generator is suspended."""
    served = Api(Settings(data_dir=folder, **options))
    with served.client:
        yield served
    served.database.close()


@pytest.fixture(scope="session", params=["contract", "real"])
def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The API with the contract's statuses, and with real ones."""
    yield from serve(tmp_path_factory.mktemp("api"), real_status=request.param == "real")


@pytest.fixture(scope="session")
def real_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The API with real statuses, for tests that do not depend on them."""
    yield from serve(tmp_path_factory.mktemp("real_api"), real_status=True)


@pytest.fixture(scope="session")
def account(api: Api) -> Account:
    """An account with credit in `api`."""
    return api.new_account()


@pytest.fixture(scope="session")
def key(account: Account) -> str:
    """The key of an account with credit in `api`."""
    return account.key
