"""Tasks: submission, state and end.

    queued ──> processing ──> completed   the held amount is captured
       └────────────┴───────> failed      the held amount is released, except for the delivered
                                          part of a stream, see `delivery`

A stream may be spoken before its listener takes a byte. Then it stays processing, with its result
and its hold, until `deliver` completes it (`SPOKEN`).

No other module changes the status of a task. Each transition is one conditional update in the same
transaction as its money, so a task ends once, even if several processes try to end it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Executable,
    Float,
    Update,
    bindparam,
    case,
    delete,
    event,
    exists,
    func,
    literal_column,
    null,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Session

from .. import tracing
from ..db.models import (
    Key,
    Render,
    Take,
    Task,
    TaskKind,
    TaskStatus,
    TaskVoice,
    Voice,
    table_of,
)
from ..db.point_reads import PointRead
from ..db.session import affected
from ..errors import (
    AuthenticationError,
    Deleted,
    Expired,
    IdempotencyConflict,
    NotFound,
    RateLimited,
    SoundcloneError,
    SourceError,
    StateConflict,
    TaskAbandoned,
    TaskCancelled,
    TaskError,
    TaskTimedOut,
)
from ..telemetry import AUDIO, TASKS, is_configured, log
from . import audit, cast, consents, delivery, ledger, register, results, voices, webhooks
from .audit import Event
from .formatting import moment
from .pricing import to_credits
from .requests import CloneRequest, ConsentSource, Request, TaskResult, voices_of
from .voices import ACTIVE

SPOKEN = 100
"""Progress of a stream that is spoken to its end although no byte of it was sent.

No worker has anything left to do. The API completes the task with the first byte, or fails it. If
the API is killed, `listeners` ends the task."""

_TASKS = table_of(Task)
UNFINISHED = (
    # Text in the statement, because SQLAlchemy expands a list of parameters at each execution.
    _TASKS.c.status.in_([literal_column(f"'{each}'") for each in ACTIVE]),
    _TASKS.c.progress < SPOKEN,
)
"""Conditions of tasks that workers have something to do for."""


def _changed(change: Update, *more: ColumnElement[bool]) -> Executable:
    """Return a statement that changes a task, and returns the task and the values of conditions.

    An UPDATE of the ORM would be built anew at each execution.
    """
    statement = change.where(_TASKS.c.id == bindparam("task")).returning(*_TASKS.c, *more)
    returned: Executable = select(Task, *more).from_statement(statement)
    return returned.execution_options(populate_existing=True)


# Constants, because building a statement takes longer than executing it.
_START = _changed(
    update(_TASKS)
    .where(*UNFINISHED)
    .values(
        status=TaskStatus.PROCESSING,
        started_at=func.coalesce(_TASKS.c.started_at, bindparam("now")),
    )
)
_KEEP = _changed(
    update(_TASKS)
    .where(*UNFINISHED, _TASKS.c.delivered == 0)
    .values(progress=SPOKEN, result=bindparam("outcome"))
)
_DELIVER = _changed(
    update(_TASKS)
    .where(
        _TASKS.c.status == TaskStatus.PROCESSING,
        _TASKS.c.progress == SPOKEN,
        _TASKS.c.delivered > 0,
    )
    .values(
        status=TaskStatus.COMPLETED,
        ended_at=bindparam("now"),
        expires_at=bindparam("until", type_=Float),
    )
)
_COMPLETE = _changed(
    update(_TASKS)
    .where(*UNFINISHED)
    .values(
        cost=func.coalesce(bindparam("price", type_=BigInteger), _TASKS.c.cost),
        status=TaskStatus.COMPLETED,
        progress=100,
        result=bindparam("outcome"),
        ended_at=bindparam("now"),
        # A take is kept as long as its project.
        expires_at=case(
            (exists().where(Take.task_id == bindparam("task")), null()),
            else_=bindparam("until", type_=Float),
        ),
    ),
    voices.INACTIVE,
    webhooks.HEARD,
)
_POLLED = (
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
    Key.scopes,
    Key.id.label("key_id"),
    Key.expires_at.label("key_expires_at"),
)

POLL = PointRead.of(
    lambda wanted: (
        select(*_POLLED)
        .join_from(Key, Task, Key.account_id == Task.account_id)
        .where(Key.hash == wanted[0], Task.id == wanted[1], Key.revoked_at.is_(None))
    ),
    "key",
    "task",
)
"""Task by its id and the hash of a key of its account: authentication and read in one query.

