"""Delete voices with their recordings, and everything spoken with them when a consent ends."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete as remove
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..db.models import Consent, Render, Task, TaskKind, Upload, Voice
from ..errors import StateConflict, TaskCancelled
from . import audit, consents, files, ledger, results, tasks, voices
from .audit import Actor, Event
from .requests import CloneRequest, ConsentSource, request_of
from .voices import ACTIVE

_LEAVE = 60.0  # seconds in which the worker of a cancelled task notices the end of the task


@dataclass(frozen=True)
class Leavings:
    """Files of deleted voices in the object store."""

    voices: tuple[str, ...]  # ids
    folders: tuple[str, ...]  # of the voices, and of results and work files
    uploads: tuple[str, ...]  # recordings that nothing else of the account needs
    tasks: tuple[str, ...] = ()  # speech tasks whose results are deleted
    consent_id: str | None = None  # consent that the account keeps no longer
    recordings: tuple[str, ...] = ()  # of that consent


def delete(
    session: Session, voice_id: str, account_id: str, actor: Actor = audit.SERVICE
) -> Leavings:
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
        if voice.purged_at is None:  # otherwise the log has a line already
            audit.record(session, Event.DELETED, actor, voice_id=voice_id, account_id=account_id)
    preview = session.get(Task, voice.task_id)
    uploads = set(voice.uploads or ())
    if preview is not None:
        uploads |= uploads_of(preview)  # an earlier release stored no list with the voice
        preview.expires_at = min(preview.expires_at or now, now)
        preview.params, preview.result = {}, {}
    ledger.lock(session, account_id)
    gone = sorted(uploads - _needed(session, voice)) if uploads else []
    voice.uploads, voice.name, voice.consent = gone, None, None
    voice.tags = voice.recording_report = voice.waveforms = None
    own = session.scalars(
        select(Upload).where(Upload.key.in_(gone), Upload.account_id == account_id)
    ).all()
    for upload in own:
        upload.expires_at = min(upload.expires_at, now)
    return Leavings(
        (voice_id,),
        (
            files.voice_folder(voice_id),
            files.result_folder(voice.task_id),
            files.work_folder(voice.task_id),
        ),
        tuple(upload.key for upload in own),
    )


def withdraw(
    session: Session, voice_id: str, account_id: str, actor: Actor = audit.SERVICE
) -> Leavings:
    """Withdraw the consent to a voice: delete the voice and everything spoken with it.

    A consent that the account keeps is withdrawn for all of its voices. The caller removes the
    returned files after the transaction and then calls `forget`. The sweep finishes what remains.

    Raises:
        NotFound: The account has no such voice.
    """
    voice = voices.get(session, voice_id, account_id)
    kept = session.get(Consent, voice.consent_id) if voice.consent_id else None
    if kept is not None and kept.account_id == account_id:
        return withdraw_consent(session, kept.id, account_id, actor)
    return _withdraw(session, account_id, [voice_id], None, actor)


def withdraw_consent(
    session: Session, consent_id: str, account_id: str, actor: Actor = audit.SERVICE
) -> Leavings:
    """Withdraw a consent that the account keeps, see `withdraw`. A repeated call does the same.

    Raises:
        NotFound: The account has no such consent.
    """
    consent = consents.lock(session, consent_id, account_id)
    now = time.time()
    consent.ends_at = now if consent.ends_at is None else min(consent.ends_at, now)
    made = session.scalars(
        select(Voice.id)
        .where(Voice.account_id == account_id, Voice.consent_id == consent_id)
        .order_by(Voice.id)
    ).all()
    return _withdraw(session, account_id, made, consent, actor)


def _withdraw(
    session: Session,
    account_id: str,
    voice_ids: Sequence[str],
    consent: Consent | None,
    actor: Actor,
) -> Leavings:
    # Lock tasks, then voices, then the account, as all transactions do, to avoid deadlocks.
    heard = voices.tasks_with(voice_ids) | Task.id.in_(
        _renders_with(session, account_id, voice_ids)
    )
    spoken = select(Task).where(Task.account_id == account_id, heard).order_by(Task.id)
    session.scalars(spoken.with_for_update()).all()
    found = [session.get_one(Voice, each) for each in voice_ids]
    now = time.time()
    for voice in found:
        session.refresh(voice, with_for_update=True)
        if voice.withdrawn_at is None:
            voice.withdrawn_at = now
            audit.record(
                session,
                Event.WITHDRAWN,
                actor,
                voice_id=voice.id,
                account_id=account_id,
                detail=voice.consent_id or "",
            )
    session.flush()
    ended = list(session.scalars(spoken.execution_options(populate_existing=True)))
    ended += _previews_with(session, account_id, consent) if consent else []
    for task in ended:
        _end(session, task)
    gone = [delete(session, voice_id, account_id, actor) for voice_id in voice_ids]
    folders = [folder for each in gone for folder in each.folders]
    for task in ended:
        folders += [files.result_folder(task.id), files.work_folder(task.id)]
        if task.kind == TaskKind.CLONE:
            folders.append(files.voice_folder(task.voice_id))
    return Leavings(
        voices=tuple(voice_ids),
        folders=tuple(dict.fromkeys(folders)),
        uploads=tuple(dict.fromkeys(key for each in gone for key in each.uploads)),
        tasks=tuple(task.id for task in ended if task.kind != TaskKind.CLONE),
        consent_id=consent.id if consent else None,
        recordings=(consent.recording,) if consent else (),
    )


def _renders_with(session: Session, account_id: str, voice_ids: Sequence[str]) -> list[str]:
    """Return the account's renders in which one of the voices is heard."""
    rows = session.execute(
        select(Render.task_id, Render.voices).where(Render.account_id == account_id)
    )
    return [row.task_id for row in rows if not set(voice_ids).isdisjoint(row.voices)]


