"""Sessions of the studio in the database."""

from __future__ import annotations

import hashlib
import time

import pytest
from sqlalchemy import func, select

from soundclone.core import keys, ledger, sessions
from soundclone.db.models import StudioSession
from soundclone.db.session import Database
from soundclone.errors import AuthenticationError

SECRET = b"a secret of the tests"


@pytest.fixture
def key_id(database: Database) -> str:
    with database.transaction() as session:
        account = ledger.open_account(session, "Ana")
        key, _ = keys.create(session, SECRET, account_id=account.id, name="Ana")
        return key.id


def begin(database: Database, key_id: str) -> str:
    with database.transaction() as session:
        return sessions.begin(session, key_id)[0]


def runs(database: Database, identifier: str) -> bool:
    with database.read() as session:
        try:
            sessions.find(session, identifier)
        except AuthenticationError:
            return False
        return True


def change(database: Database, identifier: str, **values: float) -> None:
    with database.transaction() as session:
        row = session.get_one(StudioSession, hashlib.sha256(identifier.encode()).hexdigest())
        for name, value in values.items():
            setattr(row, name, value)


def test_a_session_ends_by_signing_out(database: Database, key_id: str) -> None:
    first, second = begin(database, key_id), begin(database, key_id)
    assert runs(database, first)
    with database.transaction() as session:
        sessions.end(session, first)
    assert not runs(database, first)
    assert runs(database, second)
    with database.transaction() as session:
        assert sessions.extend(session, first) is None


def test_all_sessions_of_a_key_end(database: Database, key_id: str) -> None:
    opened = [begin(database, key_id) for _ in range(3)]
    with database.transaction() as session:
        sessions.end_all(session, key_id)
    assert not any(runs(database, each) for each in opened)


def test_a_session_ends_with_its_key(database: Database, key_id: str) -> None:
    opened = begin(database, key_id)
    with database.transaction() as session:
        keys.revoke(session, key_id)
    assert not runs(database, opened)


def test_a_session_is_extended_to_seven_days_at_most(database: Database, key_id: str) -> None:
    opened = begin(database, key_id)
    begun = time.time() - sessions.LONGEST + 100
    change(database, opened, created_at=begun)
    with database.transaction() as session:
        assert sessions.extend(session, opened) == begun + sessions.LONGEST
    change(database, opened, expires_at=time.time() - 1)
    assert not runs(database, opened)
    with database.transaction() as session:
        assert sessions.extend(session, opened) is None


def test_ended_sessions_are_forgotten(database: Database, key_id: str) -> None:
    ended, late, running = (begin(database, key_id) for _ in range(3))
    change(database, late, expires_at=time.time() - 1)
    with database.transaction() as session:
        sessions.end(session, ended)
        sessions.delete_ended(session)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(StudioSession)) == 1
    assert runs(database, running)


def test_an_unknown_session_does_not_run(database: Database) -> None:
    for identifier in ("", "0" * 32, "\x00", "\ud800"):
        assert not runs(database, identifier)
