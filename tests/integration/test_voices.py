"""Voices that end, and pages of tasks, on real databases."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import text

from soundclone.core import history, removal, tasks, voices
from soundclone.db.session import Database
from soundclone.errors import Deleted, Expired, InvalidParameter, NotFound, TaskCancelled
from tests import rows
from tests.integration.test_ledger import KEEP, customer, order


def test_a_deleted_voice_is_told_from_an_expired_one(database: Database) -> None:
    account, _ = customer(database, 0)
    now = time.time()
    unused = rows.voice(account, id="model_" + "1" * 32)
    used = rows.voice(account, id="model_" + "2" * 32, activated_at=now, expires_at=None)
    old = rows.voice(account, id="model_" + "3" * 32, expires_at=now - 1)
    with database.transaction() as session:
        session.add_all([unused, used, old])
    for voice in (unused, used):
        with database.transaction() as session:
            removal.delete(session, voice.id, account)
        for _ in range(2):  # a second deletion changes nothing
            with database.transaction() as session, pytest.raises(Deleted, match="was deleted on"):
                voices.usable(session, voice.id, account)
            with database.transaction() as session:
                removal.delete(session, voice.id, account)
    with (
        database.transaction() as session,
        pytest.raises(Expired, match="no production task") as error,
    ):
        voices.usable(session, old.id, account)
    assert error.value.word == "expired"
    assert Deleted.word == "deleted"


def test_a_voice_that_is_over_has_no_new_name(database: Database) -> None:
    account, _ = customer(database, 0)
    voice = rows.voice(account)
    with database.transaction() as session:
        session.add(voice)
        assert voices.change(session, voice.id, account, name=" Anna ").name == "Anna"
        assert voices.change(session, voice.id, account, name="").name is None
        removal.delete(session, voice.id, account)
    with database.transaction() as session, pytest.raises(Deleted):
        voices.change(session, voice.id, account, name="Berta")


def test_voices_are_tagged_searched_and_ordered(database: Database) -> None:
    account, _ = customer(database, 0)
    now = time.time()
    made = [
        rows.voice(account, id="model_" + digit * 32, name=name, created_at=now + float(digit))
        for digit, name in (("1", "Émile"), ("2", "anna"), ("3", None))
    ]
    with database.transaction() as session:
        session.add_all(made)
        session.flush()
        for voice, tags in zip(
            made, (["calm", "Podcast"], [" calm", "", "calm "], []), strict=True
        ):
            voices.change(session, voice.id, account, tags=tags)

    def found(**criteria: Any) -> str:
        with database.read() as session:
            chosen = voices.search(session, account, **criteria)
            return "".join(voice.id[6] for voice in chosen.voices)

    assert found() == "321"
    assert found(order=voices.Order.OLDEST) == "123"
    assert found(order=voices.Order.NAME) == "213"
    assert found(text="PODCAST émile") == "1"
    assert found(text="model_33") == "3"
    assert found(tag="calm") == "21"
    assert found(tag="cal") == ""
    assert found(offset=1, limit=1) == "2"
    with database.read() as session:
        everything = voices.search(session, account, limit=1)
        assert (everything.total, everything.tags) == (3, {"Podcast": 1, "calm": 2})
        assert voices.get(session, made[1].id, account).name == "anna"
        assert voices.get(session, made[2].id, account).tags is None
    for wrong in (["a,b"], ["a\x00b"], ["a" * 31], [str(each) for each in range(13)]):
        with database.transaction() as session, pytest.raises(InvalidParameter, match="tag"):
            voices.change(session, made[0].id, account, tags=wrong)
    with database.transaction() as session:
        removal.delete(session, made[0].id, account)
    with database.read() as session:
        assert voices.get(session, made[0].id, account).tags is None


def test_tasks_a_page_at_a_time(database: Database) -> None:
    account, key = customer(database, 100)
    other, _ = customer(database, 0)
    made = []
    for _ in range(5):
        with database.transaction() as session:
            task = tasks.submit(session, order(account, key, 1), lambda *_: None, active_limit=1000)
            made.append(task.id)
    with database.transaction() as session:  # all at the same time: the order is by id then
        session.execute(text("UPDATE tasks SET created_at = 1000"))
        session.execute(text(f"UPDATE tasks SET created_at = 2000 WHERE id = '{made[3]}'"))
        tasks.fail(session, made[0], TaskCancelled("over"), keep=KEEP)
        tasks.fail(session, made[1], TaskCancelled("over"), keep=-1)  # its time is over
    with database.read() as session:
        seen: list[str] = []
        cursor = None
        while True:
            page, cursor = history.page(session, account, limit=2, cursor=cursor)
            seen += [task.id for task in page]
            if cursor is None:
                break
        assert seen[0] == made[3]
        assert seen[1:] == sorted({*made} - {made[1], made[3]}, reverse=True)
        failed, following = history.page(session, account, limit=1, status="failed")
        assert [task.id for task in failed] == [made[0]]
        assert following is None
        assert history.page(session, account, limit=9, kind="audio") == ([], None)
        assert len(history.page(session, account, limit=9, kind="clone")[0]) == 4
        assert history.page(session, other, limit=9) == ([], None)
        for wrong in ("x", "\0", made[0] + "0"):
            with pytest.raises(InvalidParameter, match="nextCursor"):
                history.page(session, account, limit=2, cursor=wrong)
        with pytest.raises(InvalidParameter):
            history.page(session, other, limit=2, cursor=made[0])
        with pytest.raises(NotFound):
            tasks.get(session, made[2], other)
