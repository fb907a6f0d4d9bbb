"""The only place where a task's status changes.

    queued ──> processing ──> completed   what was held is captured
       └────────────┴───────> failed      what was held is released; for the delivered part of a
                                          stream it may be captured, see `delivery`

Each arrow is one conditional update in the same transaction as the money that goes with it, so a
task ends once, whoever else is trying to end it at the same time.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, exists, func, select, update
from sqlalchemy.orm import Session

from ..db.models import Account, Key, Task, TaskKind, TaskStatus, Voice
from ..errors import (
    Deleted,
    Expired,
    IdempotencyConflict,
    NotFound,
    RateLimited,
    StateConflict,
    TaskAbandoned,
    TaskCancelled,
    TaskError,
    TaskTimedOut,
)
from . import delivery, ledger, results, voices
from .formatting import moment
from .requests import Request, TaskResult
from .voices import ACTIVE

POLL = (
    select(
        Task.id,
        Task.kind,
        Task.status,
        Task.voice_id,
        Task.cost,
        Task.progress,
        Task.result,
        Task.error,
        Task.error_word,
        Task.created_at,
        Task.expires_at,
    )
    .join_from(Key, Task, Key.account_id == Task.account_id)
    .where(Key.hash == bindparam("key"), Key.revoked_at.is_(None), Task.id == bindparam("task"))
)
"""A task as its owner sees it, by the hash of a key and the task's id, in one read: no row when
anything is wrong, and `keys.authenticate` and `get` then say what."""

STATE = select(
    Task.status, Task.voice_id, Task.result, Task.error, Task.error_word, Task.created_at
).where(Task.id == bindparam("task"))
"""How far a task is, for who waits for it."""

ENDED = "the task was ended before its work was done"

Enqueue = Callable[[Session, Task], None]

# Made once: building a statement takes longer than running it.
_STANDING = (
    select(Account.turn, Account.active, Account.kept, Key.active)
    .join(Key, Key.account_id == Account.id)
    .where(Key.id == bindparam("key"))
    .with_for_update(of=Account)
)
_SERVED = select(
    *(
        select(func.min(Task.turn)).where(Task.status == status).scalar_subquery()
        for status in ACTIVE
    )
)
_TOOK_TURN = (
    update(Account)
    .where(Account.id == bindparam("account"))
    .values(turn=bindparam("taken"), kept=Account.kept + bindparam("more"))
    .execution_options(synchronize_session=False)
)


@dataclass(frozen=True)
class Order:
    """A request for a task, checked and priced."""

    account_id: str
    key_id: str
    request: Request
    characters: int
    cost: int  # micro-credits
    request_hash: str  # of the request's body, to know a repeated one by
    fee: int = 0  # the part of `cost` that does not depend on the characters
    size: int = 0  # bytes that the result may take
    idempotency_key: str | None = None
    voice_id: str | None = None  # None: the task makes one


def submit(
    session: Session,
    order: Order,
    enqueue: Enqueue,
    *,
    active_limit: int,
    result_quota: int | None = None,
) -> Task:
    """Hold the money, write the task and enqueue the job: all or, on any error, nothing.

    The same idempotency key with the same request returns the first task; of two that race, one
    may get sqlalchemy's IntegrityError, rolls back and tries again. Raises IdempotencyConflict,
    NotFound and Expired (of the voice), RateLimited, TooLarge (of the results),
    InsufficientBalance, QuotaExceeded.
    """
    known = _repeated(session, order)
    if known:
        return known
    if order.voice_id is not None:
        voices.usable(session, order.voice_id, order.account_id)
    turn, own_active, kept, active = session.execute(_STANDING, {"key": order.key_id}).one()
    if active >= active_limit:
        raise RateLimited(
            f"this key has {active_limit} tasks that have not ended, which is the most; "
            "wait for some to end",
            retry_after=5,
        )
    if result_quota is not None:
        results.check_quota(kept, order.size, result_quota)
    task = Task(
        id=f"audio_{uuid.uuid4()}",
        kind=order.request.kind,
        status=TaskStatus.QUEUED,
        account_id=order.account_id,
        key_id=order.key_id,
        voice_id=order.voice_id or f"model_{uuid.uuid4().hex}",
        params=order.request.to_json(),
        characters=order.characters,
        cost=order.cost,
        fee=order.fee,
        delivered=0,
        size=order.size,
        turn=_turn(session, turn if own_active else 0),
        idempotency_key=order.idempotency_key,
        request_hash=order.request_hash,
        progress=0,
        attempts=0,
        result={},
        created_at=time.time(),
    )
    session.execute(
        _TOOK_TURN, {"account": order.account_id, "taken": task.turn, "more": order.size}
    )
    session.add(task)
    session.flush()
    ledger.hold(
        session,
        account_id=order.account_id,
        key_id=order.key_id,
        task_id=task.id,
        amount=order.cost,
    )
    enqueue(session, task)
    return task


def _repeated(session: Session, order: Order) -> Task | None:
    if order.idempotency_key is None:
        return None
    task = session.scalar(
        select(Task).where(
            Task.account_id == order.account_id, Task.idempotency_key == order.idempotency_key
        )
    )
    if task and task.request_hash != order.request_hash:
        raise IdempotencyConflict(
            f"Idempotency-Key {order.idempotency_key!r} was used on {moment(task.created_at)} with "
            "another request; use a new key for a new request"
        )
    return task


def recent(session: Session, account_id: str, request_hash: str, since: float) -> Task | None:
    """The task that the same request of the account made after `since`: none that failed, whose
    voice is gone, or with an idempotency key, by which something new was asked for. Of two that
    ask at once in writing transactions, the second waits for the first."""
    ledger.lock(session, account_id)
    gone = exists().where(Voice.id == Task.voice_id, Voice.expires_at <= time.time())
    return session.scalar(
        select(Task)
        .where(
            Task.account_id == account_id,
            Task.created_at >= since,
            Task.request_hash == request_hash,
            Task.idempotency_key.is_(None),
            Task.status != TaskStatus.FAILED,
            ~gone,
        )
        .order_by(Task.created_at.desc())
        .limit(1)
    )


def _turn(session: Session, last: int) -> int:
    """Place in the queue, by start-time fair queueing (Goyal et al., 1996): an account's tasks
    take one turn each after its `last`, and a newcomer (0) starts at the turn that is being
    served, so that nobody waits behind the whole backlog of somebody else."""
    turns = [turn for turn in session.execute(_SERVED).one() if turn is not None]
    return max(min(turns, default=1), last + 1)


def get(session: Session, task_id: str, account_id: str) -> Task:
    """The account's task. Raises NotFound, also for another account's, Deleted and Expired."""
    task = session.get(Task, task_id)
    if task is None or task.account_id != account_id:
        raise NotFound(f"there is no task {task_id!r} in this account")
    if task.expires_at is not None and task.expires_at <= time.time():
        voice = session.get(Voice, task.voice_id) if task.kind == TaskKind.CLONE else None
        if voice is not None and voice.deleted_at is not None:
            raise Deleted(
                f"task {task_id} made voice {voice.id}, which was deleted on "
                f"{moment(voice.deleted_at)}"
            )
        raise Expired(f"the result of task {task_id} expired on {moment(task.expires_at)}")
    return task


def start(session: Session, task_id: str) -> Task | None:
    """A worker takes the task up, or takes it over; None when it has ended meanwhile."""
    session.execute(
        update(Task)
        .where(Task.id == task_id, Task.status.in_(ACTIVE))
        .values(
            status=TaskStatus.PROCESSING, started_at=func.coalesce(Task.started_at, time.time())
        )
    )
    task = session.get(Task, task_id)
    return task if task is not None and task.status in ACTIVE else None


def attempt(session: Session, task_id: str, worker: str) -> int:
    """A worker begins to work at the task; returns the attempts since its last progress. Raises
    TaskCancelled when the task has ended meanwhile."""
    attempts = session.scalar(
        update(Task)
        .where(Task.id == task_id, Task.status == TaskStatus.PROCESSING)
        .values(attempts=Task.attempts + 1, worker=worker)
        .returning(Task.attempts)
    )
    if attempts is None:
        raise TaskCancelled(ENDED)
    return int(attempts)


def check_attempts(attempts: int, most: int) -> None:
    """Raises TaskAbandoned when too many workers were lost over the task without its getting any
    further."""
    if attempts > most:
        raise TaskAbandoned(
            f"the task ended its worker {most} times at the same place; "
            "it was given up and nothing was charged"
        )


def stand_back(session: Session, worker: str) -> None:
    """A worker that stops on purpose does not count against the tasks that it leaves."""
    session.execute(
        update(Task)
        .where(Task.worker == worker, Task.status == TaskStatus.PROCESSING, Task.attempts > 0)
        .values(attempts=Task.attempts - 1)
    )


def advance(session: Session, task_id: str, progress: int, attempts: int = 1) -> None:
    """Note progress in per cent; `attempts` are 0 when only a source was fetched so far. Raises
    TaskCancelled when the task has ended meanwhile."""
    moved = session.execute(
        update(Task)
        .where(Task.id == task_id, Task.status == TaskStatus.PROCESSING)
        .values(progress=progress, attempts=attempts)
    )
    if not moved.rowcount:  # type: ignore[attr-defined]
        raise TaskCancelled(ENDED)


def check_active(session: Session, task_id: str) -> None:
    """Raises TaskCancelled when the task has ended."""
    if not active(session, [task_id]):
        raise TaskCancelled(ENDED)


def active(session: Session, task_ids: Collection[str]) -> set[str]:
    """Ids of the given tasks that have not ended."""
    return set(
        session.scalars(select(Task.id).where(Task.id.in_(task_ids), Task.status.in_(ACTIVE)))
    )


def complete(
    session: Session,
    task_id: str,
    result: TaskResult,
    *,
    keep: float,
    voice: Voice | None,
    size: int = 0,
) -> bool:
    """End the task well and take its price. `keep`: seconds that its files are kept, of `size`
    bytes. A preview
    brings the `voice` that it made; a production task activates the one that it used. False when
    it had ended before, and then nothing happens."""
    now = time.time()
    ended = session.execute(
        update(Task)
        .where(Task.id == task_id, Task.status.in_(ACTIVE))
        .values(
            status=TaskStatus.COMPLETED,
            progress=100,
            result=result.to_json(),
            ended_at=now,
            expires_at=now + keep,
        )
    )
    if not ended.rowcount:  # type: ignore[attr-defined]
        return False
    # The voice before the account, as in `submit`: the other way round, the two could wait for
    # each other.
    if voice:
        session.add(voice)
    else:
        voices.activate(session, session.get_one(Task, task_id).voice_id)
    ledger.capture(session, task_id)
    results.resize(session, task_id, size)
    return True


def fail(session: Session, task_id: str, error: TaskError, *, keep: float) -> bool:
    """End the task badly and give its price back, but for what `delivery` charges. False when it
    had ended before."""
    now = time.time()
    ended = session.execute(
        update(Task)
        .where(Task.id == task_id, Task.status.in_(ACTIVE))
        .values(
            status=TaskStatus.FAILED,
            error_word=error.word,
            error_logged=error.logged,
            ended_at=now,
            expires_at=now + keep,
        )
    )
    if not ended.rowcount:  # type: ignore[attr-defined]
        return False
    charged, message = delivery.settle(session, task_id, error)
    session.execute(update(Task).where(Task.id == task_id).values(error=message, cost=charged))
    results.resize(session, task_id, 0)
    return True


def cancel(
    session: Session,
    task_id: str,
    account_id: str,
    *,
    keep: float,
    error: TaskCancelled | None = None,
) -> Task:
    """End the account's task at once, with `error` or as its owner's wish; its worker notices at
    the next step. Ended tasks stay as they are. Raises NotFound, Expired."""
    task = get(session, task_id, account_id)
    fail(session, task_id, error or TaskCancelled("the task was cancelled"), keep=keep)
    session.refresh(task)
    return task


def discard(session: Session, task_id: str, account_id: str) -> Task:
    """Let the result of an ended task expire now, and free its space. Raises NotFound, Expired,
    StateConflict when the task has not ended."""
    task = get(session, task_id, account_id)
    if task.status in ACTIVE:
        raise StateConflict(f"task {task_id} has not ended; cancel it, or wait for its end")
    session.execute(update(Task).where(Task.id == task_id).values(expires_at=time.time()))
    results.resize(session, task_id, 0)
    return task


def overdue(session: Session, timeout: float, limit: int = 100) -> Sequence[str]:
    """Ids of tasks that have not ended `timeout` seconds after their submission."""
    return session.scalars(
        select(Task.id)
        .where(Task.status.in_(ACTIVE), Task.created_at < time.time() - timeout)
        .limit(limit)
    ).all()


def time_out(session: Session, task_id: str, timeout: float, *, keep: float) -> bool:
    """Fail a task that nobody finished, so that its money does not stay held for ever."""
    error = TaskTimedOut(f"the task had not ended after {timeout:.0f} s")
    return fail(session, task_id, error, keep=keep)


def expired(session: Session, limit: int = 100) -> Sequence[str]:
    """Ids of ended tasks whose files and texts are to go."""
    return session.scalars(
        select(Task.id).where(Task.expires_at <= time.time(), Task.purged_at.is_(None)).limit(limit)
    ).all()


def purge(session: Session, task_id: str) -> None:
    """Forget the task's text and result; its bare row stays, for the books."""
    session.execute(
        update(Task)
        .where(Task.id == task_id)
        .values(params={}, result={}, error=None, error_logged=None, purged_at=time.time())
    )
    results.resize(session, task_id, 0)


def forget(session: Session, before: float) -> None:
    """Remove the bare rows of tasks and voices that were purged before a time. The ledger keeps
    their ids."""
    for table in (Task, Voice):
        session.execute(delete(table).where(table.purged_at < before))
