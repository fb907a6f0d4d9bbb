"""Ids of voices that clients choose, and numbers of files, on real databases."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import select

from soundclone.core import client_voice_ids, numbered_files, tasks, uploads
from soundclone.core.client_voice_ids import VoiceIdTaken, VoiceNotFound
from soundclone.db.models import ClientVoiceId, NumberedFile, Task
from soundclone.db.session import Database
from soundclone.errors import InvalidParameter, NotFound, TaskCancelled
from tests.integration.test_ledger import customer, order
from tests.integration.test_removal import preview, uploaded

CHOSEN = "Anna-voice_1"


def clone(database: Database, account: str, key: str, what: str) -> str:
    """Submit a preview whose voice gets the chosen id; the id of the task."""
    with database.transaction() as session:
        earlier = client_voice_ids.claim(session, account, CHOSEN, what)
        if earlier is not None:
            return earlier.id
        wanted = order(account, key, 1, what=what)
        made = tasks.submit(session, wanted, lambda *_: None, active_limit=1000)
        client_voice_ids.assign(session, account, CHOSEN, made.voice_id)
        return made.id


@pytest.mark.parametrize("equal", [True, False])
def test_racing_requests_for_an_id_make_one_voice(database: Database, equal: bool) -> None:
    account, key = customer(database, 100)
    made: list[str] = []

    def run(index: int) -> None:
        try:
            made.append(clone(database, account, key, "a" if equal else str(index)))
        except VoiceIdTaken:
            made.append("taken")

    threads = [threading.Thread(target=run, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        (task,) = session.scalars(select(Task.id).where(Task.account_id == account)).all()
    assert sorted(made) == sorted([task] * 4 if equal else [task, "taken", "taken", "taken"])


def test_the_id_of_a_failed_preview_is_free(database: Database) -> None:
    account, key = customer(database, 100)
    first = clone(database, account, key, "a")
    with database.transaction() as session, pytest.raises(VoiceNotFound, match="not made yet"):
        client_voice_ids.resolve(session, account, CHOSEN)
    with database.transaction() as session:
        tasks.fail(session, first, TaskCancelled("cancelled"), keep=60)
    second = clone(database, account, key, "b")
    assert second != first
    with database.read() as session:
        voice = session.get_one(Task, second).voice_id
        assert session.get_one(ClientVoiceId, (CHOSEN, account)).voice_id == voice


def test_names_and_ids_of_voices(database: Database) -> None:
    account, key = customer(database, 100)
    stranger, _ = customer(database, 0)
    first, _ = preview(database, account, key, None, name="Berta")
    twins = [preview(database, account, key, None, name="Twin") for _ in range(2)]
    with database.transaction() as session:
        client_voice_ids.assign(session, account, CHOSEN, first)
    with database.read() as session:
        for known in (CHOSEN, "Berta", "berta", first):
            assert client_voice_ids.resolve(session, account, known) == first
            with pytest.raises(VoiceNotFound):
                client_voice_ids.resolve(session, stranger, known)
        with pytest.raises(InvalidParameter, match=f"2 voices .*{twins[0][0]}"):
            client_voice_ids.resolve(session, account, "Twin")
        for unknown in ("", "a\0b-voice", "\ud800", "x" * 5000, "model_" + "f" * 32):
            with pytest.raises(VoiceNotFound):
                client_voice_ids.resolve(session, account, unknown)
        assert client_voice_ids.chosen(session, account) == {first: CHOSEN}


def test_numbers_of_files(database: Database) -> None:
    account, _ = customer(database, 0)
    stranger, _ = customer(database, 0)
    key = uploaded(database, account, "a")
    with database.transaction() as session:
        file = numbered_files.add_upload(session, key, account, "voice_clone", "ä.mp3")
        numbered_files.add_result(session, "audio_1", account, "t2a_async", keep=-1)
        number = file.number
    assert 10**14 <= number < 2**53
    with database.read() as session:
        assert numbered_files.get(session, number, account).filename == "ä.mp3"
        assert len(numbered_files.listing(session, account)) == 1
        assert len(numbered_files.listing(session, account, "prompt_audio")) == 0
        for wrong, owner in ((number, stranger), (number + 1, account), (-1, account)):
            with pytest.raises(NotFound, match=f"no file {wrong}"):
                numbered_files.get(session, wrong, owner)
        with pytest.raises(NotFound):
            numbered_files.get(session, 2**63 - 1, account)
    with database.transaction() as session:
        numbered_files.delete_expired(session)
        uploads.unregister(session, key)
    with database.read() as session:
        (left,) = session.scalars(select(NumberedFile.expires_at)).all()
        assert left > time.time()
        with pytest.raises(NotFound):
            numbered_files.get(session, number, account)
        assert numbered_files.listing(session, account) == []
