"""Bytes of results: reserved, measured, bounded and given back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from soundclone.core import tasks
from soundclone.db.models import Account, Task
from soundclone.db.session import Database
from soundclone.errors import Expired, StateConflict, TaskCancelled, TooLarge
from tests import rows
from tests.integration.test_ledger import KEEP, customer, order

QUOTA = 1000


def submit(database: Database, account: str, key: str, size: int) -> str:
    with database.transaction() as session:
        wanted = replace(order(account, key, 1), size=size)
        made = tasks.submit(session, wanted, lambda *_: None, active_limit=1000, result_quota=QUOTA)
        return made.id


def complete(database: Database, task: str, size: int) -> None:
    with database.transaction() as session:
        assert tasks.complete(session, task, rows.RESULT, keep=KEEP, voice=None, size=size)


def kept(database: Database, account: str) -> int:
    with database.read() as session:
        return session.get_one(Account, account).kept


def test_results_have_a_quota(database: Database) -> None:
    account, key = customer(database, 100)
    first = submit(database, account, key, 600)
    with pytest.raises(TooLarge) as refused:
        submit(database, account, key, 401)
    assert refused.value.message == (
        "the results of this account take 600 bytes and this task may take 401; at most 1,000 are "
        "kept at a time; delete results, or wait until some expire"
    )
    assert kept(database, account) == 600
    second = submit(database, account, key, 400)
    with database.transaction() as session:
        tasks.fail(session, second, TaskCancelled("x"), keep=KEEP)
    assert kept(database, account) == 600
    complete(database, first, 250)  # it was less than could have been
    assert kept(database, account) == 250
    assert submit(database, account, key, 750)
    with pytest.raises(TooLarge):
        submit(database, account, key, 1)
    other, other_key = customer(database, 100)
    assert submit(database, other, other_key, 1000)


def test_space_is_free_again_once(database: Database) -> None:
    account, key = customer(database, 100)
    task, stays = (submit(database, account, key, 300) for _ in range(2))
    with pytest.raises(StateConflict, match="has not ended"), database.transaction() as session:
        tasks.discard(session, task, account)
    complete(database, task, 300)
    complete(database, stays, 200)
    with database.transaction() as session:
        tasks.discard(session, task, account)
    assert kept(database, account) == 200
    with pytest.raises(Expired), database.transaction() as session:
        tasks.discard(session, task, account)
    for _ in range(2):
        with database.transaction() as session:
            tasks.purge(session, task)
    assert kept(database, account) == 200
    with database.transaction() as session:
        tasks.purge(session, stays)
    assert kept(database, account) == 0


def test_racing_submissions_and_ends_keep_the_sum(database: Database) -> None:
    account, key = customer(database, 100_000)
    made: list[str] = []
    refused = []
    lock = threading.Lock()

    def client() -> None:
        for _ in range(8):
            try:
                task = submit(database, account, key, 90)
            except TooLarge:
                refused.append(time.time())
            else:
                with lock:
                    made.append(task)

    def both(*work: Callable[[], None]) -> None:
        with ThreadPoolExecutor() as pool:
            for each in [pool.submit(job) for job in work]:
                each.result()

    both(client, client, client)
    assert len(made) == 11, "990 of 1000 bytes"
    assert len(refused) == 13

    def end() -> None:
        for number, task in enumerate(made):
            with database.transaction() as session:
                if number % 2:
                    tasks.fail(session, task, TaskCancelled("x"), keep=KEEP)
                else:
                    tasks.complete(session, task, rows.RESULT, keep=KEEP, voice=None, size=number)

    both(end, end)
    assert kept(database, account) == sum(range(0, 11, 2))

    def purge() -> None:
        for task in made:
            with database.transaction() as session:
                tasks.purge(session, task)

    both(purge, purge)
    assert kept(database, account) == 0
    with database.read() as session:
        assert all(task.size == 0 for task in session.query(Task))
