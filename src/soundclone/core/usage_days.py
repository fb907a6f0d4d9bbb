"""Usage of accounts by day (UTC), as a trigger adds it up from the ledger."""

from __future__ import annotations

from sqlalchemy import BigInteger, ColumnElement, cast, func, literal_column, select
from sqlalchemy.orm import Session

from ..db.models import Transfer, UsageDay
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


def wrong_accounts(session: Session) -> set[str]:
    """Return the accounts whose usage of a day differs from the lines of the ledger."""
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
    return {account for account, *_ in lines ^ days}


def _day(session: Session) -> ColumnElement[int]:
    """Return the day of a line. A cast rounds down in SQLite, and to the nearest in Postgres."""
    days = Transfer.created_at / SECONDS
    postgres = session.get_bind().dialect.name == "postgresql"
    return cast(func.floor(days) if postgres else days, BigInteger)
