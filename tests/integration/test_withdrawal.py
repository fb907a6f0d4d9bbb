"""Withdrawal of consents on real databases: voices, their speech and running tasks."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from soundclone.core import consents, files, ledger, removal, tasks, voices
from soundclone.core.consents import Terms
from soundclone.core.requests import ConsentRecord, ConsentSource, TaskResult
from soundclone.db.models import Consent, Task, TaskStatus, Voice
from soundclone.db.session import Database
from soundclone.errors import Deleted, Expired, InvalidParameter, NotFound
from soundclone.text.ssml import Turn
from tests import rows
from tests.integration.test_ledger import KEEP, customer, order, submit
from tests.integration.test_removal import preview

HOUR = 3600.0


def kept(database: Database, account: str, terms: Terms | None = None) -> Consent:
    consent = consents.new(account, "Anna", "en", b"ID3", 3, terms or Terms())
    with database.transaction() as session:
        consents.add(session, consent)
    return consent


def speech(database: Database, account: str, key: str, voice_id: str, *, ended: bool) -> str:
    wanted = replace(order(account, key, 5), request=rows.speech_request(), voice_id=voice_id)
    task_id = submit(database, wanted)
    if ended:
        with database.transaction() as session:
            result = TaskResult(files.result(task_id, "mp3"))
            assert tasks.complete(session, task_id, result, keep=KEEP, voice=None)
    return task_id


def test_a_withdrawn_consent_ends_its_voices_and_their_speech(database: Database) -> None:
    account, key = customer(database, 100)
    consent = kept(database, account)
    source = ConsentSource(consent.id, consent.recording)
    first, made = preview(database, account, key, None, consent_id=consent.id)
    second, _ = preview(database, account, key, None, consent_id=consent.id)
    another, _ = preview(database, account, key, None)
    done = speech(database, account, key, first, ended=True)
    running = speech(database, account, key, second, ended=False)
    other = speech(database, account, key, another, ended=True)
    cloning = submit(
        database,
        replace(
            order(account, key, 7), request=replace(rows.clone_request(), consent_source=source)
        ),
    )
    with database.transaction() as session:
        gone = removal.withdraw(session, first, account)
    assert set(gone.voices) == {first, second}
    assert set(gone.tasks) == {done, running}
    assert gone.recordings == (consent.recording,)
    assert {f"voices/{first}", f"results/{done}", f"work/{running}", f"results/{made}"} <= set(
        gone.folders
    )
    assert f"results/{other}" not in gone.folders
    with database.read() as session:
        assert [each.id for each in voices.listing(session, account)] == [another]
        assert ledger.balance(session, account).held == 0
        assert ledger.balance(session, account).used == 10
        for task_id in (running, cloning):
            task = session.get_one(Task, task_id)
            assert (task.status, task.error_word) == (TaskStatus.FAILED, "cancelled")
            assert task.params == {}
        with pytest.raises(Deleted, match="the speaker's consent to voice"):
            tasks.get(session, done, account)
        with pytest.raises(Deleted, match="because the speaker's consent ended on"):
            voices.current(session, first, account)
        assert tasks.get(session, other, account).result
        assert set(tasks.expired(session)) >= {done, made}
        assert set(voices.expired(session)) == {first, second}
        with pytest.raises(Expired, match="a new recording of the speaker's consent"):
            consents.usable(session, consent.id, account)
        assert consents.ended(session) == [consent.id]
    with database.transaction() as session:
        assert removal.withdraw_consent(session, consent.id, account).voices == gone.voices
        removal.forget(session, gone)
    with database.read() as session, pytest.raises(NotFound):
        consents.get(session, consent.id, account)


def test_a_withdrawn_consent_ends_speech_in_which_the_voice_is_beside_another(
    database: Database,
) -> None:
    account, key = customer(database, 100)
    own, _ = preview(database, account, key, None)
    beside, _ = preview(database, account, key, None)
    wanted = replace(
        order(account, key, 5),
        request=replace(rows.speech_request("One.\nTwo."), turns=(Turn(5, beside),)),
        voice_id=own,
        others=(beside,),
    )
    done, running = submit(database, wanted), submit(database, wanted)
    with database.transaction() as session:
        result = TaskResult(files.result(done, "mp3"))
        assert tasks.complete(session, done, result, keep=KEEP, voice=None)
        gone = removal.withdraw(session, beside, account)
    assert set(gone.tasks) == {done, running}
    with database.read() as session:
        assert ledger.balance(session, account).held == 0
        assert ledger.balance(session, account).used == 5
        assert session.get_one(Task, running).error_word == "cancelled"
        with pytest.raises(Deleted, match=f"the speaker's consent to voice {beside} ended"):
            tasks.get(session, done, account)
        assert [each.id for each in voices.listing(session, account)] == [own]


def test_a_consent_that_ended_makes_no_voice(database: Database) -> None:
    account, key = customer(database, 100)
    consent = kept(database, account, Terms("Audiobooks", time.time() + HOUR))
    request = replace(
        rows.clone_request(), consent_source=ConsentSource(consent.id, consent.recording)
    )
    submit(database, replace(order(account, key, 1), request=request))
    with database.transaction() as session:
        consents.get(session, consent.id, account).ends_at = time.time() - 1
    with pytest.raises(Expired, match=f"consent {consent.id} ended on 20"):
        submit(database, replace(order(account, key, 1, what="b"), request=request))
    with database.transaction() as session:
        consents.delete(session, consent.id)
    with pytest.raises(NotFound):
        submit(database, replace(order(account, key, 1, what="c"), request=request))


def test_a_used_voice_ends_with_its_consent(database: Database) -> None:
    account, key = customer(database, 100)
    end = time.time() + HOUR
    voice_id, _ = preview(database, account, key, None, consent_ends_at=end)
    speech(database, account, key, voice_id, ended=True)
    with database.transaction() as session:
        voice = session.get_one(Voice, voice_id)
        assert (voice.activated_at is not None, voice.expires_at) == (True, end)
        assert voices.consent_ended(session) == []
        voice.consent_ends_at = voice.expires_at = time.time() - 1
    with database.read() as session:
        with pytest.raises(Deleted, match="because the speaker's consent ended on"):
            voices.current(session, voice_id, account)
        assert voices.consent_ended(session) == [(voice_id, account)]
    with database.transaction() as session:
        removal.withdraw(session, voice_id, account)
        assert voices.consent_ended(session) == []


def test_terms() -> None:
    now = time.time()
    assert consents.checked_terms(" A\0 guide ", None) == Terms("A guide", None)
    with pytest.raises(InvalidParameter, match="purpose has 201 characters"):
        consents.checked_terms("a" * 201, None)
    for end in (0.0, now - 1, now + 200 * 366 * 86_400, 1e30):
        with pytest.raises(InvalidParameter, match="the end must be in the future"):
            consents.checked_terms("", end)
    longer, shorter = Terms("A guide", now + 9), Terms("", now + 5)
    assert longer.within(shorter) == Terms("A guide", now + 5)
    assert shorter.within(longer) == Terms("A guide", now + 5)
    assert Terms().within(longer) == longer
    record = ConsentRecord("s", "en", "", now, "key_1", None, "A guide", now + 9)
    assert ConsentRecord.from_json(record.to_json()) == record
