"""`soundclone migrate-to`: from SQLite and a folder to Postgres and a bucket."""

from __future__ import annotations

import json
import sqlite3
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Table, create_engine, func, select, text
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from soundclone.cli import app
from soundclone.config import Settings
from soundclone.core import audit, keys, ledger, tasks, workers
from soundclone.core.audit import Event
from soundclone.core.tasks import Order
from soundclone.core.workers import WorkerInfo
from soundclone.db.models import AuditLine, ProtectedVoice, Task, Transfer
from soundclone.db.session import Database
from soundclone.errors import Unavailable
from soundclone.jobs import relocation
from soundclone.jobs.queue import Queue
from soundclone.storage import Storage
from tests import rows
from tests.conftest import migrate

Command = Callable[..., Any]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation with money, a queue, a voice and files, of which one is encrypted."""
    monkeypatch.setenv("SOUNDCLONE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SOUNDCLONE_ENCRYPTION_KEYS", "0f" * 32)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    settings = Settings()
    settings.create_secret()
    database = Database(settings.database)
    migrate(settings.database)
    queue = Queue(database)
    with database.transaction() as session:
        account = ledger.open_account(session, "Ann & Söhne 你好")
        key, _ = keys.create(session, settings.secret, account_id=account.id, name="desk")
        ledger.credit(session, account.id, 10_000_001, "paid", "invoice-7")
        session.add(rows.voice(account.id))
        embedding = bytes(range(256))
        session.add(
            ProtectedVoice(
                id="prot_1", name="x", encoder="e", whole=embedding, telephone=embedding,
                narrow=True, speech_seconds=1 / 3, allowed=[account.id], created_at=time.time(),
            )
        )  # fmt: skip
        for number in range(6):
            order = Order(
                account.id, key.id, rows.clone_request(f"Text {number} 'é'"), 1, 1000, "hash"
            )
            task = tasks.submit(session, order, queue.enqueue, active_limit=100)
            audit.record(
                session, Event.CREATED, audit.SERVICE, voice_id=task.voice_id, task_id=task.id
            )
            if number < 4:
                ledger.capture(session, task.id, 300)
        workers.heartbeat(session, "worker_1", WorkerInfo(version="1"))
        workers.mark_stopped(session, "worker_1")
    queue.close()
    database.close()
    store = Storage.of(settings)
    store.check_encryption()
    store.put("voices/model_1/reference", b"speech" * 100)
    Storage.open(settings.storage).put("results/audio_1/speech.mp3", bytes(9_000_000))
    Storage.open(settings.storage).put("results/audio_2/empty", b"")
    return settings


@pytest.fixture
def bucket(s3_endpoint: str, tmp_path: Path) -> str:
    name = f"moved-{tmp_path.name.replace('_', '-')[-40:].lower()}-{time.time_ns()}"
    urllib.request.urlopen(urllib.request.Request(f"{s3_endpoint}/{name}", method="PUT")).close()
    return f"s3://{name}/files?endpoint={s3_endpoint}&region=us-east-1"


@pytest.fixture
def command() -> Command:
    """Run the command, and return the JSON that it prints or the error."""

    def run(url: str, *arguments: str, code: int = 0) -> Any:
        done = CliRunner().invoke(app, ["migrate-to", url, *arguments, "--json"])
        assert (done.exit_code == 0) == (code == 0), (done.output, done.exception)
        return json.loads(done.stdout) if code == 0 else str(done.exception)

    return run


def contents(store: Storage) -> dict[str, bytes]:
    return {key: store.get(key) for key, _ in store.list()}


def test_everything_is_there_afterwards(
    settings: Settings, postgres_database: str, bucket: str, command: Command
) -> None:
    url = postgres_database.replace("postgresql+psycopg://", "postgresql://")
    before = contents(Storage.of(settings))
    report = command(url, "--storage", bucket)
    assert report["files"]["total"] == report["files"]["copied"] == len(before) == 4
    assert report["rows"]["transfers"] == 1 + 6 + 4 * 2
    assert report["rows"]["workflow_status"] == 6

    moved = Settings(database_url=url, storage_url=bucket)
    assert contents(Storage.of(moved)) == before
    old, new = Database(settings.database), Database(moved.database)
    with old.read() as source, new.read() as target:
        assert ledger.audit(source) == ledger.audit(target)
        assert ledger.audit(target).sound
        for table in (Task, Transfer, ProtectedVoice, AuditLine):
            one, other = (
                [tuple(row) for row in each.execute(select(table.__table__))]
                for each in (source, target)
            )
            assert sorted(map(repr, one)) == sorted(map(repr, other))
    with new.transaction() as session:  # the sequence is above the copied numbers
        audit.record(session, Event.CREATED, audit.SERVICE)
        assert session.scalar(select(func.max(AuditLine.number))) == 7
    # A worker finds the queue.
    queue = Queue(new)
    with new.read() as session:
        ids = list(session.scalars(select(Task.id)))
    assert queue.unfinished(ids) == set()  # none is running; all wait and are cancelled by this
    queue.close()
    old.close()
    new.close()


def test_a_copy_is_resumed(
    settings: Settings,
    postgres_database: str,
    bucket: str,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The copy breaks among the files, and then among the rows. Nothing is done twice."""
    copy_to, put = Storage.copy_to, []

    def breaking(self: Storage, target: Storage, key: str) -> bool:
        if key.startswith("voices/"):
            raise Unavailable("the store is gone")
        put.append(key)
        return copy_to(self, target, key)

    monkeypatch.setattr(Storage, "copy_to", breaking)
    assert "gone" in command(postgres_database, "--storage", bucket, code=1)
    monkeypatch.setattr(Storage, "copy_to", copy_to)
    advance = relocation._advance_sequences
    monkeypatch.setattr(relocation, "_advance_sequences", broken)
    assert "power cut" in command(postgres_database, "--storage", bucket, code=1)
    monkeypatch.setattr(relocation, "_advance_sequences", advance)
    with connected(postgres_database) as connection:
        assert connection.scalar(text("SELECT count(*) FROM accounts")) == 0
    report = command(postgres_database, "--storage", bucket)
    assert (report["files"]["total"], report["files"]["copied"]) == (4, 0)
    assert command(postgres_database, "--storage", bucket) == report  # again, with no effect


