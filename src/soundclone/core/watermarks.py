"""Secret of the watermark, and the payloads that lead to tasks.

The secret is drawn once and stays in the database, because older results can only be recognised
with the secret that marked them. It does not depend on the installation's other secrets.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..audio.watermark import PAYLOADS
from ..db.models import Watermark, WatermarkSecret

_ONLY = 1  # id of the row of the secret
_BYTES = 32

R = TypeVar("R")


def secret(session: Session) -> bytes | None:
    """Return the secret of the watermark, or None if nothing was marked yet."""
    row = session.get(WatermarkSecret, _ONLY)
    return None if row is None else bytes.fromhex(row.secret)


def create_secret(session: Session) -> bytes:
    """Return the secret of the watermark. The first call draws it."""
    found = secret(session)
    if found is not None:
        return found
    drawn = secrets.token_bytes(_BYTES)
    row = WatermarkSecret(id=_ONLY, secret=drawn.hex(), created_at=time.time())
    return _insert(session, row, lambda: secret(session)) or drawn


def payload(session: Session, task_id: str) -> int:
    """Return the payload of a task. The first call assigns the next one.

    Payloads repeat after PAYLOADS tasks.
    """
    number = _number(session, task_id)
    if number is None:
        row = Watermark(task_id=task_id, created_at=time.time())
        number = _insert(session, row, lambda: _number(session, task_id)) or row.number
    return number % PAYLOADS


def payloads(session: Session) -> int:
    """Return the number of payloads in use, for `watermark.detect_both`."""
    last = session.scalar(select(func.max(Watermark.number))) or 0
    return min(last + 1, PAYLOADS)


def tasks(session: Session, payload: int) -> list[str]:
    """Return the ids of the tasks with a payload, the newest first. Usually there is one."""
    last = session.scalar(select(func.max(Watermark.number))) or 0
    numbers = range(payload, last + 1, PAYLOADS)
    found = select(Watermark.task_id).where(Watermark.number.in_(numbers))
    return list(session.scalars(found.order_by(Watermark.number.desc())))


def _number(session: Session, task_id: str) -> int | None:
    return session.scalar(select(Watermark.number).where(Watermark.task_id == task_id))


def _insert(session: Session, row: object, existing: Callable[[], R | None]) -> R | None:
    """Insert a row. If another process inserted the row first, return what it inserted."""
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return existing()
    return None
