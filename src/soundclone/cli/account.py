"""`soundclone account`: export and erase everything that is stored for an account."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .common import AsJson, fail, print_fields, print_json, read_settings, refuse
from .database import opened

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

account_app = typer.Typer(
    help="Export and erase everything that is stored for an account.", no_args_is_help=True
)

AccountId = Annotated[
    str | None, typer.Option("--account", help="Id of the account (default: the only account)")
]


@account_app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="Archive to write, such as account.zip")],
    account: AccountId = None,
    as_json: AsJson = False,
) -> None:
    """Write everything that is stored for an account into one zip archive.

    The archive has the rows of the database as JSON and the files of the store. Only you can read
    it. An existing file is not replaced.
    """
    from ..jobs import account_data
    from ..storage import Storage

    settings = read_settings()
    with opened() as database:
        with database.read() as session:
            account_id = account or _only_account(session)
        storage = Storage.of(settings, links=False)
        blocks = account_data.export(database, storage, account_id)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as archive:
                archive.writelines(blocks)
        except BaseException:
            file.unlink()  # half an archive would look like a whole one
            raise
    row = {"account": account_id, "file": str(file), "bytes": file.stat().st_size}
    print_json(row) if as_json else typer.echo(f"{account_id} is exported to {file}")


@account_app.command("erase")
def erase(
    account: AccountId = None,
    yes: Annotated[bool, typer.Option("--yes", help="Erase without a question")] = False,
    wait: Annotated[
        float, typer.Option(help="Seconds in which workers may leave running tasks")
    ] = 30.0,
    as_json: AsJson = False,
) -> None:
    """Erase an account: keys, recordings, voices, results, texts and uploads.

    This cannot be undone. Running tasks are cancelled and cost nothing. The ledger keeps amounts,
    ids and times, without names and notes. Backups keep the account until you delete them.
    """
    from ..jobs import account_data
    from ..jobs.queue import Queue, prepare
    from ..storage import Storage

    settings = read_settings()
    with opened() as database:
        with database.read() as session:
            account_id = account or _only_account(session)
        if not yes:
            if as_json:
                refuse("--json asks no question; add --yes")
            typer.confirm(f"Erase account {account_id}? This cannot be undone", abort=True)
        prepare(database)  # where the service was never started
        storage, queue = Storage.of(settings, links=False), Queue(database)
        try:
            report = account_data.erase(database, storage, queue, account_id, wait=wait)
        finally:
            queue.close()
    if as_json:
        print_json(report.to_json())
        return
    typer.echo(f"{account_id} is erased")
    print_fields(vars(report.erased) | {"files": report.files, "bytes": report.bytes})
    if report.pending:
        typer.echo(
            f"A worker has not left {len(report.pending)} tasks yet. It removes their files when "
            "it does."
        )


def _only_account(session: Session) -> str:
    """Return the id of the only account. Ends the command if there are none or several."""
    from sqlalchemy import select

    from ..db.models import Account

    found = session.scalars(select(Account.id).where(Account.erased_at.is_(None)).limit(2)).all()
    if not found:
        fail("there is no account", "not_found")
    if len(found) > 1:
        refuse("there are several accounts; name one with --account, see `soundclone keys list`")
    return found[0]
