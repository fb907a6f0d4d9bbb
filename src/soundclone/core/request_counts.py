"""Requests of each sender in the last minute, counted across all API processes.

A process reserves some requests at a time, so few requests write to the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ..db.models import RequestCount
from . import workers

WINDOW = 60.0  # seconds

# Constants, because building a statement takes longer than executing it.
_COUNTS = (
    select(RequestCount.sender, RequestCount.minute, RequestCount.current, RequestCount.previous)
    .where(RequestCount.sender.in_(bindparam("senders", expanding=True)))
    .order_by(RequestCount.sender)  # every transaction locks in this order
    .with_for_update()
)
_UPDATE = (
    update(RequestCount)
    .where(RequestCount.sender == bindparam("counted"))
    .values(
        minute=bindparam("new_minute"),
        current=bindparam("new_current"),
        previous=bindparam("new_previous"),
    )
    .execution_options(synchronize_session=False)
)


@dataclass(frozen=True)
class Want:
    """Reservation that a process wants."""

    sender: str
    limit: int  # requests in a minute
    number: int  # requests at most


@dataclass(frozen=True)
class Grant:
    """Reservation of requests."""

    number: int  # 0 if the sender has reached the limit
    seconds: float
    """Seconds for which the reservation lasts, or until the next request is allowed."""


@dataclass
class Window:
    """Sliding window: requests of a minute of the clock, and of the one before."""

    minute: int
    current: int
    previous: int

    def advance(self, minute: int) -> None:
        """Move to a later minute."""
        if minute > self.minute:
            follows = minute == self.minute + 1
            self.previous = self.current if follows else 0
            self.current = 0
            self.minute = minute

    def take(self, want: Want, elapsed: float) -> Grant:
        """Reserve requests `elapsed` seconds after the start of the minute.

        The count of the last 60 seconds is estimated as that of the current minute plus the share
        of the previous minute that is less than 60 seconds ago.
        """
        share = self.previous * (1 - elapsed / WINDOW)
        free = int(want.limit - self.current - share + 1e-6)
        if free < 1:
            return Grant(0, max(1.0, self._wait(want.limit - 1) - elapsed))
        number = min(want.number, free)
        self.current += number
        return Grant(number, WINDOW - elapsed)

    def _wait(self, room: int) -> float:
        """Return the seconds from the start of the minute to the next request that is allowed."""
        if self.current <= room:
            return WINDOW * (1 - (room - self.current) / self.previous)
        return WINDOW * (2 - room / self.current)


def reserve(session: Session, wants: Sequence[Want], now: float | None = None) -> Sequence[Grant]:
    """Reserve requests, counted from their reservation. Return a grant for each want.

    Args:
        session: The transaction.
        wants: Senders, also repeated ones.
        now: Unix time in seconds, by default that of the database, which all machines share.
    """
    if session.get_bind().dialect.name == "postgresql":
        # A count that a crash of the server loses is no harm.
        session.execute(text("SET LOCAL synchronous_commit TO off"))
    moment = workers.now(session) if now is None else now
    minute = int(moment // WINDOW)
    windows = _lock(session, {want.sender for want in wants}, minute)
    grants = []
    for want in wants:
        window = windows[want.sender]
        window.advance(minute)
        # The clock of SQLite may have been set back.
        elapsed = moment - minute * WINDOW if window.minute == minute else 0.0
        grants.append(window.take(want, elapsed))
    for sender, window in windows.items():
        session.execute(
            _UPDATE,
            {
                "counted": sender,
                "new_minute": window.minute,
                "new_current": window.current,
                "new_previous": window.previous,
            },
        )
    return grants


def _lock(session: Session, senders: set[str], minute: int) -> dict[str, Window]:
    """Lock the counts of senders, which are created if need be."""

    def read() -> dict[str, Window]:
        rows = session.execute(_COUNTS, {"senders": sorted(senders)})
        return {row.sender: Window(row.minute, row.current, row.previous) for row in rows}

    found = read()
    if missing := sorted(senders - found.keys()):
        dialect = session.get_bind().dialect.name
        insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
        new = [{"sender": each, "minute": minute, "current": 0, "previous": 0} for each in missing]
        session.execute(insert(RequestCount).values(new).on_conflict_do_nothing())
        found = read()
    return found


def delete_old(session: Session) -> None:
    """Delete the counts of senders without a request in the last two minutes."""
    oldest = int(workers.now(session) // WINDOW) - 1
    session.execute(delete(RequestCount).where(RequestCount.minute < oldest))
