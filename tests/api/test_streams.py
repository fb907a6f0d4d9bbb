"""Streams that no worker begins in time."""

from __future__ import annotations

import time
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select

from soundclone.api.waits import Wait
from soundclone.core import ledger, tasks
from soundclone.db.models import Task, TaskStatus
from tests import rows

from .conftest import Account, Api, serve


def speak(api: Api, key: str, voice: str, **headers: str) -> httpx2.Response:
    body = {"model": "soundclone-v1", "voice": voice, "input": "Good morning."}
    return api.send("POST", "/v1/audio/speech", key=key, body=body, headers=headers.items())


def voice_of(api: Api, account: Account) -> str:
    with api.database.transaction() as session:
        voice = rows.voice(account.id)
        session.add(voice)
        return str(voice.id)


def test_a_listener_learns_that_all_workers_are_busy(tmp_path: Path) -> None:
    for api in serve(tmp_path, stream_wait=0.2):
        account = api.new_account()
        voice = voice_of(api, account)
        refused = speak(api, account.key, voice)
        assert refused.status_code == 429
        assert refused.headers["Retry-After"] == "1"
        assert refused.json()["error"]["code"] == "rate_limit_exceeded"
        assert "0.2 s" in refused.json()["error"]["message"]
        speak(api, account.key, voice, **{"Idempotency-Key": "once"})
        with api.database.read() as session:
            first, kept = session.scalars(select(Task).order_by(Task.created_at))
            assert first.status == TaskStatus.FAILED
            assert kept.status == TaskStatus.QUEUED  # the same request finds its audio later
            standing = ledger.balance(session, account.id)
        assert standing.held == kept.cost
        assert standing.used == 0


def test_a_listener_who_would_wait_too_long_learns_that_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Wait, "expected", lambda wait: 40.04)
    for api in serve(tmp_path, stream_wait=30):
        account = api.new_account()
        started = time.monotonic()
        refused = speak(api, account.key, voice_of(api, account))
        assert time.monotonic() - started < 25
        assert refused.status_code == 429
        assert refused.headers["Retry-After"] == "30"
        assert "after 40.0 s, and at most 30 s" in refused.json()["error"]["message"]
        with api.database.read() as session:
            assert session.scalars(select(Task.status)).all() == [TaskStatus.FAILED]
            standing = ledger.balance(session, account.id)
        assert (standing.held, standing.used) == (0, 0)


def test_a_listener_waits_for_a_speech_that_has_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "SPEAKING", 0)  # as if a worker spoke each task at once
    for api in serve(tmp_path, stream_wait=0.1, task_timeout=1.0):
        account = api.new_account()
        assert speak(api, account.key, voice_of(api, account)).status_code == 503  # timed out