No row means that the id is wrong, or that the key is wrong, revoked or replaced. The caller checks
the expiry of the key. `keys.authenticate` and `get` find out the reason.
"""

STATE = PointRead.of(
    lambda wanted: select(
        Task.status,
        Task.progress,
        Task.voice_id,
        Task.result,
        Task.error,
        Task.error_word,
        Task.created_at,
    ).where(Task.id == wanted[0]),
    "task",
)
"""State of a task, for requests that wait for its end."""

SPEAKING = 3
"""Progress of a speech task, in per cent, from which on a worker speaks the text."""

ENDED = "the task was ended before its work was done"

_log = log(__name__)

Enqueue = Callable[[Session, Sequence[Task]], None]

# Constants, because building a statement takes longer than executing it.
_SERVED = select(
    *(
        select(func.min(Task.turn))
        .where(Task.status == status, Task.progress < SPOKEN)
        .scalar_subquery()
        for status in ACTIVE
    )
)


@dataclass(frozen=True)
class Order:
    """A request for a task, checked and priced."""

    account_id: str
    key_id: str
    request: Request
    characters: int
    cost: int  # micro-credits
    request_hash: str  # of the body, to recognise a repeated request
    fee: int = 0  # the part of `cost` that does not depend on the characters
    size: int = 0  # bytes that the result may take
    idempotency_key: str | None = None
    voice_id: str | None = None  # None: the task makes a voice, or joins takes of several
    others: tuple[str, ...] = ()  # ids of further voices that speak
    trace: str | None = field(default_factory=tracing.traceparent)  # of the request

    @property
    def voices(self) -> tuple[str, ...]:
        """Ids of the existing voices that speak."""
        return (*filter(None, (self.voice_id,)), *self.others)


def submit(
    session: Session,
    order: Order,
    enqueue: Enqueue,
    *,
    active_limit: int,
    result_quota: int | None = None,
) -> Task:
    """Submit one order like `submit_all`. After an error, nothing is done.

    Raises:
        IdempotencyConflict: The key was used with another request.
        NotFound, Deleted, Expired: The voice or the consent cannot be used.
        AuthenticationError: The API key was revoked.
        RateLimited: The key has too many tasks that have not ended.
        TooLarge: The result may exceed the account's quota of results.
        InsufficientBalance, QuotaExceeded: The price cannot be paid.
    """
    (outcome,) = submit_all(
        session, [order], enqueue, active_limit=active_limit, result_quota=result_quota
    )
    if isinstance(outcome, SoundcloneError):
        raise outcome
    return outcome


def submit_all(
    session: Session,
    orders: Sequence[Order],
    enqueue: Enqueue,
    *,
    active_limit: int,
    result_quota: int | None = None,
) -> Sequence[Task | SoundcloneError]:
    """Hold the prices of orders, write their tasks and enqueue their jobs.

    Return the task of each order, or the error that refuses it. A refused order has no effect. The
    same idempotency key with the same request returns the first task.

    All orders share the statements, so that many cost little more than one. Consents, voices and
    accounts are locked in this order, and each kind in the order of ids, to avoid deadlocks.
    """
    refused = _lock_consents(session, orders)
    usable = voices.lock(session, (each for order in orders for each in order.voices))
    keys = ledger.lock_payers(session, {order.key_id for order in orders})
    known = _repeated(session, orders)
    served = _served_turn(session)
    made: list[Task] = []
    beside: list[TaskVoice] = []
    outcomes: list[Task | SoundcloneError] = []
    for place, order in enumerate(orders):
        repeated = (order.account_id, order.idempotency_key)
        try:
            if repeated in known:
                outcomes.append(_same(known[repeated], order))
                continue
            if place in refused:
                raise refused[place]
            for voice_id in order.voices:
                voices.checked(usable.get(voice_id), voice_id, order.account_id)
            task = _admit(order, keys.get(order.key_id), served, active_limit, result_quota)
        except SoundcloneError as error:
            outcomes.append(error)
            continue
        if order.idempotency_key is not None:
            known[repeated] = task
        made.append(task)
        beside += [
            TaskVoice(task_id=task.id, voice_id=each, account_id=task.account_id)
            for each in order.others
        ]
        outcomes.append(task)
    if not made:
        return outcomes
    session.add_all(made)
    session.add_all(beside)
    for task in made:
        if task.kind != TaskKind.AUDIO:
            continue
        for voice_id in voices_of(task):
            audit.record(
                session,
                Event.USED,
                audit.by_key(task.key_id),
                voice_id=voice_id,
                account_id=task.account_id,
                task_id=task.id,
            )
    session.flush()
    ledger.hold(
        session,
        keys.values(),
        [ledger.Hold(task.id, task.cost, task.account_id, task.key_id) for task in made],
    )
    for payer in {key.payer.account_id: key.payer for key in keys.values()}.values():
        webhooks.balance_fell(session, payer)
    enqueue(session, made)
    return outcomes


def _lock_consents(session: Session, orders: Sequence[Order]) -> dict[int, SoundcloneError]:
    """Lock the kept consents that orders name. Return errors by the places of their orders."""
    refused: dict[int, SoundcloneError] = {}
    named = [
        (order.request.consent_source.consent_id, place)
        for place, order in enumerate(orders)
        if isinstance(order.request, CloneRequest)
        and isinstance(order.request.consent_source, ConsentSource)
    ]
    for consent_id, place in sorted(named):
        try:
            consents.lock_usable(session, consent_id, orders[place].account_id)
        except SoundcloneError as error:
            refused[place] = error
    return refused


def _admit(
    order: Order,
    key: ledger.PayingKey | None,
    served: int,
    active_limit: int,
    result_quota: int | None,
) -> Task:
    """Reserve the price of an order and return its task, which is not in the session yet."""
    if key is None:  # since the request was authenticated
        raise AuthenticationError("the API key is not known to this service")
    if key.active >= active_limit:
        raise RateLimited(
            f"this key has {active_limit} tasks that have not ended, which is the most; "
            "wait for some to end",
            retry_after=5,
        )
    if result_quota is not None:
        results.check_quota(key.payer.kept, order.size, result_quota)
    # Start-time fair queueing (Goyal et al., 1996). The tasks of an account take consecutive
    # turns. An account without waiting tasks starts at the turn that is being served, so it does
    # not wait for another account's whole backlog.
    turn = max(served, (key.payer.turn if key.payer.active else 0) + 1)
    key.reserve(order.cost, turn=turn, size=order.size)
    return Task(
        id=f"audio_{uuid.uuid4()}",
        kind=order.request.kind,
        status=TaskStatus.QUEUED,
        account_id=order.account_id,
        key_id=order.key_id,
        voice_id=_voice_of(order),
        params=order.request.to_json(),
        characters=order.characters,
        cost=order.cost,
        fee=order.fee,
        delivered=0,
        size=order.size,
        turn=turn,
        idempotency_key=order.idempotency_key,
        request_hash=order.request_hash,
        progress=0,
        attempts=0,
        trace=order.trace,
        result={},
        created_at=time.time(),
    )


def _voice_of(order: Order) -> str:
    if order.request.kind == TaskKind.CLONE:
        return f"model_{uuid.uuid4().hex}"
    return order.voice_id or ""


def _repeated(session: Session, orders: Sequence[Order]) -> dict[tuple[str, str | None], Task]:
    """Return earlier tasks with the idempotency keys of orders, by account and key."""
    pairs = [
        (order.account_id, order.idempotency_key)
        for order in orders
        if order.idempotency_key is not None
    ]
    if not pairs:
        return {}
    found = session.scalars(
        select(Task).where(tuple_(Task.account_id, Task.idempotency_key).in_(pairs))
    )
    return {(task.account_id, task.idempotency_key): task for task in found}


def _same(task: Task, order: Order) -> Task:
    """Return an earlier task with the order's idempotency key, if its request is the same."""
    if task.request_hash != order.request_hash:
        raise IdempotencyConflict(
            f"Idempotency-Key {order.idempotency_key!r} was used on {moment(task.created_at)} with "
            "another request; use a new key for a new request"
        )
    return task


