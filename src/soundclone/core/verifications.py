"""Verifications: files and URLs of visitors, which a worker examines.

A row lives for minutes. It is the job's input and output, because no task and no money belong to a
verification.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from ..db.models import Verification
from ..errors import RateLimited, SoundcloneError
from .verdict import Verdict

KEEP = 600.0  # seconds for which a row is kept
MOST = 16  # verifications at once, of all visitors

Enqueue = Callable[[Session, str], None]


def new_id() -> str:
    """Return the id of a new verification."""
    return f"verify_{uuid.uuid4().hex}"


def check_room(session: Session) -> None:
    """Raise RateLimited if the service has as many verifications as it takes."""
    waiting = session.scalar(
        select(func.count()).where(
            Verification.ended_at.is_(None), Verification.created_at > time.time() - KEEP
        )
    )
    if (waiting or 0) >= MOST:
        raise RateLimited(
            f"{MOST} files are being verified, which is the most; try again in a moment",
            retry_after=5,
        )


def submit(session: Session, identifier: str, url: str | None, enqueue: Enqueue) -> None:
    """Write the row of a verification and enqueue its job. Raises RateLimited."""
    check_room(session)
    session.add(Verification(id=identifier, url=url, created_at=time.time()))
    session.flush()
    enqueue(session, identifier)


def get(session: Session, identifier: str) -> Verification | None:
    """Return the row of a verification."""
    return session.get(Verification, identifier)


def end(session: Session, identifier: str, outcome: Verdict | SoundcloneError) -> None:
    """Record the verdict, or the error that prevented one. The URL is forgotten."""
    values: dict[str, object] = {"url": None, "ended_at": time.time()}
    if isinstance(outcome, Verdict):
        values["verdict"] = outcome.to_json(details=True)
    else:
        values |= {"error": outcome.safe_message, "error_word": outcome.word}
    session.execute(
        update(Verification)
        .where(Verification.id == identifier, Verification.ended_at.is_(None))
        .values(values)
    )


def expired(session: Session, limit: int = 100) -> Sequence[str]:
    """Return the ids of verifications whose rows and files must be removed."""
    return session.scalars(
        select(Verification.id).where(Verification.created_at < time.time() - KEEP).limit(limit)
    ).all()


def remove(session: Session, identifier: str) -> None:
    """Delete the row of a verification."""
    session.execute(delete(Verification).where(Verification.id == identifier))
