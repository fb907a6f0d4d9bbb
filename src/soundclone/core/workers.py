"""Which workers are alive: each beats, and whoever finds one silent takes its work away."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from ..db.models import Worker


def beat(session: Session, worker_id: str, info: dict[str, Any]) -> None:
    """Say that the worker lives. One that was declared lost registers anew."""
    now = time.time()
    known = session.execute(
        update(Worker).where(Worker.id == worker_id).values(seen_at=now, info=info)
    )
    if not known.rowcount:  # type: ignore[attr-defined]
        session.add(Worker(id=worker_id, started_at=now, seen_at=now, info=info))


def claim_lost(session: Session, silence: float) -> Sequence[str]:
    """Ids of workers not heard of for `silence` seconds. Deleting their rows is the claim: of
    several reapers, one gets each id."""
    return session.scalars(
        delete(Worker).where(Worker.seen_at < time.time() - silence).returning(Worker.id)
    ).all()


def lost(session: Session, worker_id: str) -> None:
    """Declare a worker lost now, by somebody who saw it end."""
    session.execute(update(Worker).where(Worker.id == worker_id).values(seen_at=0.0))


def alive(session: Session, silence: float) -> Sequence[Worker]:
    """Workers heard of within `silence` seconds."""
    return session.scalars(select(Worker).where(Worker.seen_at >= time.time() - silence)).all()
