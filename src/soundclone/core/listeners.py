"""Signs of life of API processes about spoken streams that they have not sent yet.

Such a stream keeps its hold until its first byte is sent (`tasks.SPOKEN`). A process that is killed
leaves its streams behind. Workers cancel the streams whose signs of life have ended.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ..db.models import Task, TaskStatus
from ..errors import StreamBroken
from . import tasks
from .voices import ACTIVE

SILENCE = 20.0
"""Seconds without a sign of life after which a spoken stream is cancelled."""

_SPOKEN = (Task.status == TaskStatus.PROCESSING, Task.progress == tasks.SPOKEN)


def unfinished(session: Session, task_ids: Collection[str]) -> dict[str, bool]:
    """Return the streams that have not ended, and True for each that is spoken."""
    rows = session.execute(
        select(Task.id, Task.progress).where(Task.id.in_(task_ids), Task.status.in_(ACTIVE))
    )
    return {row.id: row.progress == tasks.SPOKEN for row in rows}


def renew(session: Session, task_ids: Collection[str]) -> None:
    """Give a sign of life for spoken streams."""
    session.execute(
        update(Task).where(Task.id.in_(task_ids), *_SPOKEN).values(signs=Task.signs + 1)
    )


def signs(session: Session, limit: int = 10_000) -> dict[str, float]:
    """Return the number of signs of life of each spoken stream."""
    rows = session.execute(select(Task.id, Task.signs).where(*_SPOKEN).limit(limit))
    return {row.id: float(row.signs) for row in rows}


def abandon(session: Session, task_id: str, *, keep: float) -> bool:
    """Cancel a spoken stream that nobody will be sent. Return False if it has ended before."""
    error = StreamBroken("the connection was lost before the speech was sent; nothing was charged")
    return tasks.fail(session, task_id, error, keep=keep)