def _served_turn(session: Session) -> int:
    """Return the turn that workers are serving."""
    turns = [turn for turn in session.execute(_SERVED).one() if turn is not None]
    return min(turns, default=1)


def recent(session: Session, account_id: str, request_hash: str, since: float) -> Task | None:
    """Return the account's last task of an equal request since a time.

    Failed tasks, tasks whose voice is gone, and tasks with an idempotency key do not count. The
    account is locked, so two simultaneous requests do not both miss the task.
    """
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


def get(session: Session, task_id: str, account_id: str) -> Task:
    """Return the account's task. Raises NotFound, Deleted and Expired."""
    task = session.get(Task, task_id)
    if task is None or task.account_id != account_id:
        raise NotFound(f"there is no task {task_id!r} in this account")
    if task.expires_at is not None and task.expires_at <= time.time():
        spoken = [task.voice_id, *cast.others_of(session, task_id)]
        withdrawn = session.scalar(
            select(Voice.id).where(Voice.id.in_(spoken), Voice.withdrawn_at.is_not(None)).limit(1)
        )
        if withdrawn is not None:
            raise Deleted(
                f"the result of task {task_id} was deleted on {moment(task.expires_at)}, because "
                f"the speaker's consent to voice {withdrawn} ended"
            )
        voice = session.get(Voice, task.voice_id)
        made = task.kind == TaskKind.CLONE
        if made and voice is not None and voice.deleted_at is not None:
            raise Deleted(
                f"task {task_id} made voice {voice.id}, which was deleted on "
                f"{moment(voice.deleted_at)}"
            )
        raise Expired(f"the result of task {task_id} expired on {moment(task.expires_at)}")
    return task


