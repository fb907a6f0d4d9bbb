"""List the tasks of an account in pages."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.orm import Session

from ..db.models import Task
from ..errors import InvalidParameter
from . import voices


def page(
    session: Session,
    account_id: str,
    *,
    limit: int,
    cursor: str | None = None,
    status: str | None = None,
    kind: str | Collection[str] | None = None,
    voice_id: str | None = None,
    conditions: Sequence[ColumnElement[bool]] = (),
    oldest_first: bool = False,
) -> tuple[Sequence[Task], str | None]:
    """Return tasks whose results are kept, the newest first, and the cursor of the next page.

    The cursor is the id of the last task of a page, None for the last page.

    Args:
        session: The transaction.
        account_id: The account.
        limit: Maximum number of tasks to return.
        cursor: Cursor of the page before.
        status: A status.
        kind: One or several kinds of tasks.
        voice_id: Id of a voice.
        conditions: Further conditions of the tasks.
        oldest_first: True for the opposite order.

    Raises:
        InvalidParameter: The cursor is unknown.
    """
    kept = Task.expires_at.is_(None) | (Task.expires_at > time.time())
    query = select(Task).where(Task.account_id == account_id, kept)
    place = tuple_(Task.created_at, Task.id)
    if cursor is not None:
        last = session.get(Task, cursor) if cursor.isprintable() else None
        if last is None or last.account_id != account_id:
            raise InvalidParameter(
                f"cursor is {cursor[:60]!r}; it must be the nextCursor of an earlier page",
                param="cursor",
            )
        position = (last.created_at, last.id)
        query = query.where(place > position if oldest_first else place < position)
    if status is not None:
        query = query.where(Task.status == status)
    if kind is not None:
        query = query.where(Task.kind.in_([kind] if isinstance(kind, str) else kind))
    if voice_id is not None:
        query = query.where(voices.tasks_with([voice_id]))
    query = query.where(*conditions)
    if oldest_first:
        query = query.order_by(Task.created_at, Task.id)
    else:
        query = query.order_by(Task.created_at.desc(), Task.id.desc())
    found = session.scalars(query.limit(limit + 1)).all()
    shown = found[:limit]
    return shown, shown[-1].id if len(found) > limit else None
