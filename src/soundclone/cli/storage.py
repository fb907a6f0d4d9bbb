"""`soundclone storage` and `soundclone backup`: the stored files of this machine's service."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .common import AsJson, fail, print_json, private_files, read_settings, refuse
from .database import opened

if TYPE_CHECKING:
    from ..config import Settings

storage_app = typer.Typer(
    help="Encrypt and decrypt the stored files.",
    no_args_is_help=True,
)

Force = Annotated[
    bool, typer.Option("--force", help="Rewrite files although a worker is alive, at your risk")
]
_NEW_KEY = "SOUNDCLONE_ENCRYPTION_KEYS is empty; `openssl rand -hex 32` makes a key"


@storage_app.command("encrypt")
def encrypt(force: Force = False, as_json: AsJson = False) -> None:
    """Encrypt all stored files with the first key of SOUNDCLONE_ENCRYPTION_KEYS.

    Files that another key encrypts are encrypted again, so the other key can be removed afterwards.
    Stop the service first. A command that was interrupted can be repeated.
    """
    settings = read_settings()
    if not settings.encryption_keys:
        fail(_NEW_KEY, "settings")
    _rewrite(settings, encrypt=True, force=force, as_json=as_json)


@storage_app.command("decrypt")
def decrypt(force: Force = False, as_json: AsJson = False) -> None:
    """Decrypt all stored files. Afterwards remove SOUNDCLONE_ENCRYPTION_KEYS.

    Stop the service first. A command that was interrupted can be repeated.
    """
    _rewrite(read_settings(), encrypt=False, force=force, as_json=as_json)


def _rewrite(settings: Settings, *, encrypt: bool, force: bool, as_json: bool) -> None:
    from ..core import workers
    from ..storage import ENCRYPTION_CHECK, Storage

    private_files()
    with opened() as database, database.read() as session:
        alive = workers.alive(session, settings.worker_lost_after)
    if alive and not force:
        fail(f"{len(alive)} workers are alive; stop the service first", "conflict")
    storage = Storage.of(settings, links=False)
    if encrypt:
        storage.check_encryption()
    rewritten = same = 0
    for key, _ in storage.list():
        changed = storage.rewrite(key, encrypt=encrypt)
        if key == ENCRYPTION_CHECK:
            continue  # no file of a user
        if changed:
            rewritten += 1
        else:
            same += 1
    if as_json:
        print_json({"rewritten": rewritten, "unchanged": same})
    else:
        done = "encrypted" if encrypt else "decrypted"
        typer.echo(f"files newly {done}: {rewritten}; already {done}: {same}")


def backup(
    folder: Annotated[Path, typer.Argument(help="New folder for the backup")],
    as_json: AsJson = False,
) -> None:
    """Copy all data of one machine into a new folder.

    The copy has the database, the stored files and the secrets. The service may run meanwhile. Only
    you can read the copy, which can make links and keys. To restore, start the service with
    SOUNDCLONE_DATA_DIR set to a copy of the folder. Encrypted files stay encrypted. The key of the
    encryption is not in the backup.
    """
    from ..db.damage import file_of
    from ..storage import local_folder

    private_files()
    settings = read_settings()
    database, store = file_of(settings.database), local_folder(settings.storage)
    if database is None:
        fail("the database is a server; back it up with pg_dump, see docs/howto/back-up.md")
    if store is None:
        fail("the store is a bucket; use its versioning or replication, see docs/howto/back-up.md")
    if not database.exists():
        fail(f"there is no database at {database}", "not_found")
    target = folder.absolute()
    if target.is_relative_to(store.absolute()):
        refuse(f"{folder} is inside the store; name a folder outside {store}")
    folder.mkdir(mode=0o700, parents=True)
    # The database first: files that arrive later are unknown to the copied database.
    with closing(sqlite3.connect(database)) as source:
        source.execute("VACUUM INTO ?", [str(folder / "soundclone.db")])
    copied = _copy_tree(store, folder / "files")
    for path in settings.data_dir.iterdir():
        if _belongs(path, database):
            _copy(path, folder / path.name)
    if as_json:
        print_json({"folder": str(target), "files": copied})
    else:
        typer.echo(f"the database, {copied} files and the secrets are copied to {target}")


def _belongs(path: Path, database: Path) -> bool:
    """Tell whether a file of the data folder is a secret or a certificate to back up."""
    other = path.name.startswith(database.name) or path.name == "first-key"
    return path.is_file() and not path.is_symlink() and not other


def _copy_tree(source: Path, target: Path) -> int:
    """Copy the files of a store, except unfinished ones. Return their number."""
    target.mkdir(mode=0o700)
    count = 0
    for folder, _, names in os.walk(source):
        there = target / Path(folder).relative_to(source)
        for name in names:
            if "#" in name:
                continue
            there.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                _copy(Path(folder) / name, there / name)
            except FileNotFoundError:  # the service has just removed the file
                continue
            count += 1
    return count


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as reader:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as writer:
            shutil.copyfileobj(reader, writer, 1 << 20)
