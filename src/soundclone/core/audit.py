"""Audit log: who made, used, downloaded, shared and deleted each voice.

The lines hold ids and no personal data, and nothing changes or removes them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from ..db.models import AuditLine, Json, Task, Voice
from . import cast

_BATCH = 1000  # lines read at a time


class Event(StrEnum):
    """Kind of a line. The values are part of the export's format."""

    CREATED = "created"  # a voice was made
    USED = "used"  # a speech task was submitted
    SHARED = "shared"  # links to the files of a task, or to a voice's recording, were given out
    DOWNLOADED = "downloaded"  # one of these files was read by its link
    DELETED = "deleted"  # a voice was deleted, or expired
    WITHDRAWN = "withdrawn"  # the consent to a voice was withdrawn, or ended
    REFUSED = "refused"  # a recording sounded like a protected voice
    PROTECTED = "protected"
    UNPROTECTED = "unprotected"
    ALLOWED = "allowed"  # an account may clone a protected voice
    DISALLOWED = "disallowed"  # the account may no longer do so
    PROJECT_CREATED = "project_created"  # `detail` is the id of the project, here and below
    PROJECT_DELETED = "project_deleted"
    WEBHOOK_CREATED = "webhook_created"  # `detail` is the id of the endpoint, here and below
    WEBHOOK_CHANGED = "webhook_changed"
    WEBHOOK_ROTATED = "webhook_rotated"  # its secret was replaced
    WEBHOOK_DISABLED = "webhook_disabled"  # by the service, because messages failed
    WEBHOOK_DELETED = "webhook_deleted"


@dataclass(frozen=True)
class Actor:
    """Cause of an event."""

    kind: str  # "key", "link", "operator" or "service"
    key_id: str | None = None


OPERATOR = Actor("operator")
"""A command on the machine of the service."""

SERVICE = Actor("service")
"""The service, when something expires."""

LINK = Actor("link")
"""Anybody who has a link."""


def by_key(key_id: str) -> Actor:
    """Return the actor of a request with a key."""
    return Actor("key", key_id)


@dataclass(frozen=True)
class Filter:
    """Conditions that exported lines meet. Empty conditions are not checked."""

    voice_id: str = ""
    account_id: str = ""
    key_id: str = ""
    task_id: str = ""
    event: Event | None = None
    since: float | None = None  # seconds since the epoch, included
    until: float | None = None  # excluded


def record(
    session: Session,
    event: Event,
    actor: Actor,
    *,
    voice_id: str | None = None,
    account_id: str | None = None,
    task_id: str | None = None,
    detail: str = "",
) -> None:
    """Append a line in the transaction of the event."""
    session.add(
        AuditLine(
            at=time.time(),
            event=event,
            actor=actor.kind,
            voice_id=voice_id,
            account_id=account_id,
            key_id=actor.key_id,
            task_id=task_id,
            detail=detail,
        )
    )


def record_download(session: Session, key: str) -> None:
    """Record that a file of a voice or of a task was read by its link."""
    found = _owner_of(session, key)
    if found is None:
        return
    voice_ids, account_id, task_id = found
    for voice_id in voice_ids:
        record(
            session,
            Event.DOWNLOADED,
            LINK,
            voice_id=voice_id,
            account_id=account_id,
            task_id=task_id,
            detail=PurePosixPath(key).name,
        )


def record_links(session: Session, task_id: str, actor: Actor) -> None:
    """Record that the links to the files of a task were given out, once for each task."""
    seen = exists().where(AuditLine.task_id == task_id, AuditLine.event == Event.SHARED)
    task = session.get(Task, task_id)
    if task is None or session.scalar(select(seen)):
        return
    for voice_id in _voices_of(session, task):
        record(
            session,
            Event.SHARED,
            actor,
            voice_id=voice_id,
            account_id=task.account_id,
            task_id=task_id,
            detail="result",
        )


def export(session: Session, wanted: Filter) -> Iterator[Json]:
    """Yield the lines that meet the conditions, oldest first."""
    query = select(AuditLine).order_by(AuditLine.number)
    for column, value in (
        (AuditLine.voice_id, wanted.voice_id),
        (AuditLine.account_id, wanted.account_id),
        (AuditLine.key_id, wanted.key_id),
        (AuditLine.task_id, wanted.task_id),
        (AuditLine.event, wanted.event),
    ):
        if value:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(AuditLine.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditLine.at < wanted.until)
    for line in session.scalars(query.execution_options(yield_per=_BATCH)):
        yield {
            "number": line.number,
            "at": line.at,
            "event": line.event,
            "actor": line.actor,
            "voice": line.voice_id,
            "account": line.account_id,
            "key": line.key_id,
            "task": line.task_id,
            "detail": line.detail,
        }


def _voices_of(session: Session, task: Task) -> list[str | None]:
    """Return the voices of a task, each of which gets a line. None: the task has no own voice."""
    return [task.voice_id or None, *cast.others_of(session, task.id)]


def _owner_of(session: Session, key: str) -> tuple[list[str | None], str, str | None] | None:
    """Return voices, account and task of a file. None for other files, such as uploads."""
    folder, _, rest = key.partition("/")
    owner = rest.partition("/")[0]
    if folder == "results" and (task := session.get(Task, owner)):
        return _voices_of(session, task), task.account_id, task.id
    if folder == "voices" and (voice := session.get(Voice, owner)):
        return [voice.id], voice.account_id, None
    return None
