"""Read-only queries for the pages of the studio: tasks, usage, customers, load, failures."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import BigInteger, cast, func, literal_column, or_, select, tuple_
from sqlalchemy.orm import Session

from ..db.models import (
    Account,
    EngineOffer,
    Json,
    Key,
    Task,
    TaskStatus,
    Transfer,
    Voice,
    Worker,
)
from . import usage_days
from .formatting import DAY
from .tasks import UNFINISHED
from .voices import ACTIVE
from .workers import WorkerInfo, alive
from .workers import now as current_time

MOST_VOICES = 50
"""Most voices in the usage by voice."""

_DAY = int(DAY)


def history(
    session: Session,
    account_id: str,
    *,
    kind: str | None = None,
    status: str | None = None,
    before: float | None = None,
    limit: int = 50,
) -> Sequence[Task]:
    """Return the account's tasks, the newest first.

    Args:
        session: The transaction.
        account_id: The account.
        kind: "clone", "audio", "conversion" or "render".
        status: A status, or "active" for tasks that have not ended.
        before: Return only tasks submitted before this time.
        limit: Maximum number of tasks to return.
    """
    query = select(Task).where(Task.account_id == account_id)
    if kind:
        query = query.where(Task.kind == kind)
    if status:
        query = query.where(Task.status.in_(ACTIVE if status == "active" else (status,)))
    if before is not None:
        query = query.where(Task.created_at < before)
    return session.scalars(query.order_by(Task.created_at.desc()).limit(limit)).all()


@dataclass(frozen=True)
class Day:
    """Usage of an account in an interval, such as a day (UTC)."""

    start: float  # seconds since the epoch
    spent: int  # micro-credits
    tasks: int


def usage(session: Session, account_id: str, days: int = 30) -> tuple[Day, ...]:
    """Return the account's usage on each of the last `days` days (UTC), the oldest first.

    The numbers come from the ledger, which outlasts the tasks.
    """
    today = int(time.time()) // _DAY
    return usage_between(session, account_id, (today - days + 1) * _DAY, _DAY, days)


def usage_between(
    session: Session, account_id: str, start: int, seconds: int, count: int
) -> tuple[Day, ...]:
    """Return the account's usage in `count` intervals of `seconds` from `start` on.

    The numbers come from the ledger, which outlasts the tasks. `start` is in Unix seconds.
    """
    found = [Day(float(start + each * seconds), 0, 0) for each in range(count)]
    if start % _DAY == seconds % _DAY == 0:
        first = start // _DAY
        length = seconds // _DAY
        for number, spent, charges in usage_days.between(
            session, account_id, first, first + length * count
        ):
            place = (number - first) // length
            day = found[place]
            found[place] = replace(day, spent=day.spent + spent, tasks=day.tasks + charges)
        return tuple(found)
    interval = (cast(Transfer.created_at, BigInteger) - start) // seconds
    rows = session.execute(
        select(interval.label("number"), func.sum(Transfer.amount), func.count())
        .where(
            Transfer.account_id == account_id,
            # A literal, because SQLite does not use a partial index for a parameter.
            Transfer.kind == literal_column("'capture'"),
            Transfer.created_at >= start,
            Transfer.created_at < start + seconds * count,
        )
        .group_by(literal_column("number"))  # Postgres takes two parameters for different values
    )
    for number, spent, charges in rows:
        place = min(int(number), count - 1)  # Postgres rounds the last half second up
        day = found[place]
        found[place] = replace(day, spent=day.spent + int(spent), tasks=day.tasks + charges)
    return tuple(found)


@dataclass(frozen=True)
class VoiceUsage:
    """Usage of one voice, or of all tasks that no other entry has."""

    voice_id: str | None
    name: str | None  # None for a voice without a name, and for a deleted one
    spent: int  # micro-credits
    tasks: int


def usage_by_voice(session: Session, account_id: str, days: int = 30) -> tuple[VoiceUsage, ...]:
    """Return the usage of the account's voices in the days of `usage`, most spent first.

    The last entry has no voice. It has the usage of tasks without a voice, of tasks that ended
    before a release that added up voices, and of voices after the first `MOST_VOICES`.
    """
    end = int(time.time()) // _DAY + 1
    rows = usage_days.of_voices(session, account_id, end - days, end, MOST_VOICES)
    names = {
        row.id: row.name
        for row in session.execute(
            select(Voice.id, Voice.name).where(Voice.id.in_([voice for voice, _, _ in rows]))
        )
    }
    found = [VoiceUsage(voice, names.get(voice), spent, tasks) for voice, spent, tasks in rows]
    all_days = usage_days.between(session, account_id, end - days, end)
    other = VoiceUsage(
        None,
        None,
        sum(spent for _, spent, _ in all_days) - sum(each.spent for each in found),
        sum(tasks for _, _, tasks in all_days) - sum(each.tasks for each in found),
    )
    return (*found, other) if other.tasks else tuple(found)


@dataclass(frozen=True)
class Entry:
    """Everything that the ledger has about one task, or one payment."""

    line: str  # id of the first line
    created_at: float
    paid: int  # micro-credits
    held: int
    charged: int
    returned: int
    memo: str
    task_id: str | None
    task: Task | None
    voice_name: str | None

    @property
    def state(self) -> str:
        """State of the entry: "credit", "hold", "capture", or "release" if nothing was charged."""
        if self.task_id is None:
            return "credit"
        if self.charged:
            return "capture"
        return "release" if self.returned else "hold"


def ledger_entries(
    session: Session, account_id: str, *, before: str | None = None, limit: int = 50
) -> Sequence[Entry]:
    """Return the account's ledger by tasks and payments, the newest first.

    Args:
        session: The transaction.
        account_id: The account.
        before: First line of the last entry of the page before. Tasks of one transaction begin at
            the same time. None, or an unknown line: the first page.
        limit: Maximum number of entries to return.
    """
    last = session.get(Transfer, before) if before and before.isprintable() else None
    heads = select(Transfer).where(
        Transfer.account_id == account_id, Transfer.kind.in_(("credit", "hold"))
    )
    if last is not None and last.account_id == account_id:
        place = tuple_(Transfer.created_at, Transfer.id)
        heads = heads.where(place < (last.created_at, last.id))
    heads = heads.order_by(Transfer.created_at.desc(), Transfer.id.desc()).limit(limit)
    found = session.scalars(heads).all()
    ids = [line.task_id for line in found if line.task_id]
    resolved: dict[str | None, dict[str, Transfer]] = {}
    for line in session.scalars(
        select(Transfer).where(
            Transfer.account_id == account_id,
            Transfer.kind.in_(("capture", "release")),
            Transfer.task_id.in_(ids),
        )
    ):
        resolved.setdefault(line.task_id, {})[line.kind] = line
    tasks = {task.id: task for task in session.scalars(select(Task).where(Task.id.in_(ids)))}
    wanted = {task.voice_id for task in tasks.values()}
    names = {
        row.id: row.name
        for row in session.execute(select(Voice.id, Voice.name).where(Voice.id.in_(wanted)))
    }

    def entry(head: Transfer) -> Entry:
        lines = resolved.get(head.task_id, {}) if head.task_id else {}
        charged, returned = lines.get("capture"), lines.get("release")
        task = tasks.get(head.task_id or "")
        return Entry(
            line=head.id,
            created_at=head.created_at,
            paid=head.amount if head.kind == "credit" else 0,
            held=head.amount if head.kind == "hold" else 0,
            charged=charged.amount if charged else 0,
            returned=returned.amount if returned else 0,
            memo=head.memo or (charged.memo if charged else ""),
            task_id=head.task_id,
            task=task,
            voice_name=names.get(task.voice_id) if task else None,
        )

    return [entry(head) for head in found]


@dataclass(frozen=True)
class HoldingAccount:
    """Account with credits that are held."""

    id: str
    name: str
    held: int  # micro-credits
    active: int  # tasks that have not ended


def holding_accounts(session: Session, limit: int = 50) -> Sequence[HoldingAccount]:
    """Return the accounts with credits that are held, the largest holds first."""
    rows = session.scalars(
        select(Account).where(Account.held > 0).order_by(Account.held.desc()).limit(limit)
    )
    return [HoldingAccount(row.id, row.name, row.held, row.active) for row in rows]


@dataclass(frozen=True)
class Customer:
    """An account, for the operator."""

    account: Account
    keys: int  # that are valid
    last_task: float | None


def customers(session: Session, search: str = "", limit: int = 100) -> Sequence[Customer]:
    """Return the accounts whose name or id contains `search`, the last active first."""
    living = (
        select(func.count())
        .where(
            Key.account_id == Account.id,
            Key.revoked_at.is_(None),
            Key.expires_at.is_(None) | (Key.expires_at > time.time()),
        )
        .scalar_subquery()
    )
    last = select(func.max(Task.created_at)).where(Task.account_id == Account.id).scalar_subquery()
    query = select(Account, living, last)
    if search:
        query = query.where(
            or_(
                Account.name.icontains(search, autoescape=True),
                Account.id.icontains(search, autoescape=True),
            )
        )
    query = query.order_by(func.coalesce(last, Account.created_at).desc()).limit(limit)
    return [Customer(account, keys, when) for account, keys, when in session.execute(query)]


@dataclass(frozen=True)
class Load:
    """Waiting and running tasks of all accounts."""

    queued: int
    processing: int
    oldest: float | None  # submission of the task that has waited longest
    tasks: Sequence[Task]  # the next tasks, in the order of service


def load(session: Session, limit: int = 20) -> Load:
    """Return the load of the queue."""
    count: dict[str, int] = {}
    for status, number in session.execute(
        select(Task.status, func.count()).where(*UNFINISHED).group_by(Task.status)
    ):
        count[status] = number
    oldest = session.scalar(
        select(func.min(Task.created_at)).where(Task.status == TaskStatus.QUEUED)
    )
    tasks = session.scalars(
        select(Task)
        .where(*UNFINISHED)
        .order_by(Task.status == TaskStatus.QUEUED, Task.turn, Task.created_at)
        .limit(limit)
    ).all()
    return Load(count.get(TaskStatus.QUEUED, 0), count.get(TaskStatus.PROCESSING, 0), oldest, tasks)


@dataclass(frozen=True)
class EngineLoad:
    """Waiting and running tasks of one engine, and the workers that take them."""

    engine: str
    queued: int = 0
    processing: int = 0
    age: float = 0.0  # seconds that the oldest waiting task has waited
    workers: int = 0


def engine_loads(session: Session, silence: float) -> Sequence[EngineLoad]:
    """Return the load of each engine that a worker has advertised, or that a task needs.

    Args:
        session: The transaction.
        silence: Seconds without a heartbeat after which a worker is lost.
    """
    engine = Task.params["engine"].as_string()
    now = current_time(session)
    found = {name: EngineLoad(name) for name in session.scalars(select(EngineOffer.name))}
    rows = session.execute(
        select(engine, Task.status, func.count(), func.min(Task.created_at))
        .where(*UNFINISHED)
        .group_by(engine, Task.status)
    )
    for name, status, number, oldest in rows:
        load = found.get(name, EngineLoad(name))
        if status == TaskStatus.QUEUED:
            found[name] = replace(load, queued=number, age=max(0.0, now - oldest))
        else:
            found[name] = replace(load, processing=number)
    for worker in alive(session, silence):
        info = WorkerInfo.of(worker)
        for name in {each.engine for each in info.capabilities} if info.ready else ():
            load = found.get(name, EngineLoad(name))
            found[name] = replace(load, workers=load.workers + 1)
    return [found[name] for name in sorted(found)]


@dataclass(frozen=True)
class Money:
    """Sums over all accounts in micro-credits."""

    available: int  # that new tasks may cost
    held: int  # reserved by tasks that have not ended
    captured: int  # charged for tasks


def money(session: Session) -> Money:
    """Return the sums of the accounts' running totals, without reading the ledger."""
    row = session.execute(
        select(func.sum(Account.credited), func.sum(Account.posted), func.sum(Account.held))
    ).one()
    credited, posted, held = (int(each or 0) for each in row)
    return Money(available=posted - held, held=held, captured=credited - posted)


