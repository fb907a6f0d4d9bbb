"""The API on a port, with a worker that is only pretended, for tests with real clients."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import func, select

from soundclone.api.connections import Limits
from soundclone.api.server import bounded
from soundclone.config import Settings
from soundclone.core import ledger
from soundclone.db.models import Task
from soundclone_client import Client
from tests import rows
from tests.service import free_port

from .conftest import Account, Api
from .pretended import PretendedWorker


class Site:
    """A served API."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.port = free_port()
        self.server = bounded(api.app, Limits(), port=self.port, timeout_graceful_shutdown=1)
        self.worker = PretendedWorker(api)
        self.url = f"http://127.0.0.1:{self.port}"

    def account(self, credit: float = 100) -> Account:
        account = self.api.new_account(credit)
        with self.api.database.transaction() as opened:
            opened.add(rows.voice(account.id, id=f"model_{uuid.uuid4().hex}", name="Anna"))
        return account

    def client(self, account: Account) -> Client:
        return Client(self.url, account.key)

    def used(self, account: Account) -> int:
        """Micro-credits that the account has used, once no task holds any."""
        until = time.monotonic() + 20
        while True:
            with self.api.database.read() as read:
                balance = ledger.balance(read, account.id)
            if not balance.held:
                return balance.used
            assert time.monotonic() < until
            time.sleep(0.02)

    def tasks(self, account: Account) -> int:
        query = select(func.count()).where(Task.account_id == account.id)
        with self.api.database.read() as read:
            return read.scalar(query) or 0


@contextmanager
def served(folder: Path, *, stream_wait: float = 3.0) -> Iterator[Site]:
    """Serve the API on a folder, with its pretended worker."""
    api = Api(Settings(data_dir=folder, stream_wait=stream_wait))
    site = Site(api)
    serving = threading.Thread(target=site.server.run)
    serving.start()
    site.worker.start()
    while not site.server.started:
        time.sleep(0.02)
    yield site
    site.server.should_exit = True
    site.worker.stopping.set()
    serving.join()
    site.worker.join()
    api.database.close()
