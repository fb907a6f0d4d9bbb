"""Export and erasure of accounts, on real databases and a real store."""

from __future__ import annotations

import hashlib
import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from soundclone.audio.fingerprint import Fingerprint
from soundclone.core import account_data, consents, files, keys, ledger, register, sessions, tasks
from soundclone.core.pricing import to_micro
from soundclone.core.register import Result
from soundclone.db.models import (
    Account,
    Base,
    Consent,
    Key,
    RegisterLandmark,
    Task,
    Transfer,
    Upload,
    UsageDay,
    Voice,
)
from soundclone.db.session import Database
from soundclone.errors import AuthenticationError, NotFound
from soundclone.jobs import account_data as archive
from soundclone.jobs.queue import Queue
from soundclone.storage import Storage
from tests import rows
from tests.integration.test_ledger import customer, order, submit
from tests.integration.test_removal import preview, uploaded

SECRET_TEXT = "The wedding is cancelled."


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage.open((tmp_path / "files").as_uri(), [b"s" * 32])


def furnish(database: Database, storage: Storage) -> tuple[str, str, list[str]]:
    """An account with something of everything; its id, its key's id and the keys of its files."""
    account, key = customer(database, 10)
    upload = uploaded(database, account, f"up-{account}")
    voice_id, task_id = preview(database, account, key, upload, name="Anna")
    consent = consents.new(account, "Anna agrees", "en", b"RIFF....WAVE", 4)
    with database.transaction() as session:
        consents.add(session, consent)
        session.get_one(Task, task_id).params = rows.clone_request(SECRET_TEXT).to_json()
        session.get_one(Task, task_id).idempotency_key = "wedding"
        sessions.begin(session, key)
        sessions.issue_link(session, key)
        ledger.credit(session, account, 5, "paid by Anna")
    stored = [
        upload,
        files.voice_reference(voice_id),
        files.voice_recording(voice_id),
        files.voice(voice_id, "builtin", "1"),
        files.result(task_id, "mp3"),
        consent.recording,
    ]
    for name in (*stored, files.work(task_id, "chunk-0001")):
        storage.put(name, name.encode())
    return account, key, stored


def read_archive(blocks: Any) -> tuple[zipfile.ZipFile, dict[str, Any]]:
    found = zipfile.ZipFile(io.BytesIO(b"".join(blocks)))
    assert found.testzip() is None
    return found, json.loads(found.read("manifest.json"))


def lines(found: zipfile.ZipFile, table: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in found.read(f"data/{table}.jsonl").splitlines()]


def test_an_export_has_all_rows_and_files_of_the_account(
    database: Database, storage: Storage
) -> None:
    account, key, stored = furnish(database, storage)
    other, _, _ = furnish(database, storage)
    found, manifest = read_archive(archive.export(database, storage, account))
    assert (manifest["format"], manifest["version"]) == ("soundclone-account", 1)
    assert {name for name in found.namelist() if name.startswith("files/")} == {
        f"files/{name}" for name in stored
    }
    assert {each["path"] for each in manifest["files"]} == {
        name for name in found.namelist() if name.startswith(("files/", "data/"))
    }
    for each in manifest["files"]:
        content = found.read(each["path"])
        assert (each["size"], each["sha256"]) == (
            len(content),
            hashlib.sha256(content).hexdigest(),
        )
    assert [row["id"] for row in lines(found, "accounts")] == [account]
    assert [row["id"] for row in lines(found, "keys")] == [key]
    assert SECRET_TEXT in json.dumps(lines(found, "tasks"))
    assert [row["name"] for row in lines(found, "voices")] == ["Anna"]
    assert "paid by Anna" in [row["memo"] for row in lines(found, "transfers")]
    everything = b"".join(found.read(name) for name in found.namelist())
    assert other.encode() not in everything
    with database.read() as session:
        assert session.get_one(Key, key).hash.encode() not in everything
    with pytest.raises(NotFound):
        archive.export(database, storage, "acct_nobody")


def test_an_export_reads_many_rows_in_batches(database: Database) -> None:
    account, key = customer(database, 10)
    ids = sorted(submit(database, order(account, key, 0)) for _ in range(5))
    found, after = [], None
    with database.read() as session:
        while True:
            batch, after = account_data.rows(
                session, Base.metadata.tables["tasks"], account, after, limit=2
            )
            found += [row["id"] for row in batch]
            if after is None:
                break
    assert found == ids


def test_rows_whose_key_begins_with_the_account_are_read_in_batches(database: Database) -> None:
    with database.transaction() as session:
        account = ledger.open_account(session, "many").id
        session.add_all(UsageDay(account_id=account, day=day, spent=1, tasks=1) for day in range(5))
        session.flush()
        table = Base.metadata.tables["usage_days"]
        found, after = account_data.rows(session, table, account, limit=3)
        rest, last = account_data.rows(session, table, account, after, limit=3)
    assert [row["day"] for row in [*found, *rest]] == list(range(5))
    assert last is None