@dataclass(frozen=True)
class Failures:
    """Tasks that failed for one reason."""

    word: str
    number: int
    last: float
    example: Task  # the last of them


def failures(session: Session, days: float = 7) -> Sequence[Failures]:
    """Return the reasons why tasks failed in the last days, the most frequent first."""
    since = time.time() - days * _DAY
    failed = (Task.status == TaskStatus.FAILED, Task.ended_at >= since)
    rows = session.execute(
        select(Task.error_word, func.count(), func.max(Task.ended_at))
        .where(*failed)
        .group_by(Task.error_word)
        .order_by(func.count().desc())
    ).all()
    found = []
    for word, number, last in rows:
        example = session.scalars(
            select(Task).where(*failed, Task.error_word == word, Task.ended_at == last).limit(1)
        ).first()
        if example is not None:
            found.append(Failures(word or "", number, last or since, example))
    return found


def workers(session: Session) -> Sequence[Worker]:
    """Return all registered workers, also lost ones, the oldest first."""
    return session.scalars(select(Worker).order_by(Worker.started_at)).all()


def engines(session: Session) -> Sequence[tuple[str, Json, float]]:
    """Return name, capability and last heartbeat of each engine that workers advertised."""
    rows = session.scalars(select(EngineOffer).order_by(EngineOffer.name))
    return [(row.name, row.offer, row.seen_at) for row in rows]