def start(session: Session, task_id: str) -> Task | None:
    """Set a task to processing, also when a worker takes it over. Return None if it has ended."""
    return session.scalars(_START, {"task": task_id, "now": time.time()}).one_or_none()


def count_attempt(session: Session, task_id: str, worker: str) -> int:
    """Count an attempt of a worker, and return the attempts since the last progress.

    Raises TaskCancelled if the task has ended meanwhile.
    """
    attempts = session.scalar(
        update(Task)
        .where(Task.id == task_id, Task.status == TaskStatus.PROCESSING, Task.progress < SPOKEN)
        .values(attempts=Task.attempts + 1, worker=worker)
        .returning(Task.attempts)
    )
    if attempts is None:
        raise TaskCancelled(ENDED)
    return int(attempts)


def check_attempts(attempts: int, most: int) -> None:
    """Raise TaskAbandoned if the task has lost too many workers without progress."""
    if attempts > most:
        raise TaskAbandoned(
            f"the task ended its worker {most} times at the same place; "
            "it was given up and nothing was charged"
        )


def uncount_attempts(session: Session, worker: str) -> None:
    """Take back the attempts of a worker that shuts down on purpose."""
    session.execute(
        update(Task)
        .where(Task.worker == worker, Task.status == TaskStatus.PROCESSING, Task.attempts > 0)
        .values(attempts=Task.attempts - 1)
    )


def record_progress(session: Session, task_id: str, progress: int, attempts: int = 1) -> None:
    """Record the progress of a task.

    Args:
        session: The transaction.
        task_id: The task.
        progress: Per cent.
        attempts: Attempts since this progress, 0 if no step has computed yet.

    Raises:
        TaskCancelled: The task has ended meanwhile.
    """
    moved = session.execute(
        update(Task)
        .where(Task.id == task_id, Task.status == TaskStatus.PROCESSING, Task.progress < SPOKEN)
        .values(progress=progress, attempts=attempts)
    )
    if not affected(moved):
        raise TaskCancelled(ENDED)


def check_active(session: Session, task_id: str) -> None:
    """Raise TaskCancelled if the task has ended."""
    if not active(session, [task_id]):
        raise TaskCancelled(ENDED)


def active(session: Session, task_ids: Collection[str]) -> set[str]:
    """Return the ids of the given tasks that workers have something to do for."""
    return set(session.scalars(select(Task.id).where(Task.id.in_(task_ids), *UNFINISHED)))


