"""The audit log on real databases: what is recorded, and that nothing changes it."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from soundclone.core import audit, files, protection, removal, tasks, voices
from soundclone.core.audit import Event, Filter
from soundclone.core.protection import Embeddings
from soundclone.core.requests import TaskResult
from soundclone.db.models import Json
from soundclone.db.session import Database
from soundclone.errors import NotFound
from tests import rows
from tests.integration.test_ledger import KEEP, customer, order, submit
from tests.integration.test_removal import preview

EMBEDDINGS = Embeddings("encoder", b"1234", b"5678", False, 20.0)


EVERYTHING = Filter()


def lines(database: Database, wanted: Filter = EVERYTHING) -> list[Json]:
    with database.read() as session:
        return list(audit.export(session, wanted))


def events(found: list[Json]) -> list[tuple[str, str, str | None]]:
    return [(line["event"], line["actor"], line["key"]) for line in found]


def test_the_life_of_a_voice(database: Database) -> None:
    account, key = customer(database, 100)
    voice_id, made = preview(database, account, key, None)
    wanted = replace(order(account, key, 5), request=rows.speech_request(), voice_id=voice_id)
    spoken = submit(database, wanted)
    with database.transaction() as session:
        result = TaskResult(files.result(spoken, "mp3"))
        tasks.complete(session, spoken, result, keep=KEEP, voice=None)
        for _ in range(2):  # the links are recorded once
            audit.record_links(session, spoken, audit.by_key(key))
        for stored in (
            result.audio,
            files.voice_recording(voice_id),
            "uploads/0/a.mp3",
            "results/audio_0/speech.mp3",
        ):
            audit.record_download(session, stored)
        removal.withdraw(session, voice_id, account, audit.by_key(key))
        removal.withdraw(session, voice_id, account, audit.SERVICE)
        voices.mark_purged(session, voice_id)
    found = lines(database, Filter(voice_id=voice_id))
    assert events(found) == [
        ("created", "key", key),
        ("used", "key", key),
        ("shared", "key", key),
        ("downloaded", "link", None),
        ("downloaded", "link", None),
        ("withdrawn", "key", key),
        ("deleted", "key", key),
    ]
    assert [line["task"] for line in found] == [made, spoken, spoken, spoken, None, None, None]
    assert [line["detail"] for line in found][3:5] == ["speech.mp3", "recording.flac"]
    assert {line["account"] for line in found} == {account}
    numbers = [line["number"] for line in found]
    assert numbers == sorted(numbers)
    # Conditions of the export.
    now = time.time()
    assert lines(database, Filter(task_id=spoken)) == found[1:4]
    assert lines(database, Filter(event=Event.CREATED, account_id=account)) == found[:1]
    assert len(lines(database, Filter(key_id=key))) == 5
    assert lines(database, Filter(since=now + 60)) == []
    assert lines(database, Filter(until=now - 60)) == []
    assert len(lines(database, Filter(since=now - 60, until=now + 60))) == 7


def test_an_expired_voice_is_deleted_by_the_service(database: Database) -> None:
    account, key = customer(database, 0)
    voice_id, _ = preview(database, account, key, None, expires_at=time.time() - 1)
    with database.transaction() as session:
        voices.mark_purged(session, voice_id)
        voices.mark_purged(session, voice_id)
    (line,) = lines(database, Filter(event=Event.DELETED))
    assert (line["voice"], line["actor"], line["detail"]) == (voice_id, "service", "expired")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_log SET actor = 'key'",
        "DELETE FROM audit_log",
        "DELETE FROM audit_log WHERE number = 1",
        "INSERT OR REPLACE INTO audit_log SELECT * FROM audit_log",
        "REPLACE INTO audit_log SELECT * FROM audit_log WHERE number = 1",
        pytest.param("TRUNCATE audit_log", id="truncate"),
    ],
)
def test_nothing_changes_the_log(database: Database, change: str) -> None:
    account, key = customer(database, 0)
    preview(database, account, key, None)
    before = lines(database)
    # SQLite has no TRUNCATE and Postgres no REPLACE. Each reports a syntax error.
    with pytest.raises(DBAPIError), database.transaction() as session:
        session.execute(text(change))
    assert lines(database) == before
    assert len(before) == 1


def test_protected_voices(database: Database) -> None:
    account, _ = customer(database, 0)
    other, _ = customer(database, 0)
    with database.transaction() as session:
        kept = protection.protect(session, "Anna", EMBEDDINGS)
        older = protection.protect(session, "", replace(EMBEDDINGS, encoder="earlier"))
        assert {each.id for each in protection.listing(session)} == {kept.id, older.id}
        assert [each.id for each in protection.guarded_from(session, account, "encoder")] == [
            kept.id
        ]
        for _ in range(2):
            protection.allow(session, kept.id, account)
        assert kept.allowed == [account]
    with database.transaction() as session:
        assert protection.guarded_from(session, account, "encoder") == []
        assert len(protection.guarded_from(session, other, "encoder")) == 1
        protection.allow(session, kept.id, account, allowed=False)
    with database.transaction() as session:
        assert len(protection.guarded_from(session, account, "encoder")) == 1
        for wrong in ((kept.id, "acct_0"), ("prot_0", account)):
            with pytest.raises(NotFound):
                protection.allow(session, *wrong)
        protection.remove(session, kept.id)
        with pytest.raises(NotFound, match="there is no protected voice"):
            protection.remove(session, kept.id)
    assert [line["event"] for line in lines(database, Filter(voice_id=kept.id))] == [
        "protected",
        "allowed",
        "allowed",
        "disallowed",
        "unprotected",
    ]
