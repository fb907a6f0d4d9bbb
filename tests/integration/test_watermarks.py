"""Secret of the watermark and payloads of tasks."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from soundclone.audio.watermark import PAYLOADS
from soundclone.core import watermarks
from soundclone.db.models import Watermark
from soundclone.db.session import Database


def test_the_secret_is_drawn_once(database: Database) -> None:
    with database.transaction() as session:
        assert watermarks.secret(session) is None
        secret = watermarks.create_secret(session)
    assert len(secret) == 32
    with database.transaction() as session:
        assert watermarks.create_secret(session) == secret
        assert watermarks.secret(session) == secret


def test_payloads_lead_to_tasks(database: Database) -> None:
    with database.transaction() as session:
        first, second = (watermarks.payload(session, name) for name in ("audio_1", "audio_2"))
    assert first != second
    with database.transaction() as session:
        assert watermarks.payload(session, "audio_1") == first, "a task that runs again"
        assert watermarks.tasks(session, second) == ["audio_2"]
        assert watermarks.tasks(session, second + 1) == []
        assert watermarks.payloads(session) == second + 1


def test_payloads_repeat(database: Database) -> None:
    with database.transaction() as session:
        payload = watermarks.payload(session, "audio_old")
        watermarks.payload(session, "audio_new")
        session.execute(
            update(Watermark)
            .where(Watermark.task_id == "audio_new")
            .values(number=Watermark.number - 1 + PAYLOADS)
        )
    with database.transaction() as session:
        assert watermarks.payload(session, "audio_new") == payload
        assert watermarks.payloads(session) == PAYLOADS
        assert watermarks.tasks(session, payload) == ["audio_new", "audio_old"]


def test_another_process_was_faster(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with database.transaction() as session:
        secret = watermarks.create_secret(session)
        payload = watermarks.payload(session, "audio_1")
    answers = iter([None])  # the first look finds nothing yet
    number, look = watermarks._number, watermarks.secret
    with database.transaction() as session:
        monkeypatch.setattr(watermarks, "_number", lambda s, task: next(answers, number(s, task)))
        assert watermarks.payload(session, "audio_1") == payload
    answers = iter([None])
    with database.transaction() as session:
        monkeypatch.setattr(watermarks, "secret", lambda s: next(answers, look(s)))
        assert watermarks.create_secret(session) == secret