def _previews_with(session: Session, account_id: str, consent: Consent) -> list[Task]:
    """Return the account's running previews that make a voice with a consent."""
    running = session.scalars(
        select(Task)
        .where(
            Task.account_id == account_id,
            Task.kind == TaskKind.CLONE,
            Task.status.in_(ACTIVE),
        )
        .order_by(Task.id)
    )
    return [task for task in running if _consent_of(task) == consent.id]


def _consent_of(task: Task) -> str | None:
    request = request_of(task)
    source = request.consent_source if isinstance(request, CloneRequest) else None
    return source.consent_id if isinstance(source, ConsentSource) else None


def _end(session: Session, task: Task) -> None:
    """Cancel a task if it has not ended, delete its texts, and expire its result."""
    error = TaskCancelled("the speaker's consent to the voice ended")
    cancelled = tasks.fail(session, task.id, error, keep=_LEAVE)
    if not cancelled:
        session.refresh(task)
        now = time.time()
        task.expires_at = min(task.expires_at or now, now)
        task.error = task.error_logged = None
    task.params, task.result = {}, {}
    session.flush()
    results.resize(session, task.id, 0)


def forget(session: Session, leavings: Leavings) -> None:
    """Delete the rows of uploads and of a withdrawn consent, once their files are removed.

    The rows of voices stay, because the sweep looks for files that a worker wrote late.
    """
    session.execute(remove(Upload).where(Upload.key.in_(leavings.uploads)))
    if leavings.consent_id is not None:
        consents.delete(session, leavings.consent_id)


def uploads_of(task: Task) -> frozenset[str]:
    """Return the keys of the uploads that a preview is made from."""
    request = request_of(task)
    return request.uploads if isinstance(request, CloneRequest) else frozenset()


def late_writers(session: Session, voice_id: str, limit: int = 1000) -> Sequence[str]:
    """Return the ids of a voice's tasks whose workflow may still run although the task ended."""
    return session.scalars(
        select(Task.id)
        .where(voices.tasks_with([voice_id]), Task.purged_at.is_(None))
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
