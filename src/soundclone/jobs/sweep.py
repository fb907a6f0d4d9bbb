"""Removes what has expired: files first, then what the database says of them."""

from __future__ import annotations

import time

from ..config import Settings
from ..core import tasks, voices
from ..db.session import Database
from ..storage import Storage
from ..telemetry import log
from . import engine
from .runner import DAY

_log = log(__name__)


def sweep(settings: Settings, database: Database, storage: Storage) -> None:
    """One round. Several workers may sweep at once; each removal may be repeated."""
    _time_out(settings, database)
    with database.read() as session:
        voice_ids = voices.expired(session)
        task_ids = tasks.expired(session)
        uploads = tasks.expired_uploads(session)
    for voice_id in voice_ids:
        storage.delete_prefix(f"voices/{voice_id}")
        with database.write() as session:
            voices.purged(session, voice_id)
    for task_id in task_ids:
        storage.delete_prefix(f"results/{task_id}")
        storage.delete_prefix(f"work/{task_id}")
        with database.write() as session:
            tasks.purge(session, task_id)
    if task_ids:
        engine.forget(task_ids)
    for key in uploads:
        storage.delete(key)
        with database.write() as session:
            tasks.forget_upload(session, key)
    with database.write() as session:
        tasks.forget(session, time.time() - settings.forget_days * DAY)
    if voice_ids or task_ids or uploads:
        _log.info("swept", voices=len(voice_ids), results=len(task_ids), uploads=len(uploads))


def _time_out(settings: Settings, database: Database) -> None:
    with database.read() as session:
        overdue = tasks.overdue(session, settings.task_timeout)
    for task_id in overdue:
        with database.write() as session:
            tasks.time_out(session, task_id, settings.task_timeout, keep=settings.result_days * DAY)
