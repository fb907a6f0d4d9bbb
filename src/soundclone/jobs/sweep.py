"""Remove what has expired: first the files, then their rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ..config import Settings
from ..core import (
    abuse,
    consents,
    creations,
    files,
    numbered_files,
    removal,
    request_counts,
    sessions,
    takes,
    tasks,
    uploads,
    verifications,
    voices,
    webhooks,
    workers,
)
from ..core.formatting import DAY
from ..core.workers import WorkerInfo
from ..db.models import Consent, Task
from ..db.session import Database
from ..errors import InternalError, SoundcloneError, StateConflict
from ..scratch import remove_abandoned
from ..storage import Storage
from ..telemetry import log
from . import queue
from .runner import remove_files

_log = log(__name__)
_SETTLED = 60.0  # seconds after which a task's workflow is visible for certain
BATCH = 100

T = TypeVar("T")


def sweep(settings: Settings, database: Database, storage: Storage) -> None:
    """Run one round. Several workers may sweep at once, because each removal may be repeated."""
    _end_stranded(settings, database)
    _requeue_orphans(database)

    def remove_voice(voice_id: str) -> None:
        with database.read() as session:
            users = removal.late_writers(session, voice_id)
        late = queue.unfinished(users) if users else set()
        storage.delete_prefix(files.voice_folder(voice_id))
        if late:
            raise StateConflict(f"a worker has not left task {min(late)} of voice {voice_id} yet")
        with database.transaction() as session:
            voices.mark_purged(session, voice_id)

    def remove_result(task_id: str) -> None:
        with database.read() as session:
            task = session.get_one(Task, task_id)
        remove_files(storage, task)
        queue.delete_records([task_id])
        with database.transaction() as session:
            tasks.purge(session, task_id)

    def remove_upload(key: str) -> None:
        storage.delete_prefix(files.upload_folder(key))
        with database.transaction() as session:
            uploads.unregister(session, key)

    def end_consent(consent_id: str) -> None:
        with database.transaction() as session:
            consent = session.get(Consent, consent_id)
            if consent is None:
                return  # another worker was faster
            found = removal.withdraw_consent(session, consent_id, consent.account_id)
        storage.delete_all(found.folders, (*found.uploads, *found.recordings))
        with database.transaction() as session:
            removal.forget(session, found)

    def end_voice(voice: tuple[str, str]) -> None:
        with database.transaction() as session:
            removal.withdraw(session, *voice)

    ended = _each(database, consents.ended, end_consent)
    # The rounds below remove the files of these voices and of their results.
    ended += _each(database, voices.consent_ended, end_voice)
    if ended:
        _log.info("swept", what="consents", removed=ended)

    def remove_verification(identifier: str) -> None:
        storage.delete(files.verification(identifier))
        storage.delete(files.verification_sidecar(identifier))
        queue.delete_records([identifier])
        with database.transaction() as session:
            verifications.remove(session, identifier)

    def clear_delivery(delivery: tuple[str, int]) -> None:
        delivery_id, jobs = delivery
        numbers = range(1, jobs + 1)
        queue.delete_records([webhooks.job_of(delivery_id, number) for number in numbers])
        with database.transaction() as session:
            webhooks.mark_cleared(session, delivery_id)

    def remove_project(project_id: str) -> None:
        done = False
        while not done:  # the rounds below remove the files
            with database.transaction() as session:
                _, done = takes.clear_project(session, project_id)

    def remove_block(block_id: str) -> None:
        with database.transaction() as session:
            takes.clear_block(session, block_id)

    restorable = time.time() - settings.result_days * DAY
    _each(database, takes.deleted_projects, remove_project)
    _each(
        database,
        lambda session, limit: takes.deleted_blocks(session, restorable, limit),
        remove_block,
    )
    _each(database, webhooks.uncleared, clear_delivery)
    _restart_deliveries(database)
    for what, expired, remove in (
        ("voices", voices.expired, remove_voice),
        ("results", tasks.expired, remove_result),
        ("uploads", uploads.expired, remove_upload),
        ("verifications", verifications.expired, remove_verification),
    ):
        removed = _each(database, expired, remove)
        if removed:
            _log.info("swept", what=what, removed=removed)
    for what, removed in (
        ("folders of dead processes", remove_abandoned(settings.scratch)),
        ("unfinished files", storage.remove_unfinished()),
    ):
        if removed:
            _log.info("swept", what=what, removed=removed)
    with database.transaction() as session:
        tasks.delete_purged(session, time.time() - settings.forget_days * DAY)
        sessions.delete_ended(session)
        numbered_files.delete_expired(session)
        request_counts.delete_old(session)
        creations.delete_old(session, time.time() - settings.forget_days * DAY)
        abuse.delete_closed(session, time.time() - settings.forget_days * DAY)
        if len(settings.secrets) > 1:
            webhooks.renew_secrets(session, settings.secrets)
        webhooks.delete_old(session, time.time() - settings.forget_days * DAY)


def _each(
    database: Database,
    expired: Callable[[Session, int], Sequence[T]],
    remove: Callable[[T], None],
) -> int:
    """Remove expired items in batches, and return how many were removed.

    Items that cannot be removed now stay for the next round.
    """
    removed = 0
    while True:
        with database.read() as session:
            batch = expired(session, BATCH)
        failed = 0
        for item in batch:
            try:
                remove(item)
                removed += 1
            except (SoundcloneError, SQLAlchemyError) as error:
                failed += 1
                _log.warning("not removed", error=type(error).__name__)
        if failed or len(batch) < BATCH:
            return removed


def _end_stranded(settings: Settings, database: Database) -> None:
    """Fail overdue tasks, and tasks that nobody will end, so that their money is released.

    A task of another VERSION is left to the workers of that version while one is alive.
    """
    keep = settings.result_days * DAY
    with database.read() as session:
        overdue = tasks.overdue(session, settings.task_timeout)
        active = tasks.overdue(session, _SETTLED, limit=10_000)
        older = any(
            WorkerInfo.of(worker).workflows != queue.VERSION
            for worker in workers.alive(session, settings.worker_lost_after)
        )
    for task_id in overdue:
        with database.transaction() as session:
            tasks.time_out(session, task_id, settings.task_timeout, keep=keep)
    going = queue.unfinished(active) if active else {}
    for task_id in active:
        if task_id not in going:
            error = InternalError("the service lost this task; nothing was charged")
        elif going[task_id] != queue.VERSION and not older:
            error = InternalError(
                "the service was upgraded before the task ended, and its new version cannot "
                "continue the task; nothing was charged; submit the task again"
            )
        else:
            continue
        with database.transaction() as session:
            if tasks.fail(session, task_id, error, keep=keep, by_worker=True):
                _log.error("task without a workflow", task=task_id, reason=error.message)


def _restart_deliveries(database: Database) -> None:
    """Enqueue deliveries of webhooks that have lost their job, or never had one."""
    with database.read() as session:
        late = dict(webhooks.overdue(session, limit=10_000))
    jobs = {webhooks.job_of(each, number): each for each, number in late.items()}
    going = queue.unfinished(list(jobs)) if jobs else {}
    for job, delivery_id in jobs.items():
        if going.get(job) != queue.VERSION:
            with database.transaction() as session:
                webhooks.restart(session, delivery_id, late[delivery_id])


def _requeue_orphans(database: Database) -> None:
    """Requeue the workflows of workers that are not registered any more."""
    busy = queue.busy_workers()
    with database.read() as session:
        gone = workers.unregistered(session, busy)
    for worker_id in gone:
        requeued = queue.requeue(worker_id)
        _log.warning("orphans requeued", worker=worker_id, requeued=len(requeued))
