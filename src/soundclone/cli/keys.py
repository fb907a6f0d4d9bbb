"""`soundclone keys`: accounts' API keys, on this machine's database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .common import AsJson, print_json, print_table, read_settings
from .database import transaction

if TYPE_CHECKING:
    from ..db.models import Key

keys_app = typer.Typer(help="Create, list, revoke and limit API keys.", no_args_is_help=True)

KeyName = Annotated[str, typer.Argument(help="Id of the key, key_…, or its first nine characters")]


@keys_app.command("create")
def create(
    name: Annotated[str, typer.Option(help="Name of the key")],
    credit: Annotated[str, typer.Option(help="Credits to add to the account")] = "0",
    account: Annotated[
        str | None, typer.Option(help="Existing account of the key (default: a new account)")
    ] = None,
    quota: Annotated[str, typer.Option(help="Most credits to spend; 0 means no limit")] = "0",
    operator: Annotated[
        bool, typer.Option("--operator", help="Let the key open the operator's page of the studio")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Create an API key, and print it once.

    Only a hash of the key is stored.
    """
    from ..core import keys, ledger
    from ..core.pricing import to_micro

    settings = read_settings()
    with transaction(new=True) as session:
        settings.create_secret()
        account_id = account or ledger.open_account(session, name).id
        key, text = keys.create(
            session,
            settings.secret,
            account_id=account_id,
            name=name,
            quota=to_micro(quota),
            operator=operator,
        )
        if to_micro(credit):
            ledger.credit(session, account_id, to_micro(credit), memo=f"with key {name}")
        key_id = key.id
    if as_json:
        print_json({"account": account_id, "key": text, "id": key_id})
    else:
        typer.echo(
            f"account  {account_id}\nkey      {text}\n\nSave the key: it is not shown again."
        )


@keys_app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the keys of all accounts."""
    from sqlalchemy import select

    from ..db.models import Key

    with transaction() as session:
        rows = [_row(key) for key in session.scalars(select(Key).order_by(Key.created_at))]
    print_json(rows) if as_json else print_table(rows)


@keys_app.command("revoke")
def revoke(key: KeyName, as_json: AsJson = False) -> None:
    """Revoke a key.

    Requests with the key are refused from now on.
    """
    from ..core import keys

    with transaction() as session:
        row = _row(keys.revoke(session, key))
    print_json(row) if as_json else typer.echo(f"{row['id']} ({row['key']}) is revoked")


@keys_app.command("set-quota")
def set_quota(
    key: KeyName,
    quota: Annotated[str, typer.Argument(help="Most credits to spend; 0 means no limit")],
    as_json: AsJson = False,
) -> None:
    """Limit the credits that a key may spend."""
    from ..core import keys
    from ..core.pricing import to_micro

    with transaction() as session:
        row = _row(keys.set_quota(session, key, to_micro(quota)))
    most = f"at most {row['quota']:g} credits" if row["quota"] else "without a limit"
    print_json(row) if as_json else typer.echo(f"{row['id']} may spend {most}")


def _row(key: Key) -> dict[str, object]:
    from ..core.pricing import to_credits

    return {
        "id": key.id,
        "account": key.account_id,
        "name": key.name,
        "key": key.display,
        "quota": to_credits(key.quota),
        "used": to_credits(key.used),
        "operator": key.operator,
        "revoked": key.revoked_at is not None,
    }
