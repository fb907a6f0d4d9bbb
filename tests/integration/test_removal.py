"""Deletion of voices on real databases and a real store: what goes, what stays, and who races."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from soundclone.asr.recognition import Recognizer
from soundclone.audio import encode
from soundclone.config import Settings
from soundclone.core import consents, files, history, removal, tasks, uploads, voices
from soundclone.core.audit import Event
from soundclone.core.requests import TaskResult, UploadSource
from soundclone.db.models import AuditLine, Task, TaskVoice, Upload, Voice
from soundclone.db.session import Database
from soundclone.engines.protocol import EngineInfo, Reference
from soundclone.engines.protocol import Voice as MadeVoice
from soundclone.engines.registry import InstalledEngines
from soundclone.errors import Deleted, NotFound, StateConflict, SynthesisError, TaskCancelled
from soundclone.jobs.runner import Job, Pools
from soundclone.jobs.speak import speak
from soundclone.jobs.voices import VoiceLoader
from soundclone.storage import Storage
from soundclone.text.ssml import Turn
from tests import rows
from tests.integration.test_ledger import KEEP, customer, order, submit

NOW = time.time()
USED = select(AuditLine).where(AuditLine.event == Event.USED)


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage.open((tmp_path / "files").as_uri(), [b"s" * 32])


def preview(
    database: Database, account: str, key: str, upload: str | None, **columns: Any
) -> tuple[str, str]:
    """Ids of a voice and of the completed preview that made it."""
    task_id = submit(database, order(account, key, 0))
    with database.transaction() as session:
        task = session.get_one(Task, task_id)
        source = UploadSource(upload) if upload else None
        task.params = rows.clone_request("Private.", source).to_json()
        voice = rows.voice(
            account,
            id=task.voice_id,
            task_id=task_id,
            **{"uploads": [upload] if upload else []} | columns,
        )
        result = TaskResult(files.result(task_id, "mp3"))
        assert tasks.complete(session, task_id, result, keep=KEEP, voice=voice)
    return task.voice_id, task_id


def uploaded(database: Database, account: str, name: str) -> str:
    key = f"uploads/{name}/recording.wav"
    with database.transaction() as session:
        session.add(
            Upload(key=key, account_id=account, size=1, created_at=NOW, expires_at=NOW + 9999)
        )
    return key


def delete(database: Database, voice_id: str, account: str) -> removal.Leavings:
    with database.transaction() as session:
        return removal.delete(session, voice_id, account)


def test_a_deleted_voice_takes_its_upload_and_its_preview_along(database: Database) -> None:
    account, key = customer(database, 0)
    upload = uploaded(database, account, "one")
    voice_id, task_id = preview(database, account, key, upload, name="Anna")
    gone = delete(database, voice_id, account)
    assert gone.folders == (f"voices/{voice_id}", f"results/{task_id}", f"work/{task_id}")
    assert gone.uploads == (upload,)
    with database.read() as session:
        with pytest.raises(Deleted, match=f"made voice {voice_id}, which was deleted on 20"):
            tasks.get(session, task_id, account)
        task, voice = session.get_one(Task, task_id), session.get_one(Voice, voice_id)
        assert (task.params, task.result, voice.name) == ({}, {}, None)
        assert voices.listing(session, account) == []
        # The sweep finishes what a store that is away leaves.
        assert uploads.expired(session) == [upload]
        assert tasks.expired(session) == [task_id]
        assert voices.expired(session) == [voice_id]
    assert delete(database, voice_id, account) == gone
    with database.transaction() as session:
        removal.forget(session, gone)
        assert uploads.expired(session) == []
    assert delete(database, voice_id, account).uploads == ()
    other, _ = customer(database, 0)
    with pytest.raises(NotFound):
        delete(database, voice_id, other)


def test_an_upload_stays_while_something_else_needs_it(database: Database) -> None:
    account, key = customer(database, 0)
    upload = uploaded(database, account, "shared")
    first, _ = preview(database, account, key, upload)
    second, _ = preview(database, account, key, upload, uploads=None)  # of an earlier version
    waiting = submit(database, order(account, key, 0))
    with database.transaction() as session:
        request = rows.clone_request(source=UploadSource(upload))
        session.get_one(Task, waiting).params = request.to_json()
    assert delete(database, first, account).uploads == ()
    assert delete(database, second, account).uploads == ()
    third, _ = preview(database, account, key, upload)
    with database.transaction() as session:
        tasks.cancel(session, waiting, account, keep=KEEP)
    assert delete(database, third, account).uploads == (upload,)


def test_an_upload_of_another_account_stays(database: Database) -> None:
    owner, _ = customer(database, 0)
    account, key = customer(database, 0)
    upload = uploaded(database, owner, "foreign")
    voice_id, _ = preview(database, account, key, upload)
    assert delete(database, voice_id, account).uploads == ()
    with database.read() as session:
        assert uploads.expired(session) == []


def test_a_voice_in_use_stays(database: Database) -> None:
    account, key = customer(database, 0)
    voice_id, _ = preview(database, account, key, None)
    speaking = submit(database, order(account, key, 0))
    with database.transaction() as session:
        session.get_one(Task, speaking).voice_id = voice_id
    with pytest.raises(StateConflict, match="is being used by a task; cancel it or wait"):
        delete(database, voice_id, account)
    with database.transaction() as session:
        tasks.cancel(session, speaking, account, keep=KEEP)
    delete(database, voice_id, account)
    with database.read() as session:
        assert removal.late_writers(session, voice_id)[0] == speaking


def test_a_voice_that_speaks_beside_another_is_in_use(database: Database) -> None:
    account, key = customer(database, 0)
    own, _ = preview(database, account, key, None)
    beside, _ = preview(database, account, key, None)
    wanted = replace(
        order(account, key, 0),
        request=replace(rows.speech_request("One.\nTwo."), turns=(Turn(5, beside),)),
        voice_id=own,
        others=(beside,),
    )
    speaking, ended = submit(database, wanted), submit(database, wanted)
    with database.transaction() as session:
        assert {event.voice_id for event in session.scalars(USED)} == {own, beside}
        result = TaskResult(files.result(ended, "mp3"))
        assert tasks.complete(session, ended, result, keep=KEEP, voice=None)
        # A voice is kept after its first speech, and until the end of its tasks.
        for voice_id in (own, beside):
            voice = session.get_one(Voice, voice_id)
            assert (voice.activated_at is None, voice.expires_at) == (False, None)
            voice.expires_at = NOW - 1
        assert not {own, beside} & set(voices.expired(session))
        found, _ = history.page(session, account, limit=9, kind="audio", voice_id=beside)
        assert {task.id for task in found} == {speaking, ended}
        for voice_id in (own, beside):
            session.get_one(Voice, voice_id).expires_at = None
    with pytest.raises(StateConflict, match="is being used by a task"):
        delete(database, beside, account)
    with database.transaction() as session:
        tasks.cancel(session, speaking, account, keep=KEEP)
    delete(database, beside, account)
    with database.transaction() as session:
        assert {speaking, ended} <= set(removal.late_writers(session, beside))
        assert beside in voices.expired(session)
        tasks.purge(session, speaking)
        tasks.delete_purged(session, time.time() + 1)
        left = session.scalars(select(TaskVoice.task_id).where(TaskVoice.account_id == account))
        assert left.all() == [ended]
    with pytest.raises(Deleted, match=f"voice {beside} was deleted"):
        submit(database, wanted)


def test_of_two_voices_of_an_upload_deleted_at_once_the_later_takes_it(database: Database) -> None:
    account, key = customer(database, 0)
    for number in range(5):
        upload = uploaded(database, account, f"twice-{number}")
        made = [preview(database, account, key, upload)[0] for _ in range(2)]
        together = threading.Barrier(2)
        found: list[str] = []

        def act(voice_id: str, together: threading.Barrier, found: list[str]) -> None:
            together.wait()
            found += delete(database, voice_id, account).uploads

        threads = [threading.Thread(target=act, args=(each, together, found)) for each in made]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert found == [upload]


class DeletedMeanwhile:
    """An engine during whose work the customer deletes the voice."""

    info = EngineInfo("slow", "1", "Apache-2.0", frozenset({"English"}), 24_000)

    def __init__(self, database: Database, storage: Storage, account: str, voice_id: str) -> None:
        self._parts = database, storage, account, voice_id

    def clone(self, reference: Reference, language: str) -> MadeVoice:
        database, storage, account, voice_id = self._parts
        for folder in delete(database, voice_id, account).folders:
            storage.delete_prefix(folder)
        return MadeVoice("slow", "1", b"the speaker")


def job_of(database: Database, storage: Storage, task_id: str, tmp_path: Path) -> Job:
    with database.read() as session:
        task = session.get_one(Task, task_id)
    settings = Settings(data_dir=tmp_path)
    recognizer = Recognizer(settings)
    return Job(
        task,
        settings,
        database,
        storage,
        InstalledEngines(settings, recognizer),
        recognizer,
        "worker",
        Pools.of(settings),
        stopping=threading.Event(),
        halted=threading.Event(),
    )


def test_a_worker_does_not_write_a_deleted_voice_back(
    database: Database, storage: Storage, tmp_path: Path
) -> None:
    account, key = customer(database, 0)
    voice_id, _ = preview(database, account, key, None)
    wanted = replace(order(account, key, 0), request=rows.speech_request(), voice_id=voice_id)
    speaking = submit(database, wanted)
    with database.transaction() as session:
        tasks.cancel(session, speaking, account, keep=KEEP)
    reference = encode.pack(np.zeros(24_000, np.float32), 24_000)
    storage.put(files.voice_reference(voice_id), reference)
    job = job_of(database, storage, speaking, tmp_path)
    engine: Any = DeletedMeanwhile(database, storage, account, voice_id)
    with pytest.raises(TaskCancelled, match="was deleted"):
        VoiceLoader(job, engine, job.task.voice_id).voice_for("English")
    assert list(storage.list(f"voices/{voice_id}")) == []
    with pytest.raises(SynthesisError, match="is no longer kept"):
        VoiceLoader(job, engine, job.task.voice_id).voice_for("English")
    with pytest.raises(SynthesisError, match="is no longer kept"):
        speak(job)


def test_a_consent_of_its_own_outlives_a_voice(database: Database) -> None:
    account, key = customer(database, 0)
    consent = consents.new(account, "Anna", "en", b"ID3", 3)
    with database.transaction() as session:
        consents.add(session, consent)
    voice_id, _ = preview(database, account, key, None, consent={"consent": consent.id})
    delete(database, voice_id, account)
    with database.read() as session:
        assert consents.get(session, consent.id, account).name == "Anna"
        assert session.get_one(Voice, voice_id).consent is None