def complete(
    session: Session,
    task_id: str,
    result: TaskResult,
    *,
    keep: float,
    voice: Voice | None,
    size: int = 0,
    cost: int | None = None,
    on_delivery: bool = False,
) -> bool:
    """Complete a task and capture its price. Return False if it had ended before.

    With `on_delivery`, a task of which nothing was delivered keeps its hold, see `deliver`.

    Args:
        session: The transaction.
        task_id: The task.
        result: Files and measurements.
        keep: Seconds for which the files are kept. A take is kept with its project.
        voice: The new voice of a preview. None activates the voice of a speech task.
        size: Bytes of the files.
        cost: Price in micro-credits, at most what is held. None captures all of it.
        on_delivery: True for a stream that is charged when its first byte is sent.
    """
    if on_delivery:
        outcome = {"task": task_id, "outcome": result.to_json()}
        kept = session.scalars(_KEEP, outcome).one_or_none()
        if kept is not None:
            results.add(session, kept.account_id, results.measure(session, kept, size))
            return True
    now = time.time()
    values = {"price": cost, "outcome": result.to_json(), "now": now, "until": now + keep}
    ended = session.execute(_COMPLETE, {"task": task_id, **values}).one_or_none()
    if ended is None:
        return False
    task, inactive, heard = ended
    # Lock the voice before the account, like `submit`, to avoid a deadlock.
    if voice:
        session.add(voice)
        audit.record(
            session,
            Event.CREATED,
            audit.by_key(task.key_id),
            voice_id=voice.id,
            account_id=voice.account_id,
            task_id=task_id,
            detail=voice.engine,
        )
        session.flush()
    else:
        _activate_voices(session, task, own=inactive)
    more = results.measure(session, task, size)
    if not ledger.capture(session, task_id, cost, more=more):
        results.add(session, task.account_id, more)
    _ended(session, task, heard=heard)
    return True


def _activate_voices(session: Session, task: Task, *, own: bool = True) -> None:
    """Keep the voices of a speech task. `own` is false if its own voice is kept already."""
    for voice_id in voices_of(task):  # in the order in which all transactions lock voices
        if own or voice_id != task.voice_id:
            voices.activate(session, voice_id)


def deliver(session: Session, task_id: str, characters: int, *, keep: float) -> bool:
    """Record that the speech of the first `characters` is about to be sent.

    A stream that is spoken to its end is completed, and its price captured. Return False if the
    task has failed. Then nothing may be sent.

    Args:
        session: The transaction.
        task_id: The task.
        characters: Billed characters up to the end of the part that is sent.
        keep: Seconds for which the files of a stream are kept that is completed.
    """
    if not delivery.record(session, task_id, characters):
        return False
    now = time.time()
    times = {"task": task_id, "now": now, "until": now + keep}
    task = session.scalars(_DELIVER, times).one_or_none()
    if task is not None:
        _activate_voices(session, task)
        ledger.capture(session, task_id)
        _ended(session, task)
    return True


def fail(
    session: Session, task_id: str, error: TaskError, *, keep: float, by_worker: bool = False
) -> bool:
    """Fail a task and release its price, except what `delivery` charges.

    Return False if the task had ended before.

    Args:
        session: The transaction.
        task_id: The task.
        error: The reason.
        keep: Seconds for which the task is listed.
        by_worker: True for an error of the work, which cannot end a stream that is spoken.
    """
    now = time.time()
    ended = session.execute(
        update(Task)
        .where(Task.id == task_id, *(UNFINISHED if by_worker else UNFINISHED[:1]))
        .values(
            status=TaskStatus.FAILED,
            result={},
            error_word=error.word,
            error_logged=error.logged,
            ended_at=now,
            expires_at=now + keep,
        )
    )
    if not affected(ended):
        return False
    charged, message = delivery.charge(session, task_id, error)
    session.execute(update(Task).where(Task.id == task_id).values(error=message, cost=charged))
    task = session.get_one(Task, task_id, populate_existing=True)
    if task.progress == SPOKEN:  # its files count until they are removed
        register.remove(session, [task_id])
    else:
        results.resize(session, task_id, 0)
    _ended(session, task, expected=isinstance(error, SourceError | TaskCancelled))
    return True


