"""Usage of accounts by day (UTC), also by voice, as a trigger adds it up from the ledger."""

from __future__ import annotations

from sqlalchemy import BigInteger, ColumnElement, cast, func, literal_column, select
from sqlalchemy.orm import Session

from ..db.models import Task, Transfer, UsageDay, VoiceDay
from .formatting import DAY

SECONDS = int(DAY)
"""Seconds of a day."""


def between(session: Session, account_id: str, first: int, end: int) -> list[tuple[int, int, int]]:
    """Return day, micro-credits and number of tasks of each day with usage in an interval.

    Args:
        session: The transaction.
        account_id: The account.
        first: The first day, counted from the epoch.
        end: The day after the last one.
    """
    rows = session.execute(
        select(UsageDay.day, UsageDay.spent, UsageDay.tasks).where(
            UsageDay.account_id == account_id, UsageDay.day >= first, UsageDay.day < end
        )
    )
    return [(row.day, row.spent, row.tasks) for row in rows]


def of_voices(
    session: Session, account_id: str, first: int, end: int, limit: int
) -> list[tuple[str, int, int]]:
    """Return voice, micro-credits and number of tasks of the voices with the most usage.

    Args:
        session: The transaction.
        account_id: The account.
        first: The first day, counted from the epoch.
        end: The day after the last one.
        limit: Maximum number of voices to return.
    """
    spent = func.sum(VoiceDay.spent)
    rows = session.execute(
        select(VoiceDay.voice_id, spent, func.sum(VoiceDay.tasks))
        .where(
            VoiceDay.account_id == account_id,
            VoiceDay.day >= first,
            VoiceDay.day < end,
            VoiceDay.voice_id != "",
        )
        .group_by(VoiceDay.voice_id)
        .order_by(spent.desc(), VoiceDay.voice_id)
        .limit(limit)
    )
    return [(voice, int(total), int(tasks)) for voice, total, tasks in rows]


def wrong_accounts(session: Session) -> set[str]:
    """Return the accounts whose usage of a day differs from the lines of the ledger.

    Lines name tasks, which are forgotten, and no voices. So the sum over the voices of a day must
    be the usage of the day, and a voice must have at least the usage of its tasks that are known.
    """
    day = _day(session).label("number")
    summed = session.execute(
        select(Transfer.account_id, day, func.sum(Transfer.amount), func.count())
        .where(Transfer.kind == literal_column("'capture'"))
        .group_by(Transfer.account_id, literal_column("number"))
    )
    lines = {(account, int(each), int(spent), tasks) for account, each, spent, tasks in summed}
    kept = session.execute(
        select(UsageDay.account_id, UsageDay.day, UsageDay.spent, UsageDay.tasks)
    )
    days = {(account, each, spent, tasks) for account, each, spent, tasks in kept}
    of_voices = session.execute(
        select(
            VoiceDay.account_id, VoiceDay.day, func.sum(VoiceDay.spent), func.sum(VoiceDay.tasks)
        ).group_by(VoiceDay.account_id, VoiceDay.day)
    )
    sums = {(account, each, int(spent), int(tasks)) for account, each, spent, tasks in of_voices}
    wrong = {account for account, *_ in (lines ^ days) | (days ^ sums)}
    known = (
        select(
            Transfer.account_id,
            day,
            Task.voice_id,
            func.sum(Transfer.amount).label("spent"),
            func.count().label("tasks"),
        )
        .select_from(Task)
        .join(Transfer, Transfer.id == "capture:" + Task.id)
        .group_by(Transfer.account_id, literal_column("number"), Task.voice_id)
        .subquery()
    )
    below = select(known.c.account_id).outerjoin(
        VoiceDay,
        (VoiceDay.account_id == known.c.account_id)
        & (VoiceDay.day == known.c.number)
        & (VoiceDay.voice_id == known.c.voice_id),
    )
    missing = VoiceDay.day.is_(None)
    less = (VoiceDay.spent < known.c.spent) | (VoiceDay.tasks < known.c.tasks)
    return wrong | set(session.scalars(below.where(missing | less)))


def _day(session: Session) -> ColumnElement[int]:
    """Return the day of a line. A cast rounds down in SQLite, and to the nearest in Postgres."""
    days = Transfer.created_at / SECONDS
    postgres = session.get_bind().dialect.name == "postgresql"
    return cast(func.floor(days) if postgres else days, BigInteger)
