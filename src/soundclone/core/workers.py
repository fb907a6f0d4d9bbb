"""Which workers are alive: each beats, and whoever finds one silent takes its work away."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from ..db.models import Worker


def beat(session: Session, worker_id: str, info: dict[str, Any]) -> None:
    """Say that the worker lives. One that was declared lost registers anew."""
    moment = now(session)
    known = session.execute(
        update(Worker).where(Worker.id == worker_id).values(seen_at=moment, info=info)
    )
    if not known.rowcount:  # type: ignore[attr-defined]
        session.add(Worker(id=worker_id, started_at=moment, seen_at=moment, info=info))


def claim_gone(session: Session, reaper: str, silence: float) -> dict[str, bool]:
    """Other workers that were not heard of for `silence` seconds, or have stopped: by id, whether
    it stopped on purpose. Of several reapers, one gets each id; if it dies before it calls
    `buried`, another gets the id after the same time."""
    moment = now(session)
    gone = (Worker.seen_at < moment - silence, Worker.id != reaper)
    said = {
        row.id: row.info for row in session.execute(select(Worker.id, Worker.info).where(*gone))
    }
    claimed = session.scalars(
        update(Worker).where(*gone).values(seen_at=moment, info={"lost": True}).returning(Worker.id)
    )
    return {worker_id: bool(said.get(worker_id, {}).get("stopped")) for worker_id in claimed}


def buried(session: Session, worker_id: str) -> None:
    """The lost worker's tasks were given to others."""
    session.execute(delete(Worker).where(Worker.id == worker_id))


def stopped(session: Session, worker_id: str) -> None:
    """Note that the worker stops on purpose: what it leaves is for others at once."""
    session.execute(
        update(Worker).where(Worker.id == worker_id).values(seen_at=0.0, info={"stopped": True})
    )


def lost(session: Session, worker_id: str) -> None:
    """Declare a worker lost now, by somebody who saw it end."""
    session.execute(update(Worker).where(Worker.id == worker_id).values(seen_at=0.0))


def alive(session: Session, silence: float) -> Sequence[Worker]:
    """Workers heard of within `silence` seconds."""
    heard = session.scalars(select(Worker).where(Worker.seen_at >= now(session) - silence))
    return [worker for worker in heard if not worker.info.get("lost")]


def missing(session: Session, ids: Collection[str]) -> set[str]:
    """Those of the ids that no worker has."""
    return set(ids) - set(session.scalars(select(Worker.id)))


def now(session: Session) -> float:
    """The database's clock, so that no machine's own makes it look dead."""
    if session.get_bind().dialect.name == "sqlite":
        return time.time()
    now = session.scalar(select(func.extract("epoch", func.clock_timestamp())))
    assert now is not None
    return float(now)
