"""Creations: requests with an idempotency key that made projects or blocks.

A task records the idempotency key of its request in its own row. Projects and blocks share this
table, because one request makes many blocks.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import delete
from sqlalchemy.orm import Session

from ..db.models import Creation
from ..errors import IdempotencyConflict
from .formatting import moment


def earlier(
    session: Session, account_id: str, idempotency_key: str, request_hash: str
) -> Sequence[str] | None:
    """Return the ids that an earlier equal request made. None: there was no such request.

    Raises:
        IdempotencyConflict: The key was used with another request.
    """
    found = session.get(Creation, (account_id, idempotency_key))
    if found is None:
        return None
    if found.request_hash != request_hash:
        raise IdempotencyConflict(
            f"Idempotency-Key {idempotency_key!r} was used on {moment(found.created_at)} with "
            "another request; use a new key for a new request"
        )
    return found.made


def add(
    session: Session, account_id: str, idempotency_key: str, request_hash: str, made: Sequence[str]
) -> None:
    """Record what a request made.

    Raises:
        IntegrityError: A request with the same key was faster.
    """
    session.add(
        Creation(
            account_id=account_id,
            idempotency_key=idempotency_key,
            request_hash=request_hash,
            made=list(made),
            created_at=time.time(),
        )
    )
    session.flush()


def delete_old(session: Session, before: float) -> None:
    """Forget requests before a time."""
    session.execute(delete(Creation).where(Creation.created_at < before))
