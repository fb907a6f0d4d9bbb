"""Lines of the audit log that requests cause: links given out, and files read by a link."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Concatenate, ParamSpec

from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ..core import audit
from ..core.audit import Event
from ..db.models import TaskStatus, Voice
from ..errors import Unavailable
from ..telemetry import log
from .state import state_of

P = ParamSpec("P")

_log = log(__name__)


async def record_links(request: Request, task_id: str, status: str, key_id: str) -> None:
    """Record that a key received the links to the files of a completed task."""
    await record_links_of(request, [(task_id, status)], key_id)


async def record_links_of(request: Request, found: Iterable[tuple[str, str]], key_id: str) -> None:
    """Record that a key received the links to the files of tasks, given as id and status."""
    remember = state_of(request).recorded_links.add
    new = [each for each, status in found if status == TaskStatus.COMPLETED and remember(each)]

    def work(session: Session) -> None:
        for task_id in new:
            audit.record_links(session, task_id, audit.by_key(key_id))

    if new:
        await _write(request, work)


async def record_recording_link(request: Request, voice: Voice, key_id: str) -> None:
    """Record that a key received a link to the recording of a voice."""
    voice_id, account_id = voice.id, voice.account_id

    def work(session: Session) -> None:
        audit.record(
            session,
            Event.SHARED,
            audit.by_key(key_id),
            voice_id=voice_id,
            account_id=account_id,
            detail="recording",
        )

    await _write(request, work)


async def record_download(request: Request, key: str) -> None:
    """Record that a file was read by its link."""
    await _write(request, audit.record_download, key)


async def _write(
    request: Request,
    work: Callable[Concatenate[Session, P], None],
    *args: P.args,
    **kwargs: P.kwargs,
) -> None:
    """Append to the log. A database that is unavailable delays nobody's audio."""
    try:
        await state_of(request).database.transaction_async(work, *args, **kwargs)
    except (SQLAlchemyError, Unavailable) as error:
        _log.error("audit line lost", error=type(error).__name__)
