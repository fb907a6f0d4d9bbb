"""Orders that are submitted together share a transaction and nothing else."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from soundclone.api.submissions import Submissions
from soundclone.config import Settings
from soundclone.core import ledger, tasks
from soundclone.db.models import Task
from soundclone.db.session import Database
from soundclone.errors import (
    AuthenticationError,
    IdempotencyConflict,
    InsufficientBalance,
    NotFound,
    QuotaExceeded,
    RateLimited,
)
from soundclone.jobs import queue
from soundclone.jobs.queue import Queue

from .. import rows
from .test_ledger import customer, order


def test_a_refused_order_leaves_the_others_alone(database: Database) -> None:
    account, key = customer(database, 100, quota=50)
    other, its_key = customer(database, 10)
    unknown = replace(order(account, key, 1), request=rows.speech_request(), voice_id="model_x")
    wanted = [
        order(account, key, 30),
        unknown,
        order(account, key, 30),  # over the quota of the key
        order(other, its_key, 10),
        order(other, its_key, 1),  # over the balance of the account
        order(account, "key_gone", 1),
        order(account, key, 20),
    ]
    queued: list[str] = []
    with database.transaction() as session:
        outcomes = tasks.submit_all(
            session,
            wanted,
            lambda _, made: queued.extend(task.id for task in made),
            active_limit=2,
        )
    kinds = [type(each) for each in outcomes]
    assert kinds[:5] == [Task, NotFound, QuotaExceeded, Task, InsufficientBalance]
    assert kinds[5:] == [AuthenticationError, Task]
    made = [each for each in outcomes if isinstance(each, Task)]
    assert queued == [task.id for task in made]
    assert [task.turn for task in made] == [1, 1, 2]
    with database.read() as session:
        assert ledger.audit(session).sound
        assert ledger.balance(session, account).held == 50
        assert ledger.balance(session, other).held == 10
    with database.transaction() as session:
        (outcome,) = tasks.submit_all(session, wanted[:1], lambda *_: None, active_limit=2)
    assert isinstance(outcome, RateLimited)


def test_equal_idempotency_keys_in_a_group_make_one_task(database: Database) -> None:
    account, key = customer(database, 100)
    wanted = [
        order(account, key, 30, "once"),
        order(account, key, 30, "once"),
        order(account, key, 30, "once", what="b"),
    ]
    with database.transaction() as session:
        first, second, third = tasks.submit_all(session, wanted, lambda *_: None, active_limit=1000)
    assert isinstance(first, Task)
    assert second is first
    assert isinstance(third, IdempotencyConflict)
    with database.read() as session:
        assert ledger.balance(session, account).held == 30


def test_groups_of_two_processes_neither_wait_for_each_other_nor_pay_twice(
    database: Database, tmp_path: Path
) -> None:
    """Both have orders of the same accounts, in opposite orders, with the same idempotency keys."""
    queue.prepare(database)
    payers = [customer(database, 1000) for _ in range(4)]
    settings = Settings(data_dir=tmp_path)

    def submit(reverse: bool) -> set[str]:
        async def use() -> set[str]:
            waiting = Queue(database)
            submissions = Submissions(settings, database, waiting)
            wanted = [
                order(account, key, 1, f"{number}")
                for number in range(12)
                for account, key in (reversed(payers) if reverse else payers)
            ]
            made = await asyncio.gather(*map(submissions.submit, wanted))
            submissions.close()
            waiting.close()
            return {task.id for task in made}

        return asyncio.run(use())

    with ThreadPoolExecutor() as processes:
        one, two = processes.map(submit, (False, True))
    assert one == two
    assert len(one) == 48
    with database.read() as session:
        assert ledger.audit(session).sound
        assert {ledger.balance(session, account).held for account, _ in payers} == {12}
    client = Queue(database)
    assert client.unfinished(list(one)) == set()  # all were waiting, and are cancelled now
    client.close()
