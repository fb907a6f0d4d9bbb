"""What people want to see of tasks, money and work: read, never changed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, cast, func, or_, select
from sqlalchemy.orm import Session

from ..db.models import Account, EngineOffer, Key, Task, TaskStatus, Transfer, Worker
from .voices import ACTIVE

DAY = 86_400


def history(
    session: Session,
    account_id: str,
    *,
    kind: str | None = None,
    status: str | None = None,
    before: float | None = None,
    limit: int = 50,
) -> Sequence[Task]:
    """The account's tasks, newest first: at most `limit` of those made before a time, of a kind
    ("clone", "audio") and a status ("active" for those that have not ended)."""
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
    """What an account used within a day of UTC."""

    start: float  # seconds since the epoch
    spent: int  # micro-credits
    tasks: int


def usage(session: Session, account_id: str, days: int = 30) -> tuple[Day, ...]:
    """What the account paid for on each of the last `days` days of UTC, oldest first. It is
    counted from the ledger, which outlasts the tasks."""
    today = int(time.time()) // DAY
    number = cast(Transfer.created_at, BigInteger) // DAY
    rows = session.execute(
        select(number, func.sum(Transfer.amount), func.count())
        .where(
            Transfer.account_id == account_id,
            Transfer.kind == "capture",
            Transfer.created_at >= (today - days + 1) * DAY,
        )
        .group_by(number)
    )
    found = {int(each[0]): (int(each[1]), int(each[2])) for each in rows}
    return tuple(
        Day(float(each * DAY), *found.get(each, (0, 0)))
        for each in range(today - days + 1, today + 1)
    )


@dataclass(frozen=True)
class Customer:
    """An account as the operator sees it."""

    account: Account
    keys: int  # that are not revoked
    last_task: float | None


def customers(session: Session, search: str = "", limit: int = 100) -> Sequence[Customer]:
    """Accounts whose name or id has `search` in it, those that were busy last first."""
    living = (
        select(func.count())
        .where(Key.account_id == Account.id, Key.revoked_at.is_(None))
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
    """What waits and what is under way."""

    queued: int
    processing: int
    oldest: float | None  # when the one that waits longest was made
    tasks: Sequence[Task]  # the next ones, in the order in which they are served


def load(session: Session, limit: int = 20) -> Load:
    """The queue of all accounts."""
    count: dict[str, int] = {}
    for status, number in session.execute(
        select(Task.status, func.count()).where(Task.status.in_(ACTIVE)).group_by(Task.status)
    ):
        count[status] = number
    oldest = session.scalar(
        select(func.min(Task.created_at)).where(Task.status == TaskStatus.QUEUED)
    )
    tasks = session.scalars(
        select(Task)
        .where(Task.status.in_(ACTIVE))
        .order_by(Task.status == TaskStatus.QUEUED, Task.turn, Task.created_at)
        .limit(limit)
    ).all()
    return Load(count.get(TaskStatus.QUEUED, 0), count.get(TaskStatus.PROCESSING, 0), oldest, tasks)


@dataclass(frozen=True)
class Failures:
    """Tasks that failed for one reason."""

    word: str
    number: int
    last: float
    example: Task  # the last of them


def failures(session: Session, days: float = 7) -> Sequence[Failures]:
    """Why tasks failed within the last days, the most frequent reason first."""
    since = time.time() - days * DAY
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
    """All workers that are registered, also those that were lost, longest alive first."""
    return session.scalars(select(Worker).order_by(Worker.started_at)).all()


def engines(session: Session) -> Sequence[tuple[str, dict[str, Any], float]]:
    """Name, offer and last sign of each engine that workers have told of."""
    rows = session.scalars(select(EngineOffer).order_by(EngineOffer.name))
    return [(row.name, row.offer, row.seen_at) for row in rows]
