"""The studio's queries about an account and the service, on real databases."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from soundclone.core import (
    engine_registry,
    keys,
    ledger,
    queries,
    tasks,
    usage_days,
    voices,
    workers,
)
from soundclone.core.formatting import DAY
from soundclone.core.tasks import Order
from soundclone.db.models import Task, Transfer
from soundclone.db.session import Database
from soundclone.engines.selection import BUILTIN
from soundclone.errors import AuthenticationError, InvalidParameter, NotFound, SynthesisError
from tests import rows
from tests.rows import voice

SECRET = b"secret"


@pytest.fixture
def customer(database: Database) -> tuple[str, str]:
    with database.transaction() as session:
        account = ledger.open_account(session, "Ann & Sons")
        key, _ = keys.create(session, SECRET, account_id=account.id, name="desk")
        ledger.credit(session, account.id, 1_000)
        return account.id, key.id


def order(customer: tuple[str, str], kind: str = "clone") -> Order:
    return Order(
        account_id=customer[0],
        key_id=customer[1],
        request=rows.clone_request() if kind == "clone" else rows.speech_request(),
        characters=1,
        cost=10,
        request_hash="",
    )


def submit(database: Database, customer: tuple[str, str], kind: str = "clone") -> str:
    with database.transaction() as session:
        wanted = order(customer, kind)
        return tasks.submit(session, wanted, lambda *_: None, active_limit=100).id


def test_history(database: Database, customer: tuple[str, str]) -> None:
    first, second, third = (
        submit(database, customer, kind) for kind in ("clone", "audio", "clone")
    )
    with database.transaction() as session:
        tasks.complete(session, first, rows.RESULT, keep=60, voice=voice(customer[0]))
    with database.read() as session:
        found = queries.history(session, customer[0])
        assert [task.id for task in found] == [third, second, first]
        (only,) = queries.history(session, customer[0], kind="audio")
        assert only.id == second
        active = queries.history(session, customer[0], status="active")
        assert {task.id for task in active} == {second, third}
        older = queries.history(session, customer[0], before=found[0].created_at, limit=1)
        assert [task.id for task in older] == [second]
        assert not queries.history(session, "acct_other")


def test_usage_is_what_was_captured(database: Database, customer: tuple[str, str]) -> None:
    good, bad, _ = (submit(database, customer) for _ in range(3))
    with database.transaction() as session:
        tasks.complete(session, good, rows.RESULT, keep=60, voice=voice(customer[0]))
        tasks.fail(session, bad, SynthesisError("speech lasts 2 s"), keep=60)
    with database.read() as session:
        days = queries.usage(session, customer[0], 7)
    assert len(days) == 7
    assert (days[-1].spent, days[-1].tasks) == (10, 1)
    assert not any(day.spent for day in days[:-1])
    assert 0 <= time.time() - days[-1].start < DAY


def captured(session: Session, account: str, charges: Sequence[tuple[float, int]]) -> None:
    """Write lines of charges at given times."""
    for number, (when, amount) in enumerate(charges):
        name = f"{account}_{number}_{uuid.uuid4().hex}"
        for kind, debit, credit, resolves in (
            ("hold", account, "held", None),
            ("capture", account, "revenue", f"hold:{name}"),
        ):
            session.execute(
                insert(Transfer).values(
                    id=f"{kind}:{name}",
                    kind=kind,
                    debit=debit,
                    credit=credit,
                    amount=amount,
                    account_id=account,
                    resolves=resolves,
                    created_at=when,
                )
            )


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    charges=st.lists(st.tuples(st.floats(1, 10 * DAY), st.integers(0, 10**12)), max_size=12),
    first=st.integers(0, 9),
    length=st.integers(1, 3),
    count=st.integers(1, 8),
    undone=st.booleans(),
)
def test_usage_of_days_is_that_of_the_ledger(
    database: Database,
    charges: list[tuple[float, int]],
    first: int,
    length: int,
    count: int,
    undone: bool,
) -> None:
    """Also at midnight, in the last half second of a day, and after a rollback."""
    charges += [(3 * DAY, 5), (math.nextafter(4 * DAY, 0), 6), (5 * DAY - 0.4, 7)]
    with database.transaction() as session:
        account, other = (ledger.open_account(session, name).id for name in ("a", "b"))
        captured(session, other, charges[:2])
    with suppress(InterruptedError), database.transaction() as session:
        captured(session, account, charges)
        if undone:
            raise InterruptedError
    written = [] if undone else charges
    step = length * int(DAY)
    with database.read() as session:
        found = queries.usage_between(session, account, first * int(DAY), step, count)
        assert not usage_days.wrong_accounts(session)
    assert [(day.start, day.spent, day.tasks) for day in found] == [
        (start, sum(amounts), len(amounts))
        for start in range(first * int(DAY), first * int(DAY) + step * count, step)
        for amounts in [[amount for when, amount in written if start <= when < start + step]]
    ]


def test_usage_of_a_voice_outlasts_its_tasks(database: Database, customer: tuple[str, str]) -> None:
    used = [("model_a", 3), ("model_b", 9), ("model_a", 4), ("", 0)]
    for voice_id, cost in used:
        task = submit(database, customer)
        with database.transaction() as session:
            session.get_one(Task, task).voice_id = voice_id
            tasks.complete(session, task, rows.RESULT, keep=60, voice=None, cost=cost)
    wanted = [("model_b", None, 9, 1), ("model_a", None, 7, 2), (None, None, 0, 1)]
    for forgotten in (False, True):
        with database.transaction() as session:
            if forgotten:
                session.execute(delete(Task))
            found = queries.usage_by_voice(session, customer[0], 2)
            assert ledger.audit(session).sound
        assert [(each.voice_id, each.name, each.spent, each.tasks) for each in found] == wanted


def test_the_operators_view(database: Database, customer: tuple[str, str]) -> None:
    failed, waiting = submit(database, customer), submit(database, customer)
    with database.transaction() as session:
        error = SynthesisError("the engine failed at 'Dear Bob'", logged="a sentence went wrong")
        tasks.fail(session, failed, error, keep=60)
        workers.heartbeat(session, "w1", workers.WorkerInfo(ready=True))
        ledger.open_account(session, "other_100%")
    with database.read() as session:
        assert {each.account.name for each in queries.customers(session)} == {
            "Ann & Sons",
            "other_100%",
        }
        (found,) = queries.customers(session, "ANN")
        assert (found.keys, found.account.active) == (1, 1)
        assert [each.account.name for each in queries.customers(session, "0%")] == ["other_100%"]
        queue = queries.load(session)
        assert (queue.queued, queue.processing) == (1, 0)
        assert [task.id for task in queue.tasks] == [waiting]
        (reason,) = queries.failures(session)
        assert (reason.word, reason.number) == ("synthesis_failed", 1)
        assert reason.example.id == failed
        assert reason.example.error_logged == "a sentence went wrong"
        assert [worker.id for worker in queries.workers(session)] == ["w1"]
        assert queries.engines(session) == []


def test_the_load_of_each_engine(database: Database, customer: tuple[str, str]) -> None:
    waiting, running = submit(database, customer), submit(database, customer, "audio")
    others = tuple(replace(BUILTIN, engine=name) for name in ("builtin", "idle"))
    with database.transaction() as session:
        session.execute(update(Task).where(Task.id == waiting).values(created_at=time.time() - 90))
        session.execute(update(Task).where(Task.id == running).values(status="processing"))
        engine_registry.record(session, others)
        for name, ready in (("w1", True), ("w2", True), ("w3", False)):
            info = workers.WorkerInfo(ready=ready, capabilities=others[: 2 if name == "w1" else 1])
            workers.heartbeat(session, name, info)
        builtin, idle = queries.engine_loads(session, 6)
        assert (builtin.engine, builtin.queued, builtin.processing) == ("builtin", 1, 1)
        assert builtin.age == pytest.approx(90, abs=30)
        assert (builtin.workers, idle.workers) == (2, 1)
        assert (idle.engine, idle.queued, idle.age) == ("idle", 0, 0)
        assert queries.money(session) == queries.Money(available=980, held=20, captured=0)


def test_a_voice_is_renamed_by_its_owner(database: Database, customer: tuple[str, str]) -> None:
    made = voice(customer[0])
    with database.transaction() as session:
        session.add(made)
    with database.transaction() as session:
        assert voices.change(session, made.id, customer[0], name=" Ann  ").name == "Ann"
    with database.transaction() as session:
        assert voices.change(session, made.id, customer[0], name="").name is None
        with pytest.raises(InvalidParameter, match="81 characters"):
            voices.change(session, made.id, customer[0], name="a" * 81)
        with pytest.raises(InvalidParameter, match="control"):
            voices.change(session, made.id, customer[0], name="a\x00b")
        with pytest.raises(NotFound):
            voices.change(session, made.id, "acct_other", name="mine")


def test_a_revoked_key_holds_nothing(database: Database, customer: tuple[str, str]) -> None:
    with database.transaction() as session:
        assert not keys.holder(session, customer[1]).operator
        keys.create(session, SECRET, account_id=customer[0], name="chief", scopes=keys.Scope)
        assert [key.operator for key in keys.listing(session, customer[0])] == [True, False]
        keys.revoke(session, customer[1])
        with pytest.raises(AuthenticationError, match="revoked"):
            keys.holder(session, customer[1])
        with pytest.raises(AuthenticationError):
            keys.holder(session, "key_none")


def test_the_ledger_is_grouped_by_task(database: Database, customer: tuple[str, str]) -> None:
    waiting, failed, done = (submit(database, customer) for _ in range(3))
    with database.transaction() as session:
        tasks.fail(session, failed, SynthesisError("no"), keep=60)
        made = voice(customer[0], name="Anna")
        session.get_one(Task, done).voice_id = made.id
        tasks.complete(session, done, rows.RESULT, keep=60, voice=made, cost=4)
    with database.read() as session:
        entries = queries.ledger_entries(session, customer[0])
        found = [(each.task_id, each.state) for each in entries]
        last, _, first, paid = entries
        assert found == [
            (done, "capture"),
            (failed, "release"),
            (waiting, "hold"),
            (None, "credit"),
        ]
        assert (last.held, last.charged, last.returned, last.voice_name) == (10, 4, 6, "Anna")
        assert (first.held, first.charged, paid.paid) == (10, 0, 1_000)
        older = queries.ledger_entries(session, customer[0], before=first.line)
        assert [each.state for each in older] == ["credit"]
        (holding,) = queries.holding_accounts(session)
        assert (holding.id, holding.held, holding.active) == (customer[0], 10, 1)
        (usage,) = queries.usage_by_voice(session, customer[0])
        assert (usage.voice_id, usage.name) == (made.id, "Anna")
        assert (usage.spent, usage.tasks) == (4, 1)
        lines = ledger.lines_after(session, customer[0], limit=3)
        lines = [*lines, *ledger.lines_after(session, customer[0], lines[-1])]
        assert list(lines) == list(ledger.statement(session, customer[0]))


def test_pages_of_the_ledger_have_every_entry(
    database: Database, customer: tuple[str, str]
) -> None:
    """Also those of tasks that were submitted together, which begin at the same time."""
    with database.transaction() as session:
        orders = [order(customer) for _ in range(5)]
        tasks.submit_all(session, orders, lambda *_: None, active_limit=100)
    with database.read() as session:
        whole = [each.line for each in queries.ledger_entries(session, customer[0])]
        assert len(set(whole)) == 6
        found: list[str] = []
        while page := queries.ledger_entries(
            session, customer[0], before=found[-1] if found else None, limit=2
        ):
            found += [each.line for each in page]
        assert found == whole
        assert len(queries.ledger_entries(session, customer[0], before="a\0b")) == 6