def _ended(session: Session, task: Task, *, expected: bool = True, heard: bool = True) -> None:
    """Publish the end of a task. Log and count the end once the transaction is committed.

    Args:
        session: The transaction that ends the task.
        task: The task.
        expected: False for a failure that operators should notice.
        heard: False if the account has no endpoint of a webhook.
    """
    task_id = task.id
    if heard:
        webhooks.task_ended(session, task)
    ended = task.ended_at or time.time()
    started = ended if task.started_at is None else task.started_at
    audio = float(task.result.get("seconds") or 0)
    line = {
        "kind": task.kind,
        "status": task.status,
        "word": task.error_word,
        "reason": task.error_logged,
        "engine": task.params.get("engine"),
        "account": task.account_id,
        "characters": task.characters,
        "cost": to_credits(task.cost),
        "waited": round(started - task.created_at, 3),
        "seconds": round(ended - task.created_at, 3),
        "audio": audio,
        "attempts": task.attempts,
    }

    def report(session: Session) -> None:
        if session.in_nested_transaction():
            return
        TASKS.labels(task.kind, task.status, task.error_word or "").inc()
        AUDIO.labels(task.kind).inc(audio)
        if not is_configured():  # a command, whose output has results only
            return
        level = _log.info if expected else _log.warning
        # The worker's log context has the id too.
        level("task ended", task=task_id, **_without_none(line))

    event.listen(session, "after_commit", report)


def _without_none(line: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in line.items() if value is not None}


def cancel(
    session: Session,
    task_id: str,
    account_id: str,
    *,
    keep: float,
    error: TaskCancelled | None = None,
) -> Task:
    """Fail the account's task as cancelled, or with `error`.

    The worker notices within about a second. A task that has ended stays as it is. Raises NotFound
    and Expired.
    """
    task = get(session, task_id, account_id)
    fail(session, task_id, error or TaskCancelled("the task was cancelled"), keep=keep)
    session.refresh(task)
    return task


def discard(session: Session, task_id: str, account_id: str) -> Task:
    """Expire the result of an ended task now, and release its space.

    Raises NotFound for an unknown task, Expired for an expired result, and StateConflict if the
    task has not ended.
    """
    task = get(session, task_id, account_id)
    if task.status in ACTIVE:
        raise StateConflict(f"task {task_id} has not ended; cancel it, or wait for its end")
    session.execute(update(Task).where(Task.id == task_id).values(expires_at=time.time()))
    results.resize(session, task_id, 0)
    return task


def overdue(session: Session, timeout: float, limit: int = 100) -> Sequence[str]:
    """Return the ids of tasks that have not ended `timeout` seconds after their submission."""
    return session.scalars(
        select(Task.id)
        .where(Task.status.in_(ACTIVE), Task.created_at < time.time() - timeout)
        .limit(limit)
    ).all()


def forget_files(session: Session, task_id: str) -> None:
    """Release the space of a failed task whose files were removed."""
    results.resize(session, task_id, 0)


def time_out(session: Session, task_id: str, timeout: float, *, keep: float) -> bool:
    """Fail a task that takes too long, so that its money is not held for ever."""
    error = TaskTimedOut(f"the task had not ended after {timeout:.0f} s")
    return fail(session, task_id, error, keep=keep)


def expired(session: Session, limit: int = 100) -> Sequence[str]:
    """Return the ids of ended tasks whose files and texts must be removed."""
    return session.scalars(
        select(Task.id).where(Task.expires_at <= time.time(), Task.purged_at.is_(None)).limit(limit)
    ).all()


def purge(session: Session, task_id: str) -> None:
    """Delete the text and the result of a task. Its row stays for the ledger."""
    session.execute(
        update(Task)
        .where(Task.id == task_id)
        .values(params={}, result={}, error=None, error_logged=None, purged_at=time.time())
    )
    session.execute(delete(Take).where(Take.task_id == task_id))
    session.execute(delete(Render).where(Render.task_id == task_id))
    results.resize(session, task_id, 0)


def delete_purged(session: Session, before: float) -> None:
    """Delete the rows of tasks and voices that were purged before a time.

    The ledger keeps their ids.
    """
    for table in (Task, Voice):
        session.execute(delete(table).where(table.purged_at < before))
