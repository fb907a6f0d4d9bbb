"""Money on real databases: exact, never overdrawn, never moved twice."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, IntegrityError, NoResultFound
from sqlalchemy.orm import Session

from soundclone.audio.fingerprint import fingerprint
from soundclone.core import keys, ledger, listeners, queries, register, tasks, voices
from soundclone.core.tasks import Order
from soundclone.db.migrate import configuration
from soundclone.db.models import Account, Task, TaskStatus, Transfer
from soundclone.db.session import Database
from soundclone.errors import (
    IdempotencyConflict,
    InsufficientBalance,
    InvalidParameter,
    NotFound,
    QuotaExceeded,
    RateLimited,
    StreamBroken,
    SynthesisError,
    TaskAbandoned,
    TaskCancelled,
    TaskError,
    TaskTimedOut,
)
from soundclone.jobs.queue import Queue
from tests import rows

SECRET = b"secret"
KEEP = 3 * 86_400.0


def customer(database: Database, credit: int, quota: int = 0) -> tuple[str, str]:
    """Ids of a new account and of its key."""
    with database.transaction() as session:
        account = ledger.open_account(session, "test")
        key, _ = keys.create(session, SECRET, account_id=account.id, name="test", quota=quota)
        if credit:
            ledger.credit(session, account.id, credit)
        return account.id, key.id


def order(account: str, key: str, cost: int, repeat: str | None = None, what: str = "a") -> Order:
    return Order(
        account_id=account,
        key_id=key,
        request=rows.clone_request(what),
        characters=1,
        cost=cost,
        request_hash=what,
        idempotency_key=repeat,
    )


def submit(
    database: Database,
    wanted: Order,
    enqueue: Callable[[Session, Sequence[Task]], None] | None = None,
) -> str:
    with database.transaction() as session:
        made = tasks.submit(session, wanted, enqueue or (lambda *_: None), active_limit=1000)
        return made.id


def test_a_task_is_paid_once(database: Database) -> None:
    account, key = customer(database, 100)
    task = submit(database, order(account, key, 30))
    with database.read() as session:
        balance = ledger.balance(session, account)
    assert (balance.credited, balance.used, balance.held, balance.available) == (100, 0, 30, 70)
    with database.transaction() as session:
        assert tasks.start(session, task)
        assert tasks.complete(session, task, rows.RESULT, keep=KEEP, voice=None)
        assert not tasks.complete(session, task, rows.RESULT, keep=KEEP, voice=None)
        assert not tasks.fail(session, task, TaskCancelled("late"), keep=KEEP)
        assert not ledger.release(session, task)
    with database.read() as session:
        balance = ledger.balance(session, account)
        audit = ledger.audit(session)
    assert (balance.used, balance.held, balance.available) == (30, 0, 70)
    assert audit.sound
    assert (audit.issued, audit.revenue, audit.owed, audit.held) == (100, 30, 70, 0)


def test_a_failed_task_costs_nothing(database: Database) -> None:
    account, key = customer(database, 100, quota=50)
    task = submit(database, order(account, key, 50))
    with pytest.raises(QuotaExceeded, match="left of its quota"):
        submit(database, order(account, key, 1))
    with database.transaction() as session:
        assert tasks.fail(session, task, TaskCancelled("gone"), keep=KEEP)
    assert submit(database, order(account, key, 50))
    with database.read() as session:
        assert ledger.balance(session, account).available == 50
        assert ledger.audit(session).sound


@pytest.mark.parametrize("amount", [-1, 31])
def test_only_what_is_held_can_be_captured(database: Database, amount: int) -> None:
    account, key = customer(database, 100, quota=50)
    task = submit(database, order(account, key, 30))
    refused = pytest.raises(ValueError, match=f"^{amount} cannot be captured")
    with database.transaction() as session, refused:
        ledger.capture(session, task, amount)
    with pytest.raises(NoResultFound), database.transaction() as session:
        ledger.capture(session, "audio_unknown")
    assert kinds(database, account) == [("credit", 100), ("hold", 30)]
    with database.transaction() as session:
        assert ledger.capture(session, task, 0, memo="free")
    assert kinds(database, account)[2:] == [("capture", 0), ("release", 30)]
    with database.read() as session:
        found = keys.find(session, key)
        assert (found.used, found.held, found.active) == (0, 0, 0)
        assert ledger.balance(session, account).available == 100
        assert ledger.audit(session).sound
        memos = {line.kind: line.memo for line in ledger.statement(session, account)}
        assert (memos["capture"], memos["release"]) == ("free", "")


def test_a_price_below_the_hold_returns_the_rest(database: Database) -> None:
    account, key = customer(database, 100, quota=50)
    task = submit(database, replace(order(account, key, 30), size=500))
    with database.transaction() as session:
        assert tasks.complete(session, task, rows.RESULT, keep=KEEP, voice=None, size=200, cost=12)
    assert kinds(database, account)[2:] == [("capture", 12), ("release", 18)]
    with database.read() as session:
        lines = {line.kind: line for line in ledger.statement(session, account)}
        assert (lines["hold"].debit, lines["hold"].credit) == (account, "held")
        assert (lines["capture"].debit, lines["capture"].credit) == (account, "revenue")
        assert (lines["release"].debit, lines["release"].credit) == ("held", account)
        assert lines["capture"].resolves == lines["hold"].id
        assert lines["release"].resolves == lines["capture"].id
        payer, found = session.get_one(Account, account), keys.find(session, key)
        assert (payer.posted, payer.held, payer.active, payer.kept) == (88, 0, 0, 200)
        assert (found.used, found.held, found.active) == (12, 0, 0)
        assert ledger.audit(session).sound


def test_a_task_whose_hold_is_gone_counts_its_results(database: Database) -> None:
    account, key = customer(database, 100)
    task = submit(database, replace(order(account, key, 30), size=500))
    with database.transaction() as session:
        assert ledger.release(session, task)
        assert tasks.complete(session, task, rows.RESULT, keep=KEEP, voice=None, size=200)
    with database.read() as session:
        payer = session.get_one(Account, account)
        assert (payer.posted, payer.held, payer.active, payer.kept) == (100, 0, 0, 200)
        assert ledger.audit(session).sound


def streamed(account: str, key: str, cost: int, characters: int, fee: int = 0) -> Order:
    return replace(order(account, key, cost), characters=characters, fee=fee)


def hand_over(database: Database, task: str, characters: int) -> bool:
    with database.transaction() as session:
        return tasks.deliver(session, task, characters, keep=KEEP)


def kinds(database: Database, account: str) -> list[tuple[str, int]]:
    with database.read() as session:
        return [(line.kind, line.amount) for line in ledger.statement(session, account)]


def test_a_stream_that_is_cancelled_costs_what_was_delivered(database: Database) -> None:
    account, key = customer(database, 1000, quota=900)
    task = submit(database, streamed(account, key, 700, characters=300, fee=10))
    assert hand_over(database, task, 100)
    assert hand_over(database, task, 20), "a second listener, who is not as far"
    with database.transaction() as session:
        ended = tasks.cancel(session, task, account, keep=KEEP)
    # 10 + floor(690 * 100 / 300)
    assert ended.cost == 240
    assert ended.error == (
        "the task was cancelled; 0.00024 credits were charged for the 100 of 300 characters that "
        "had been sent"
    )
    assert not hand_over(database, task, 200), "what is not charged is not sent"
    assert kinds(database, account) == [
        ("credit", 1000),
        ("hold", 700),
        ("capture", 240),
        ("release", 460),
    ]
    with database.transaction() as session:
        assert not ledger.capture(session, task)
        assert not ledger.release(session, task)
    with database.read() as session:
        balance, audit = ledger.balance(session, account), ledger.audit(session)
        assert keys.find(session, key).used == 240
    assert (balance.used, balance.held, balance.available) == (240, 0, 760)
    assert audit.sound
    assert (audit.revenue, audit.held) == (240, 0)


@pytest.mark.parametrize(
    ("error", "charged"),
    [
        (TaskCancelled("the client left"), 50),
        (TaskTimedOut("too late"), 50),
        (StreamBroken("the server stopped"), 0),
        (SynthesisError("the engine failed"), 50),
        (TaskAbandoned("the worker was lost"), 0),
    ],
)
def test_who_pays_depends_on_who_ended_the_stream(
    database: Database, error: TaskError, charged: int
) -> None:
    account, key = customer(database, 100)
    task = submit(database, streamed(account, key, 100, characters=2))
    hand_over(database, task, 1)
    with database.transaction() as session:
        assert tasks.fail(session, task, error, keep=KEEP)
    with database.read() as session:
        assert ledger.balance(session, account).used == charged
        assert tasks.get(session, task, account).cost == charged
        assert ledger.audit(session).sound


def test_a_stream_whose_last_part_was_sent_is_paid_whole(database: Database) -> None:
    account, key = customer(database, 100)
    task = submit(database, streamed(account, key, 99, characters=7, fee=3))
    assert hand_over(database, task, 7)
    with database.transaction() as session:
        tasks.cancel(session, task, account, keep=KEEP)
    assert kinds(database, account) == [("credit", 100), ("hold", 99), ("capture", 99)]
    free, free_key = customer(database, 0)
    task = submit(database, streamed(free, free_key, 0, characters=7))
    assert hand_over(database, task, 7)
    with database.transaction() as session:
        tasks.cancel(session, task, free, keep=KEEP)
    with database.read() as session:
        assert ledger.audit(session).sound


def speak(database: Database, task: str) -> bool:
    """Complete the work of a stream, as its worker does."""
    with database.transaction() as session:
        tasks.start(session, task)
        return tasks.complete(
            session, task, rows.RESULT, keep=KEEP, voice=None, size=500, on_delivery=True
        )


def lines_of(database: Database, account: str, task: str) -> dict[str, int]:
    with database.read() as session:
        lines = [line for line in ledger.statement(session, account) if line.task_id == task]
    assert len({line.kind for line in lines}) == len(lines)
    return {line.kind: line.amount for line in lines}


def test_a_stream_that_is_spoken_is_paid_with_its_first_byte(database: Database) -> None:
    account, key = customer(database, 1000)
    task = submit(database, streamed(account, key, 700, characters=300, fee=10))
    assert speak(database, task)
    with database.read() as session:
        assert tasks.get(session, task, account).status == TaskStatus.PROCESSING
        balance = ledger.balance(session, account)
        assert (balance.used, balance.held) == (0, 700)
    assert hand_over(database, task, 20)
    assert hand_over(database, task, 300)
    with database.transaction() as session:
        ended = tasks.cancel(session, task, account, keep=KEEP)
        assert (ended.status, ended.cost, ended.size) == (TaskStatus.COMPLETED, 700, 500)
        assert ended.expires_at == pytest.approx(time.time() + KEEP, abs=60)
    assert lines_of(database, account, task) == {"hold": 700, "capture": 700}
    with database.read() as session:
        assert ledger.audit(session).sound


def test_a_stream_that_nobody_was_sent_costs_nothing(database: Database) -> None:
    account, key = customer(database, 1000)
    task = submit(database, streamed(account, key, 700, characters=300, fee=10))
    assert speak(database, task)
    with database.transaction() as session:
        silence = fingerprint(np.zeros(100, np.float32), 16_000)
        register.add(session, task, register.Result("hash", 1.0, silence))
    for _ in range(2):
        with database.transaction() as session:
            ended = tasks.cancel(session, task, account, keep=KEEP)
            assert (ended.status, ended.cost, ended.error) == (
                TaskStatus.FAILED,
                0,
                "the task was cancelled; nothing was charged",
            )
    assert not hand_over(database, task, 20), "nothing may be sent any more"
    assert not speak(database, task)
    assert lines_of(database, account, task) == {"hold": 700, "release": 700}
    with database.read() as session:
        found = session.get_one(Task, task)
        assert (found.result, found.size) == ({}, 500), "the files count until they are removed"
        assert register.find_file(session, "hash") is None
        assert ledger.audit(session).sound
        assert keys.find(session, key).used == 0
    with database.transaction() as session:
        tasks.forget_files(session, task)
        assert session.get_one(Account, account).kept == 0


def test_a_worker_leaves_a_stream_that_is_spoken(database: Database) -> None:
    """A second run of the task, or a sweep that misses its workflow, neither fails nor pays it."""
    account, key = customer(database, 100)
    task = submit(database, streamed(account, key, 70, characters=7))
    assert speak(database, task)
    assert not speak(database, task)
    with database.transaction() as session:
        assert tasks.start(session, task) is None
        assert tasks.active(session, [task]) == set()
        assert not tasks.complete(session, task, rows.RESULT, keep=KEEP, voice=None)
        assert not tasks.fail(session, task, TaskAbandoned("gone"), keep=KEEP, by_worker=True)
        with pytest.raises(TaskCancelled):
            tasks.record_progress(session, task, 50)
        with pytest.raises(TaskCancelled):
            tasks.count_attempt(session, task, "worker")
        assert listeners.signs(session) == {task: 0.0}
    assert lines_of(database, account, task) == {"hold": 70}
    assert hand_over(database, task, 7)
    assert lines_of(database, account, task) == {"hold": 70, "capture": 70}


def test_a_stream_whose_api_is_gone_is_released(database: Database) -> None:
    account, key = customer(database, 100)
    task = submit(database, streamed(account, key, 70, characters=7))
    assert speak(database, task)
    with database.transaction() as session:
        assert listeners.unfinished(session, [task]) == {task: True}
    for first in (True, False):
        with database.transaction() as session:
            assert listeners.signs(session) == ({task: 0.0} if first else {})
            assert listeners.abandon(session, task, keep=KEEP) == first
    with database.transaction() as session:
        assert listeners.unfinished(session, [task]) == {}
    assert lines_of(database, account, task) == {"hold": 70, "release": 70}
    assert not hand_over(database, task, 7)


def test_a_stream_that_is_sent_needs_no_more_signs_of_life(database: Database) -> None:
    account, key = customer(database, 100)
    task = submit(database, streamed(account, key, 70, characters=7))
    with database.transaction() as session:
        listeners.renew(session, [task])
        assert listeners.unfinished(session, [task]) == {task: False}
        assert not listeners.signs(session)
    assert speak(database, task)
    with database.transaction() as session:
        listeners.renew(session, [task])
        assert listeners.signs(session) == {task: 1.0}
    assert hand_over(database, task, 7)
    with database.transaction() as session:
        assert not listeners.signs(session)
        assert not listeners.abandon(session, task, keep=KEEP)
    assert lines_of(database, account, task) == {"hold": 70, "capture": 70}


def test_the_first_byte_and_the_end_of_the_work_at_once(database: Database) -> None:
    """A worker that ends, a listener, an owner who cancels and a sweep: one end, one charge."""
    account, key = customer(database, 100_000)
    ends: set[str] = set()
    for round in range(16):
        task = submit(database, streamed(account, key, 1000, characters=10))
        if round % 2:
            assert speak(database, task)
        start = threading.Barrier(4)

        def run(work: Callable[[Session], object], start: threading.Barrier = start) -> object:
            start.wait()
            with database.transaction() as session:
                return work(session)

        def spoken(session: Session, task: str = task) -> bool:
            return tasks.complete(
                session, task, rows.RESULT, keep=KEEP, voice=None, on_delivery=True
            )

        def sent(session: Session, task: str = task) -> bool:
            return tasks.deliver(session, task, 10, keep=KEEP)

        def cancelled(session: Session, task: str = task) -> object:
            return tasks.cancel(session, task, account, keep=KEEP)

        def late(session: Session, task: str = task) -> bool:
            return tasks.time_out(session, task, 1.0, keep=KEEP)

        with ThreadPoolExecutor(4) as pool:
            _, allowed, *_ = [
                each.result()
                for each in [pool.submit(run, work) for work in (spoken, sent, cancelled, late)]
            ]
        with database.read() as session:
            found = session.get_one(Task, task)
        charged = 1000 if allowed else 0
        assert found.cost == charged, (found.status, found.delivered)
        assert bool(found.delivered) == allowed
        expected = {"capture": 1000} if allowed else {"release": 1000}
        assert lines_of(database, account, task) == {"hold": 1000, **expected}
        ends.add(found.status)
    assert ends <= {TaskStatus.COMPLETED, TaskStatus.FAILED}
    with database.read() as session:
        assert ledger.audit(session).sound
        assert ledger.balance(session, account).held == 0


def test_a_part_is_sent_or_not_charged_whoever_ends_the_task_at_once(database: Database) -> None:
    """A listener, a worker that completes, an owner who cancels and a sweep that times out, all at
    the same moment: one end, one charge, and for no less than what was allowed to be sent."""
    account, key = customer(database, 100_000)
    for _ in range(12):
        task = submit(database, streamed(account, key, 1000, characters=10))
        sent: list[int] = []
        start = threading.Barrier(4)

        def listen(
            task: str = task, sent: list[int] = sent, start: threading.Barrier = start
        ) -> None:
            start.wait()
            for part in range(1, 11):
                if not hand_over(database, task, part):
                    break
                sent.append(part)

        def end(
            work: Callable[[Session, str], object],
            task: str = task,
            sent: list[int] = sent,
            start: threading.Barrier = start,
        ) -> None:
            start.wait()
            while len(sent) < 3:
                time.sleep(0.001)
            with database.transaction() as session:
                work(session, task)

        endings: list[Callable[[Session, str], object]] = [
            lambda session, task: tasks.complete(session, task, rows.RESULT, keep=KEEP, voice=None),
            lambda session, task: tasks.cancel(session, task, account, keep=KEEP),
            lambda session, task: tasks.time_out(session, task, 1.0, keep=KEEP),
        ]
        with ThreadPoolExecutor(4) as pool:
            running = [pool.submit(listen), *(pool.submit(end, each) for each in endings)]
            for each in running:
                each.result()
        with database.read() as session:
            found = session.get_one(Task, task)
            lines = {
                line.kind: line.amount
                for line in ledger.statement(session, account)
                if line.task_id == task
            }
        charged = 1000 if found.status == "completed" else 100 * found.delivered
        assert found.cost == lines["capture"] == charged
        assert found.status == "completed" or found.delivered == sent[-1]
        assert lines["hold"] == lines["capture"] + lines.get("release", 0)
    with database.read() as session:
        assert ledger.audit(session).sound
        assert ledger.balance(session, account).held == 0


def test_what_is_not_there_cannot_be_spent(database: Database) -> None:
    account, key = customer(database, 10)
    with pytest.raises(InsufficientBalance, match="add credit"):
        submit(database, order(account, key, 11))
    with database.read() as session:
        assert session.query(Task).count() == 0
        assert ledger.balance(session, account).available == 10


def test_an_error_while_enqueueing_leaves_nothing(database: Database) -> None:
    account, key = customer(database, 10)

    def broken(session: Session, made: Sequence[Task]) -> None:
        raise RuntimeError("the queue is on fire")

    with pytest.raises(RuntimeError):
        submit(database, order(account, key, 5), broken)
    with database.read() as session:
        assert session.query(Task).count() == 0
        assert ledger.balance(session, account).held == 0
        assert ledger.audit(session).sound


def test_payments_are_taken_once_by_their_reference(database: Database) -> None:
    account, _ = customer(database, 0)
    for _ in range(2):
        with database.transaction() as session:
            ledger.credit(session, account, 7, reference="invoice-1")
    with database.read() as session:
        assert ledger.balance(session, account).credited == 7
    with pytest.raises(NotFound), database.transaction() as session:
        ledger.credit(session, "acct_nobody", 1)
    with pytest.raises(InvalidParameter), database.transaction() as session:
        ledger.credit(session, account, 0)


def test_the_ledger_cannot_be_rewritten(database: Database) -> None:
    customer(database, 10)
    for statement in ("UPDATE transfers SET amount = 1", "DELETE FROM transfers"):
        with pytest.raises(DBAPIError, match="append-only"), database.transaction() as session:
            session.execute(text(statement))
    rewrite = (
        "REPLACE INTO transfers SELECT * FROM transfers"
        if database.engine.dialect.name == "sqlite"
        else "TRUNCATE transfers"
    )
    with pytest.raises(DBAPIError, match="append-only"), database.transaction() as session:
        session.execute(text(rewrite))
    with pytest.raises(DBAPIError), database.transaction() as session:
        session.execute(text("UPDATE accounts SET held = 11"))


def test_an_idempotency_key_makes_one_task(database: Database) -> None:
    account, key = customer(database, 100)
    first = submit(database, order(account, key, 10, repeat="k"))
    assert submit(database, order(account, key, 10, repeat="k")) == first
    with pytest.raises(IdempotencyConflict, match="another request"):
        submit(database, order(account, key, 10, repeat="k", what="b"))
    with database.read() as session:
        assert ledger.balance(session, account).held == 10
    other, other_key = customer(database, 100)
    assert submit(database, order(other, other_key, 10, repeat="k")) != first


def test_active_tasks_are_limited(database: Database) -> None:
    account, key = customer(database, 100)
    with database.transaction() as session:
        tasks.submit(session, order(account, key, 1), lambda *_: None, active_limit=1)
    with pytest.raises(RateLimited), database.transaction() as session:
        tasks.submit(session, order(account, key, 1), lambda *_: None, active_limit=1)


def test_turns_are_fair(database: Database) -> None:
    """Twelve tasks of one account do not stand before the first of another."""
    heavy, heavy_key = customer(database, 100)
    light, light_key = customer(database, 100)
    queued = [submit(database, order(heavy, heavy_key, 1)) for _ in range(12)]
    for done in queued[:3]:
        with database.transaction() as session:
            tasks.fail(session, done, TaskCancelled("done"), keep=KEEP)
    late = [submit(database, order(light, light_key, 1)) for _ in range(2)]
    with database.read() as session:
        turns = {task.id: task.turn for task in session.query(Task)}
    assert [turns[each] for each in late] == [4, 5]
    assert [turns[each] for each in queued[3:6]] == [4, 5, 6]


def test_a_voice_is_first_spoken_with_while_more_is_asked_for(database: Database) -> None:
    account, key = customer(database, 100)
    voice = rows.voice(account)
    with database.transaction() as session:
        session.add(voice)
    wanted = replace(order(account, key, 3), request=rows.speech_request(), voice_id=voice.id)
    first = submit(database, wanted)
    ending = threading.Event()

    def end() -> None:
        ending.wait()
        with database.transaction() as session:
            tasks.complete(session, first, rows.RESULT, keep=KEEP, voice=None)

    with ThreadPoolExecutor() as pool, database.transaction() as session:
        voices.usable(session, voice.id, account)
        ended = pool.submit(end)
        ending.set()
        time.sleep(0.5)  # both are under way
        tasks.submit(session, wanted, lambda *_: None, active_limit=1000)
        session.commit()
        ended.result()
    with database.read() as session:
        assert voices.get(session, voice.id, account).activated_at is not None
        assert ledger.audit(session).sound


def test_three_hundred_racing_submissions(database: Database) -> None:
    """Each of 150 requests is sent twice at once, on credit for 100; then each is ended by
    several workers at once."""
    account, key = customer(database, 100)
    queue = Queue(database)
    accepted: set[str] = set()
    refused: list[str] = []
    lock = threading.Lock()
    names = [f"request-{number % 150}" for number in range(300)]

    def client(mine: list[str]) -> None:
        for name in mine:
            wanted = order(account, key, 1, repeat=name)
            for _ in range(3):
                try:
                    task = submit(database, wanted, queue.enqueue)
                except InsufficientBalance:
                    with lock:
                        refused.append(name)
                    break
                except IntegrityError:
                    continue  # the twin was faster: the second try finds its task
                with lock:
                    accepted.add(task)
                break

    _in_threads(client, [names[start::10] for start in range(10)])
    assert len(accepted) == 100
    with database.read() as session:
        assert ledger.balance(session, account).available == 0
        jobs = session.scalar(
            text(
                "SELECT count(*) FROM workflow_status"
                if database.sqlite
                else "SELECT count(*) FROM dbos.workflow_status"
            )
        )
    assert jobs == 100

    def worker(mine: list[str]) -> None:
        for number, task in enumerate(mine):
            with database.transaction() as session:
                if number % 2:
                    tasks.complete(session, task, rows.RESULT, keep=KEEP, voice=None)
                else:
                    tasks.fail(session, task, TaskCancelled("x"), keep=KEEP)

    _in_threads(worker, [sorted(accepted)] * 3)
    with database.read() as session:
        balance = ledger.balance(session, account)
        audit = ledger.audit(session)
        captured = session.query(Transfer).filter(Transfer.kind == "capture").count()
    assert (captured, balance.used, balance.held, balance.available) == (50, 50, 0, 50)
    assert audit.total == 0
    assert audit.sound
    queue.close()


def _in_threads(work: Callable[[list[str]], None], shares: list[list[str]]) -> None:
    errors: list[BaseException] = []

    def guarded(share: list[str]) -> None:
        try:
            work(share)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors[0]


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["credit", "submit", "deliver", "speak", "complete", "fail", "cancel", "capture"]
            ),
            st.integers(1, 40),
            st.integers(0, 5),
        ),
        max_size=25,
    )
)
def test_any_history_adds_up(database: Database, history: list[tuple[str, int, int]]) -> None:
    account, key = customer(database, 0)
    made: list[str] = []
    for what, amount, which in history:
        task = made[which % len(made)] if made else None
        try:
            with database.transaction() as session:
                if what == "credit":
                    ledger.credit(session, account, amount)
                elif what == "submit":
                    wanted = streamed(account, key, amount, characters=5, fee=min(amount, which))
                    made.append(tasks.submit(session, wanted, lambda *_: None, active_limit=99).id)
                elif task and what == "deliver":
                    tasks.deliver(session, task, min(amount, 5), keep=KEEP)
                elif task and what == "capture":  # more than the task may be refused, never booked
                    ended = session.get_one(Task, task).status not in ("queued", "processing")
                    assert not ended or not ledger.capture(session, task, amount)
                elif task and what == "complete":
                    tasks.complete(session, task, rows.RESULT, keep=KEEP, voice=None)
                elif task and what == "speak":
                    tasks.complete(
                        session, task, rows.RESULT, keep=KEEP, voice=None, on_delivery=True
                    )
                elif task and what == "fail":
                    tasks.fail(session, task, TaskCancelled("x"), keep=KEEP, by_worker=which > 2)
                elif task:
                    tasks.cancel(session, task, account, keep=KEEP)
        except InsufficientBalance:
            pass
    with database.read() as session:
        audit = ledger.audit(session)
        balance = ledger.balance(session, account)
        assert audit.sound
        assert balance.available >= 0
        found = session.query(Task).filter(Task.account_id == account).all()
        active = {each.id for each in found if each.status in ("queued", "processing")}
        assert balance.held == sum(each.cost for each in found if each.id in active)
        assert balance.used == sum(each.cost for each in found if each.id not in active)
        assert keys.find(session, key).used == balance.used
        for each in found:
            lines = [line for line in ledger.statement(session, account) if line.task_id == each.id]
            moved = sum(line.amount for line in lines if line.kind in ("capture", "release"))
            assert moved == (0 if each.id in active else lines[0].amount)
            if each.status == "failed" and each.error_word == "cancelled":
                full = lines[0].amount
                exact = each.delivered and each.fee + (full - each.fee) * each.delivered / 5
                assert 0 <= exact - each.cost < 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE usage_days SET spent = spent + 1",
        "UPDATE usage_days SET tasks = tasks + 1",
        "UPDATE usage_days SET day = day - 1",
        "DELETE FROM usage_days",
        "UPDATE voice_days SET spent = spent + 1",
        "UPDATE voice_days SET tasks = tasks + 1",
        "UPDATE voice_days SET day = day - 1",
        "UPDATE voice_days SET voice_id = 'model_other'",
        "DELETE FROM voice_days",
        "UPDATE voice_days SET spent = spent - 2, tasks = tasks - 1; "
        "INSERT INTO voice_days SELECT account_id, day, 'model_other', 2, 1 FROM voice_days",
    ],
)
def test_audit_notices_a_wrong_day(database: Database, change: str) -> None:
    account, key = customer(database, 10)
    task = submit(database, order(account, key, 4))
    with database.transaction() as session:
        tasks.complete(session, task, rows.RESULT, keep=KEEP, voice=None)
    with database.transaction() as session:
        assert ledger.audit(session).sound
        for statement in change.split("; "):
            session.execute(text(statement))
        audit = ledger.audit(session)
    assert not audit.sound
    assert audit.total == 0
    assert audit.wrong_accounts == (account,)


def test_the_migration_adds_up_the_days_of_older_lines(database: Database) -> None:
    account, key = customer(database, 100)
    for cost in (4, 5):
        task = submit(database, order(account, key, cost))
        with database.transaction() as session:
            tasks.complete(session, task, rows.RESULT, keep=KEEP, voice=None)
    with database.engine.begin() as connection:
        table = "" if database.sqlite else " ON transfers"
        connection.execute(text(f"DROP TRIGGER transfers_usage{table}"))
        if not database.sqlite:
            connection.execute(text("DROP FUNCTION transfers_usage"))
        for each in ("usage_days", "voice_days"):
            connection.execute(text(f"DROP TABLE {each}"))
        migration = configuration(connection)
        for wanted in ("0031", "0034"):
            before = ScriptDirectory.from_config(migration).get_revision(wanted).down_revision
            connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": before})
            command.upgrade(migration, wanted)
    with database.read() as session:
        assert ledger.audit(session).sound
        days = queries.usage(session, account, 2)  # the day may have changed meanwhile
        assert (sum(day.spent for day in days), sum(day.tasks for day in days)) == (9, 2)
        assert [each.tasks for each in queries.usage_by_voice(session, account, 2)] == [1, 1]


def test_audit_notices_a_wrong_account(database: Database) -> None:
    account, _ = customer(database, 10)
    with database.transaction() as session:
        session.execute(text("UPDATE accounts SET posted = 12 WHERE id = :id"), {"id": account})
    with database.read() as session:
        audit = ledger.audit(session)
    assert not audit.sound
    assert audit.total == 2
    assert audit.wrong_accounts == (account,)


@pytest.mark.parametrize("what", ["ends", "payments"])
def test_an_audit_among_writers_compares_the_same_state(database: Database, what: str) -> None:
    """Somebody else commits before each query of the audit."""
    account, key = customer(database, 100)
    writer = Database(database.engine.url.render_as_string(hide_password=False))
    waiting = [submit(database, order(account, key, 4)) for _ in range(20)]
    commits = 0

    def commit(*_: object) -> None:
        nonlocal commits
        with writer.transaction() as session:
            if what == "ends":
                tasks.complete(session, waiting.pop(), rows.RESULT, keep=KEEP, voice=None)
            else:
                ledger.credit(session, account, 1)
        commits += 1

    event.listen(database.engine, "before_cursor_execute", commit)
    try:
        with database.snapshot() as session:
            audit = ledger.audit(session)
    finally:
        event.remove(database.engine, "before_cursor_execute", commit)
        writer.close()
    assert commits >= 3
    assert (audit.total, audit.wrong_accounts) == (0, ())


def test_keys_are_known_until_revoked(database: Database) -> None:
    from soundclone.errors import AuthenticationError

    with database.transaction() as session:
        account = ledger.open_account(session, "a")
        key, text_of_key = keys.create(session, SECRET, account_id=account.id, name="n")
        assert keys.authenticate(session, [SECRET], text_of_key).account_id == account.id
        assert keys.find(session, text_of_key[:9]).id == key.id
        with pytest.raises(AuthenticationError, match="not known"):
            keys.authenticate(session, [b"other secret"], text_of_key)
        keys.revoke(session, key.id)
    with database.read() as session, pytest.raises(AuthenticationError, match="revoked on 20"):
        keys.authenticate(session, [SECRET], text_of_key)


def test_a_foreign_task_is_an_unknown_one(database: Database) -> None:
    account, key = customer(database, 10)
    stranger, _ = customer(database, 10)
    task = submit(database, order(account, key, 1))
    with database.read() as session:
        assert tasks.get(session, task, account).id == task
        with pytest.raises(NotFound) as foreign:
            tasks.get(session, task, stranger)
        unknown = f"audio_{uuid.uuid4()}"
        with pytest.raises(NotFound) as nobody:
            tasks.get(session, unknown, stranger)
    assert foreign.value.message == nobody.value.message.replace(unknown, task)
