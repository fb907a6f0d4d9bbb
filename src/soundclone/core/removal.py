"""Delete a voice with every recording of the speaker."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete as remove
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..db.models import Task, TaskKind, Upload, Voice
from ..errors import StateConflict
from . import files, ledger, voices
from .requests import CloneRequest, request_of
from .voices import ACTIVE


@dataclass(frozen=True)
class Leavings:
    """Files of a deleted voice in the object store."""

    voice_id: str
    folders: tuple[str, ...]  # of the voice, and of its preview's results and work files
    uploads: tuple[str, ...]  # recordings that nothing else of the account needs


def delete(session: Session, voice_id: str, account_id: str) -> Leavings:
    """Mark the voice as deleted, and its preview and uploads as expired.

    The caller removes the returned files after the transaction, and the sweep those that the
    caller could not remove. A voice that was deleted before returns the same files again.

    Raises:
        NotFound: The account has no such voice.
        StateConflict: A task uses the voice.
    """
    # Lock the voice before the account, like `tasks.submit`, to avoid a deadlock.
    voice = voices.get(session, voice_id, account_id)
    session.refresh(voice, with_for_update=True)
    if voices.in_use(session, voice_id):
        raise StateConflict(
            f"voice {voice_id} is being used by a task; cancel it or wait for its end"
        )
    now = time.time()
    if voice.deleted_at is None:
        voice.deleted_at = voice.expires_at = now
    preview = session.get(Task, voice.task_id)
    uploads = set(voice.uploads or ())
    if preview is not None:
        uploads |= uploads_of(preview)  # an earlier release stored no list with the voice
        preview.expires_at = min(preview.expires_at or now, now)
        preview.params, preview.result = {}, {}
    ledger.lock(session, account_id)
    gone = sorted(uploads - _needed(session, voice)) if uploads else []
    voice.uploads, voice.name, voice.consent = gone, None, None
    own = session.scalars(
        select(Upload).where(Upload.key.in_(gone), Upload.account_id == account_id)
    ).all()
    for upload in own:
        upload.expires_at = min(upload.expires_at, now)
    return Leavings(
        voice_id,
        (
            files.voice_folder(voice_id),
            files.result_folder(voice.task_id),
            files.work_folder(voice.task_id),
        ),
        tuple(upload.key for upload in own),
    )


def uploads_of(task: Task) -> frozenset[str]:
    """Return the keys of the uploads that a preview is made from."""
    request = request_of(task)
    return request.uploads if isinstance(request, CloneRequest) else frozenset()


def delete_uploads(session: Session, leavings: Leavings) -> None:
    """Delete the rows of uploads whose files are removed.

    The row of the voice stays, because the sweep looks for files that a worker wrote late.
    """
    session.execute(remove(Upload).where(Upload.key.in_(leavings.uploads)))


def late_writers(session: Session, voice_id: str, limit: int = 1000) -> Sequence[str]:
    """Return the ids of a voice's tasks whose workflow may still run although the task ended."""
    return session.scalars(
        select(Task.id)
        .where(Task.voice_id == voice_id, Task.purged_at.is_(None))
        .order_by(Task.created_at.desc())
        .limit(limit)
    ).all()


def _needed(session: Session, voice: Voice) -> set[str]:
    """Return the uploads that other voices and running previews of the account are made from."""
    others = session.execute(
        select(Voice.uploads, Task)
        .outerjoin(Task, Task.id == Voice.task_id)
        .where(
            Voice.account_id == voice.account_id,
            Voice.id != voice.id,
            Voice.deleted_at.is_(None),
            Voice.expires_at.is_(None) | (Voice.expires_at > time.time()),
        )
    )
    under_way = session.scalars(
        select(Task).where(
            Task.account_id == voice.account_id,
            Task.kind == TaskKind.CLONE,
            Task.status.in_(ACTIVE),
        )
    )
    needed: set[str] = set()
    for kept, task in others:
        needed |= set(kept or ())
        needed |= uploads_of(task) if task is not None else frozenset()
    return needed.union(*(uploads_of(task) for task in under_way))
