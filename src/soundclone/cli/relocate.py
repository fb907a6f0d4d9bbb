"""`soundclone migrate-to`: move an installation to Postgres and a bucket."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated

import typer

from .common import AsJson, fail, print_json, private_files, read_settings, refuse

_INTERVAL = 5.0  # seconds between two lines of progress


def migrate_to(
    url: Annotated[str, typer.Argument(help="postgresql://… of an empty database")],
    storage: Annotated[
        str | None,
        typer.Option(help="s3://… of a bucket. Without it, the files stay"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Copy SQLite to Postgres, and files to a bucket.

    Stop the service first. The original is not changed. Rows are counted and compared by checksum,
    sums of money are compared, and files are read back. A command that was interrupted can be
    repeated: files that arrived are skipped, and the database is copied in one transaction.

    Put the password of the database into PGPASSWORD or ~/.pgpass, not into the URL. S3 credentials
    are read from the AWS_* variables.
    """
    from ..core import workers
    from ..db.damage import file_of
    from ..db.migrate import upgrade
    from ..db.session import Database
    from ..jobs import queue, relocation
    from ..storage import Storage, local_folder

    private_files()
    settings = read_settings()
    path, folder = file_of(settings.database), local_folder(settings.storage)
    if path is None:
        fail("the database is a server already; use pg_dump, see docs/howto/back-up.md")
    if not path.exists():
        fail(f"there is no database at {path}", "not_found")
    if not url.startswith(("postgres://", "postgresql://", "postgresql+psycopg://")):
        refuse(f"{url.partition(':')[0]} is not supported; name postgresql://…")
    if storage is not None and (folder is None or not storage.startswith("s3://")):
        refuse("--storage moves the files of a folder to a bucket; name s3://…")
    relocation.check_unused(path)
    source = Database(settings.database, connections=3)
    target = Database(type(settings)(database_url=url).database, connections=3)
    try:
        upgrade(source)
        queue.prepare(source)
        with source.read() as session:
            alive = workers.alive(session, settings.worker_lost_after)
        if alive:
            fail(f"{len(alive)} workers are alive; stop the service first", "conflict")
        upgrade(target)
        queue.prepare(target)
        # The transaction keeps others from writing until everything is copied.
        with source.transaction() as session:
            files = None
            if storage is not None:
                bucket = Storage.open(storage)
                bucket.check()
                files = relocation.copy_files(Storage.open(settings.storage), bucket, _report())
            rows = relocation.copy_database(session, target)
    finally:
        source.close()
        target.close()
    if as_json:
        print_json({"rows": rows, "files": vars(files) if files else None})
        return
    moved = f"{sum(rows.values()):,} rows"
    if files:
        moved += f" and {files.total:,} files ({files.copied:,} new)"
    typer.echo(f"{moved} are copied, and equal the originals. Start every process with:")
    typer.echo("  SOUNDCLONE_DATABASE_URL, the URL of the database")
    if files:
        typer.echo("  SOUNDCLONE_STORAGE_URL, the URL of the bucket")
    if not settings.secret_key:
        typer.echo(f"  SOUNDCLONE_SECRET_KEY, the text in {settings.secret_file}")
    if former := [str(each) for each in settings.former_secret_files]:
        typer.echo(f"  SOUNDCLONE_FORMER_SECRET_KEYS, the texts in {', '.join(former)}")
    if settings.encryption_keys:
        typer.echo("  SOUNDCLONE_ENCRYPTION_KEYS, as before")


def _report() -> Callable[[int, int], None]:
    """Return a function that prints the number of copied files from time to time."""
    printed = time.monotonic()

    def report(finished: int, total: int) -> None:
        nonlocal printed
        if time.monotonic() - printed > _INTERVAL:
            printed = time.monotonic()
            typer.echo(f"{finished:,} of {total:,} files", err=True)

    return report