def test_an_erasure_leaves_amounts_alone(database: Database, storage: Storage) -> None:
    account, key, _ = furnish(database, storage)
    other, other_key, others = furnish(database, storage)
    waiting = submit(database, order(account, key, 3))
    kept = submit(database, order(other, other_key, 3))
    landmark = Fingerprint(np.array([1]), np.array([2]))
    with database.transaction() as session:
        for task_id in (waiting, kept):
            register.add(session, task_id, Result(task_id, 1.0, landmark))
    queue = Queue(database)
    with database.read() as session:
        before = ledger.balance(session, account)
    report = archive.erase(database, storage, queue, account, wait=0)
    queue.close()
    answer = report.to_json()
    assert answer["erased"] == {
        "tasks": 2, "voices": 1, "uploads": 1, "consents": 1, "keys": 1, "sessions": 2,
        "files": 7, "bytes": report.bytes,
    }  # fmt: skip
    assert answer["pending"] == []
    left = {name for name, _ in storage.list() if not name.startswith("work/")}
    assert left == set(others)
    assert len(list(storage.list("work"))) == 1
    with database.read() as session:
        balance = ledger.balance(session, account)
        assert balance.held == 0  # of the task that waited
        assert balance.credited == before.credited
        assert ledger.audit(session).sound
        for table in (Task, Voice, Upload, Consent, Key):
            owner = table.__table__.c.account_id
            count = select(func.count()).select_from(table)
            assert session.scalar(count.where(owner == account)) == 0, table
            assert session.scalar(count.where(owner == other)) == 1 or table is Task, table
        row = session.get_one(Account, account)
        assert (row.name, row.erased_at is not None) == ("erased", True)
        memos = select(Transfer.memo).where(Transfer.account_id == account)
        assert set(session.scalars(memos)) == {""}
        assert keys.holder(session, other_key).account_id == other
        with pytest.raises(AuthenticationError):
            keys.holder(session, key)
        assert session.get(Task, waiting) is None
        assert register.find_file(session, waiting) is None
        assert register.find_file(session, kept) == kept
        assert session.scalar(select(func.count()).select_from(RegisterLandmark)) == 1
    if database.sqlite:
        with database.transaction() as session:  # the other account has the same text
            session.execute(update(Task).values(params={}))
        database.empty_log()
        path = Path(str(database.engine.url.database))
        for file in path.parent.glob(f"{path.name}*"):
            assert SECRET_TEXT.encode() not in file.read_bytes(), file
    with pytest.raises(NotFound, match="was erased"):
        archive.export(database, storage, account)


class BusyQueue(Queue):
    """A queue one of whose workflows a worker never leaves."""

    busy: frozenset[str] = frozenset()

    def unfinished(self, task_ids: Any) -> set[str]:
        return set(self.busy & set(task_ids))


def test_a_task_that_a_worker_has_not_left_keeps_no_text(
    database: Database, storage: Storage
) -> None:
    account, key, _ = furnish(database, storage)
    running = submit(database, order(account, key, 3))
    with database.transaction() as session:
        assert tasks.start(session, running)
        session.get_one(Task, running).params = rows.clone_request(SECRET_TEXT).to_json()
    queue = BusyQueue(database)
    queue.busy = frozenset({running})
    report = archive.erase(database, storage, queue, account, wait=0)
    queue.close()
    assert report.pending == (running,)
    with database.read() as session:
        task, left = session.get_one(Task, running), session.get_one(Key, key)
        assert (task.status, task.params, task.idempotency_key) == ("failed", {}, None)
        assert (left.name, left.display) == ("erased", "erased")
        assert left.revoked_at is not None
        # The sweep removes what the worker still writes.
        assert task.purged_at is None
        assert task.expires_at is not None
        assert task.expires_at < time.time() + 61
        assert session.scalar(select(func.count()).select_from(Task)) == 1


def test_a_closed_account_takes_no_tasks(database: Database) -> None:
    account, key = customer(database, 10)
    with database.transaction() as session:
        account_data.close(session, account)
    with pytest.raises(AuthenticationError):
        submit(database, order(account, key, 0))


def test_every_table_of_accounts_is_erased_or_kept() -> None:
    known = account_data.ERASED | account_data.KEPT
    for table in Base.metadata.sorted_tables:
        refers = {"account_id", "key_id"} & set(table.c.keys()) or table.name == "accounts"
        assert not refers or table.name in known, (
            f"add {table.name} to ERASED or KEPT in core/account_data.py, and to docs/privacy.md"
        )


def test_the_ledger_allows_empty_memos_alone(database: Database) -> None:
    account, _ = customer(database, 10)
    with database.transaction() as session:
        ledger.credit(session, account, to_micro("1"), "a note")
    for change in ({"amount": 1}, {"memo": "x"}, {"memo": "", "amount": 1}, {"account_id": "x"}):
        with pytest.raises(DBAPIError, match="append-only"), database.transaction() as session:
            session.execute(update(Transfer).values(**change))
    with database.transaction() as session:
        session.execute(update(Transfer).values(memo=""))
    with pytest.raises(DBAPIError, match="append-only"), database.transaction() as session:
        session.execute(text("DELETE FROM transfers"))