def broken(*_: object) -> None:
    raise Unavailable("power cut")


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_a_damaged_copy_is_noticed(
    settings: Settings, postgres_database: str, bucket: str, command: Command
) -> None:
    """Another row, another amount, another byte."""
    command(postgres_database, "--storage", bucket)
    target = Storage.open(bucket)
    target.put("results/audio_1/speech.mp3", bytes(8_999_999) + b"x")
    assert command(postgres_database, "--storage", bucket)["files"]["copied"] == 1
    with connected(postgres_database) as connection:
        connection.execute(text("UPDATE accounts SET credited = credited + 1"))
        connection.commit()
    assert "not empty" in command(postgres_database, "--storage", bucket, code=1)


def test_a_wrong_copy_is_rolled_back(
    settings: Settings, postgres_database: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def losing(session: Session, table: Table) -> None:
        if table.name == "protected_voices":
            session.execute(table.delete())

    monkeypatch.setattr(relocation, "_advance_sequences", losing)
    message = command(postgres_database, code=1)
    assert "table protected_voices has 0 rows in the copy and 1 in the original" in message
    with connected(postgres_database) as connection:
        assert connection.scalar(text("SELECT count(*) FROM accounts")) == 0


def test_a_running_service_is_refused(
    settings: Settings, postgres_database: str, command: Command
) -> None:
    database = Database(settings.database)
    with database.transaction() as session:
        workers.heartbeat(session, "worker_2", WorkerInfo(version="1", ready=True))
    assert "another process uses the database" in command(postgres_database, code=1)
    database.close()
    assert "1 workers are alive" in command(postgres_database, code=1)


def test_a_ledger_that_does_not_add_up_is_refused(
    settings: Settings, postgres_database: str, command: Command
) -> None:
    with closing(sqlite3.connect(settings.data_dir / "soundclone.db")) as connection:
        connection.execute("UPDATE accounts SET posted = posted + 1, credited = credited + 1")
        connection.commit()
    assert "does not add up" in command(postgres_database, code=1)


def test_wrong_targets(settings: Settings, command: Command, tmp_path: Path) -> None:
    assert "not supported" in command(f"sqlite:///{tmp_path}/other.db", code=2)
    assert "name s3://" in command("postgresql://x/y", "--storage", "file:///tmp", code=2)
