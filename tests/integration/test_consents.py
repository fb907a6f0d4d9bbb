"""Consents, voices by name, and requests that are repeated, on real databases."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

import pytest

from soundclone.core import consents, ledger, tasks, uploads, voices
from soundclone.db.models import Consent, Upload
from soundclone.db.session import Database
from soundclone.errors import InvalidParameter, NotFound, TaskCancelled, TooLarge
from soundclone.jobs.queue import Queue
from tests import rows
from tests.integration.test_ledger import customer, order

HEAD = b"ID3\x04" + bytes(60)


def new(account: str, **changes: Any) -> Consent:
    fields: dict[str, Any] = {"name": "Anna", "language": "en-US", "head": HEAD, "size": 64}
    return consents.new(account, **fields | changes)


def test_a_consent_is_the_accounts_own(database: Database) -> None:
    account, _ = customer(database, 0)
    other, _ = customer(database, 0)
    consent = new(account)
    with database.transaction() as session:
        consents.add(session, consent)
    with database.transaction() as session:
        assert consents.get(session, consent.id, account).name == "Anna"
        assert consents.rename(session, consent.id, account, " Berta ").name == "Berta"
        for wrong in (consent.id + "0", "cons_", "\0", "model_" + "0" * 32):
            with pytest.raises(NotFound, match="there is no consent"):
                consents.get(session, wrong, account)
        with pytest.raises(NotFound):
            consents.get(session, consent.id, other)
        with pytest.raises(InvalidParameter):
            consents.rename(session, consent.id, account, " ")
        consents.delete(session, consent.id)
    with database.read() as session:
        assert consents.listing(session, account) == ([], False)


def test_pages(database: Database) -> None:
    account, _ = customer(database, 0)
    now = time.time()
    made = [new(account) for _ in range(5)]
    with database.transaction() as session:
        for index, consent in enumerate(made):
            consent.created_at = now + index // 2  # some at the same time
            consents.add(session, consent)
    seen: list[str] = []
    after, more = None, True
    while more:
        with database.read() as session:
            page, more = consents.listing(session, account, after=after, limit=2)
        seen += [consent.id for consent in page]
        after = seen[-1]
    assert sorted(seen) == sorted(consent.id for consent in made)
    assert seen[0] == made[4].id


def test_no_more_than_there_is_room_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consents, "MOST", 2)
    account, _ = customer(database, 0)
    with database.transaction() as session:
        consents.add(session, new(account))
        consents.add(session, new(account))
        with pytest.raises(InvalidParameter, match="2 consents, which is the most"):
            consents.add(session, new(account))


def test_nor_of_many_at_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consents, "MOST", 2)
    account, _ = customer(database, 0)
    together = threading.Barrier(8)
    taken: list[str] = []

    def upload(number: int) -> None:
        now = time.time()
        kept = Upload(
            key=f"uploads/{number}", account_id=account, size=1, created_at=now, expires_at=now + 9
        )
        together.wait()
        with suppress(TooLarge):
            with database.transaction() as session:
                uploads.register(session, kept, quota=2)
            taken.append("upload")
        with suppress(InvalidParameter):
            with database.transaction() as session:
                consents.add(session, new(account))
            taken.append("consent")

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == ["consent"] * 2 + ["upload"] * 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"language": "en_US"}, "language is 'en_US'; it must be a BCP 47 tag"),
        ({"language": ""}, "BCP 47"),
        ({"name": ""}, "name is empty"),
        ({"name": "a\0"}, "control characters"),
        ({"name": "a\ud800"}, "halves of surrogate pairs"),
        ({"size": 0}, "recording is empty"),
        ({"size": consents.LARGEST + 1}, "at most 10,485,760 are taken"),
        ({"head": b"<html>"}, "no audio file"),
        ({"head": b"RIFF1234WEBP"}, "no audio file"),
    ],
)
def test_what_is_no_consent(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidParameter, match=reason):
        new("acct_1", **changes)


@pytest.mark.parametrize(
    "head", [b"\xff\xfb\x90", b"\xff\xf1P", b"RIFF\x00\x01\x02\x03WAVEfmt ", b"OggS", b"fLaC",
             b"\x1a\x45\xdf\xa3", b"\x00\x00\x00\x18ftypM4A "]
)  # fmt: skip
def test_recordings(head: bytes) -> None:
    assert new("acct_1", head=head).recording.startswith("consents/acct_1/cons_")


def test_voices_by_name(database: Database) -> None:
    account, _ = customer(database, 0)
    now = time.time()
    with database.transaction() as session:
        for index, (name, expires) in enumerate(
            [("Anna", None), ("anna", None), ("Anna", now + 60), ("Anna", now - 1), (None, None)]
        ):
            session.add(
                rows.voice(
                    account,
                    id=f"model_{index:032}",
                    name=name,
                    created_at=now + index,
                    expires_at=expires,
                )
            )
    with database.read() as session:
        found = [voice.id[-1] for voice in voices.named(session, "Anna", account)]
        assert found == ["2", "0"]
        for none in ("", "Bert", "Anna\0", "\ud800"):
            assert voices.named(session, none, account) == []
        for wrong in ("\0", "\ud800", "model_1", f"model_{1:032}\n"):
            with pytest.raises(NotFound, match="there is no voice"):
                voices.get(session, wrong, account)


def test_of_many_same_requests_one_is_a_task(database: Database) -> None:
    account, key = customer(database, 100)
    queue = Queue(database)
    wanted = order(account, key, 3)
    found: list[str] = []

    def ask() -> None:
        with database.transaction() as session:
            task = tasks.recent(
                session, account, wanted.request_hash, time.time() - 60
            ) or tasks.submit(session, wanted, queue.enqueue, active_limit=100)
            found.append(task.id)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    with database.transaction() as session:
        assert tasks.recent(session, account, "b", 0) is None
        assert tasks.recent(session, account, wanted.request_hash, time.time() + 1) is None
        assert ledger.audit(session).sound
    # A failed task does not answer a repeated request.
    with database.transaction() as session:
        tasks.fail(session, found[0], TaskCancelled("cancelled"), keep=60)
    with database.transaction() as session:
        assert tasks.recent(session, account, wanted.request_hash, 0) is None
    queue.close()
